"""``trualias replay``."""

import codecs
import gzip
import json
import os
import subprocess
import time
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.test_maillog import REFUSED, SENT
from trualias.test.test_strength_command import Screen

OLD = """\
ALIAS DOMAINS: example.com old.example
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT baz MATCHES baz.%alpha%.%code% WITH CHARS();
"""
NEW = """\
ALIAS DOMAINS: example.com new.example
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS(), CHAR(1,-);
ACCOUNT qux MATCHES baz.%alpha%.%code% WITH CHARS();
"""
ADDRESSES = b"""\
foo-macys-m5@example.com
foo-google-g6@example.com
foo-google-g6@example.com
foo-macys-5m@example.com
baz.shop.4@example.com
baz.shop.4@old.example
baz.shop.4@new.example
baz.shop.5@example.com
baz.shop.4@example.org
"""
HOOKS = """\
ACCOUNTS = ALIASES = frozenset()
def preprocess(alias, domain):
    if alias == "baz.shop.4":
        raise ValueError(alias)
    return alias, domain
def postprocess(account, domain):
    return account, domain
def reload():
    pass
"""


class ReplayTests(SynchronousTestCase):
    """The command, in this process."""

    def setUp(self) -> None:
        """Write two configurations."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.write("old.conf", OLD)
        self.write("new.conf", NEW)

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def replay(self, *arguments: str, typed: bytes = b"", errors: StringIO | None = None) -> tuple[int, str, str]:
        """Run the command from the old to the new configuration; return status, output and errors."""
        terminal = Terminal(BytesIO(typed), StringIO(), errors or StringIO())
        files = (str(self.folder / "new.conf"), "--against", str(self.folder / "old.conf"))
        status = run(["replay", *files, *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_whole_addresses(self) -> None:
        """With --virtual whole addresses are looked up; each group is printed, the most frequent address first."""
        expected = """\
now refused: 3 addresses
address                    received  tried  last seen  was              would be
foo-google-g6@example.com         2      0  -          foo@example.com  -
baz.shop.4@old.example            1      0  -          baz@old.example  -
foo-macys-m5@example.com          1      0  -          foo@example.com  -

another account: 1 address
address                 received  tried  last seen  was              would be
baz.shop.4@example.com         1      0  -          baz@example.com  qux@example.com

newly accepted: 2 addresses
address                   received  tried  last seen  was  would be
baz.shop.4@new.example           1      0  -          -    qux@new.example
foo-macys-5m@example.com         1      0  -          -    foo@example.com

6 addresses change, of 7 in 9 lines. 'Received' are mails that were delivered, 'tried' all that were refused, \
deferred or bounced.
"""
        self.assertEqual((1, expected, ""), self.replay("--virtual", typed=ADDRESSES))

    def test_local_parts(self) -> None:
        """Without --virtual local parts are looked up: those of the domains listed or named, and bare ones."""
        expected = """\
another account: 2 addresses
address                 received  tried  last seen  was  would be
baz.shop.4                     1      0  -          baz  qux
baz.shop.4@example.org         1      0  -          baz  qux

2 addresses change, of 2 in 3 lines. 'Received' are mails that were delivered, 'tried' all that were refused, \
deferred or bounced.
"""
        typed = b"baz.shop.4\nbaz.shop.4@example.org\nbaz.shop.4@example.net\n"
        self.assertEqual((0, expected, ""), self.replay("--domain", "Example.ORG", typed=typed))

    def test_all_domains(self) -> None:
        """Where no domain is listed or named, the recipients of all domains count."""
        self.write("old.conf", OLD.partition("\n")[2])
        self.write("new.conf", NEW.partition("\n")[2])
        value = json.loads(self.replay("--json", typed=b"baz.shop.4@example.org\n")[1])
        self.assertEqual(["baz.shop.4@example.org"], [change["address"] for change in value["changes"]])

    def test_no_alias_domains(self) -> None:
        """Without ALIAS DOMAINS the virtual server finds no address: comparing is an error."""
        self.write("old.conf", OLD.partition("\n")[2])
        self.write("new.conf", NEW.partition("\n")[2])
        reason = "neither configuration has ALIAS DOMAINS; leave --virtual out to look up local parts\n"
        self.assertEqual((2, "", reason), self.replay("--virtual", typed=ADDRESSES))

    def test_refused_before(self) -> None:
        """The status is 0 where the addresses that would be refused have received no mail."""
        typed = SENT.replace(b"status=sent", b"status=deferred") + REFUSED
        status, output, _ = self.replay("--virtual", typed=typed)
        self.assertEqual(0, status)
        self.assertTrue(output.startswith("now refused: 1 address\n"), output)
        self.assertEqual(1, self.replay("--virtual", typed=SENT)[0])

    def test_no_change(self) -> None:
        """Where nothing changes, the output says so."""
        status, output, _ = self.replay("--virtual", typed=b"baz.shop.5@example.com\n")
        self.assertEqual((0, "0 addresses change, of 1 in 1 line."), (status, output.partition(" 'Received'")[0]))

    def test_json(self) -> None:
        """With --json the changes are printed as JSON."""
        status, output, _ = self.replay("--virtual", "--json", typed=SENT)
        expected = {
            "lines": 1,
            "addresses": 2,
            "changes": [
                {
                    "address": "foo-macys-m5@example.com",
                    "change": "refused",
                    "was": "foo@example.com",
                    "would_be": None,
                    "received": 1,
                    "tried": 0,
                    "last_seen": f"{_year_of_28_february()}-02-28 20:18:01",
                }
            ],
        }
        self.assertEqual((1, expected), (status, json.loads(output)))

    def test_logs(self) -> None:
        """Several logs are read, compressed or not, and - is standard input; arguments may come in any order."""
        plain = self.write("mail.log", b"foo-macys-m5@example.com\n")
        packed = self.write("mail.log.1", gzip.compress(b"foo-google-g6@example.com\n"))
        status, output, _ = self.replay(plain, "--virtual", packed, "-", "--json", typed=b"foo-ab-a2@example.com\n")
        value = json.loads(output)
        self.assertEqual((1, 3, 3), (status, value["lines"], len(value["changes"])))

    def test_typed(self) -> None:
        """On a terminal, a line says what is read."""

        class Keyboard(BytesIO):
            def isatty(self) -> bool:
                return True

        terminal = Terminal(Keyboard(b"foo.shop.4\n"), StringIO(), StringIO())
        files = (str(self.folder / "new.conf"), "--against", str(self.folder / "old.conf"))
        run(["replay", *files], terminal)
        assert isinstance(terminal.errors, StringIO)
        self.assertEqual(
            "Type addresses, or lines of a log, one a line; Ctrl-D ends them.\n", terminal.errors.getvalue()
        )

    def test_unreadable(self) -> None:
        """A log that cannot be read is an error that names it."""
        nowhere = str(self.folder / "nowhere")
        reason = f"{nowhere}: cannot be read: No such file or directory\n"
        self.assertEqual((2, "", reason), self.replay(nowhere))
        self.assertEqual(
            (2, "", f"{nowhere}\\x1b[31m{reason.removeprefix(nowhere)}"), self.replay(f"{nowhere}\x1b[31m")
        )
        folder = str(self.folder)
        self.assertEqual((2, "", f"{folder}: cannot be read: Is a directory\n"), self.replay(folder))
        cut = self.write("mail.log.gz", gzip.compress(b"foo\n" * 1000)[:-9])
        reason = f"{cut}: cannot be read: Compressed file ended before the end-of-stream marker was reached\n"
        self.assertEqual((2, "", reason), self.replay(cut))

    def test_formats(self) -> None:
        """Logs of Exim and Sendmail, lists in several forms and UTF-16 are read like the log of Postfix."""
        address = b"foo-macys-m5@example.com"
        exim = b"2026-02-28 20:18:01 1xWHj0-0006UF-0s => foo <%b> R=box T=box\n" % address
        sendmail = b"Feb 28 20:18:01 mail sm-mta[7]: 6APITI0Z026377: to=<%b>, delay=00:00:00, stat=Sent\n" % address
        for log in (
            exim,
            sendmail,
            codecs.BOM_UTF8 + address,
            codecs.BOM_UTF16_LE + exim.decode().encode("utf-16-le"),
            codecs.BOM_UTF16_BE + sendmail.decode().encode("utf-16-be"),
            b"      1 %b\n" % address,
            b'"Macys" <%b>\r\n' % address,
        ):
            status, output, errors = self.replay("--virtual", "--json", typed=log)
            (change,) = json.loads(output)["changes"]
            self.assertEqual((1, ""), (status, errors))
            self.assertEqual(
                (address.decode(), "refused", 1), (change["address"], change["change"], change["received"])
            )

    def test_no_recipient(self) -> None:
        """Where no log has a recipient, each is named and the status is 2."""
        program = bytes(range(256)) * 4_000 + b"\nfoo\n"
        expected = "expected logs of Postfix, Exim or Sendmail, or lists of addresses, one a line\n"
        for content in (b"", b"\n\n", b"no log\n", program, gzip.compress(program), b"\xff\xfe"):
            log = self.write("mail.log", content)
            for options in ((), ("--virtual",), ("--json",)):
                self.assertEqual((2, "", f"no recipient found in {log}\n{expected}"), self.replay(*options, log))
        typed = b"foo-macys-m5\n"
        reasons = f"no recipient found in standard input\nno recipient found in {log}\n{expected}"
        self.assertEqual((2, "", reasons), self.replay("--virtual", "-", log, typed=typed))

    def test_no_recipient_in_one_log(self) -> None:
        """A log without a recipient is named where others have some, and does not change the status."""
        empty, full = self.write("empty", b""), self.write("full", b"foo-macys-m5@example.com\n")
        status, output, errors = self.replay("--virtual", empty, full)
        self.assertEqual((1, f"no recipient found in {empty}\n"), (status, errors))
        self.assertIn("foo-macys-m5@example.com", output)

    def test_other_domains(self) -> None:
        """A log whose recipients are all of other domains has recipients; none of them changes."""
        status, output, errors = self.replay("--virtual", typed=b"foo-macys-m5@example.net\n")
        self.assertEqual((0, "0 addresses change, of 0 in 1 line.", ""), (status, output.partition(" 'R")[0], errors))

    def test_unknown_form(self) -> None:
        """Recipients in an unknown form count as tried, with a warning; alone, they are not enough."""
        line = b"delivered to=<foo-macys-m5@example.com>\n"
        unknown = "standard input: 2 lines name a recipient in an unknown form, counted as tried\n"
        status, output, errors = self.replay("--virtual", typed=line + line + b"foo-google-g6@example.com\n")
        self.assertEqual((1, unknown), (status, errors))
        self.assertIn("foo-macys-m5@example.com          0      2  -", output)
        expected = "expected logs of Postfix, Exim or Sendmail, or lists of addresses, one a line\n"
        reasons = f"no recipient found in standard input\n{unknown}{expected}"
        self.assertEqual((2, "", reasons), self.replay("--virtual", typed=line + line))

    def test_long_line(self) -> None:
        """The end of a very long line is skipped, with a warning."""
        typed = b"x " * 1_000_000 + b"\n" + SENT
        status, _, errors = self.replay("--virtual", typed=typed)
        self.assertEqual((1, "standard input: 1 line is longer than 256 KiB; the rest was skipped\n"), (status, errors))

    def test_pipe(self) -> None:
        """A named pipe is read like a file."""
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["sh", "-c", 'cat > "$0"', str(pipe)], stdin=subprocess.PIPE) as writer:
            assert writer.stdin is not None
            writer.stdin.write(SENT * 200)
            writer.stdin.close()
            status, output, _ = self.replay("--virtual", "--json", str(pipe))
        self.assertEqual((1, 200), (status, json.loads(output)["changes"][0]["received"]))

    def test_failing_lookups(self) -> None:
        """A lookup that would fail is a change of its own; one that fails in both configurations is none."""
        self.write("hooks_of_new.py", HOOKS)
        self.write("new.conf", f"PROCESSOR: hooks_of_new\n{NEW}")
        status, output, _ = self.replay("--virtual", typed=b"baz.shop.4@example.com\n")
        self.assertEqual(1, status)
        self.assertIn("now a temporary error: 1 address\n", output)
        self.assertIn("baz@example.com  the hooks raised ValueError('baz.shop.4')\n", output)
        self.write("old.conf", f"PROCESSOR: hooks_of_new\n{OLD}")
        self.assertEqual([], self.changes(b"baz.shop.4@example.com\n"))
        self.write("new.conf", NEW)
        (change,) = self.changes(b"baz.shop.4@example.com\n")
        self.assertEqual("accepted", change["change"])
        self.assertEqual({"error": "the hooks raised ValueError('baz.shop.4')"}, change["was"])

    def changes(self, typed: bytes) -> list[dict[str, object]]:
        """Return the changes for the virtual server, as ``--json`` prints them."""
        found: list[dict[str, object]] = json.loads(self.replay("--virtual", "--json", typed=typed)[1])["changes"]
        return found

    def test_default_of_against(self) -> None:
        """The configuration in force is by default the one that the servers find."""
        self.write("tcp_virtual_server.conf", OLD)
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.folder)
        terminal = Terminal(BytesIO(SENT), StringIO(), StringIO())
        self.assertEqual(1, run(["replay", "--virtual", "new.conf"], terminal))

    def test_progress(self) -> None:
        """On a terminal a bar shows the progress."""
        log = self.write("mail.log", SENT * 20_000)
        errors = self.replay("--virtual", log, errors=Screen())[2]
        self.assertIn("reading", errors)
        self.assertIn("looking up", errors)


def _year_of_28_february() -> int:
    today = time.localtime()
    return today.tm_year - ((today.tm_mon, today.tm_mday) < (2, 28))
