"""Tests of ``trualias alias import``."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands import alias_import
from trualias.commands.csv_cells import with_guard, without_guard
from trualias.commands.dates import local_time
from trualias.lookup.alias_states import AliasState
from trualias.store.records import IMPORTS, Change, Entry, Origin, Use
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import GOOGLE, MACYS, MemoryCase

CONFIGURATION = """
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: example.com
DEBUG ACCOUNT: root
ACCOUNT foo, bar MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT one MATCHES %alpha%.%code% WITH x;
ACCOUNT two MATCHES %alnum%.%code% WITH x;
REFUSE taken@example.com;
DELIVER bar TO bar@mailbox.example, archive;
DELIVER foo TO foo, archive;
DELIVER old TO old@mailbox.example;
"""
TWO_DOMAINS = """
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: north.test south.test
ACCOUNT ann AT north.test MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""


class ImportCase(MemoryCase):
    """A folder with a configuration, a store and lists."""

    def setUp(self) -> None:
        """Write the configuration."""
        super().setUp()
        self.path.write_text(CONFIGURATION, "utf-8")

    def file(self, content: str | bytes, name: str = "list") -> str:
        """Write a file, and return its path."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def entries(self) -> dict[str, Entry]:
        """Return what the store knows, by address."""
        store = SqliteStore(str(self.store))
        try:
            return {entry.address: entry for entry in store.entries()}
        finally:
            store.close()

    def kept(self) -> dict[str, str]:
        """Return the accounts of the kept aliases."""
        return {address: entry.account for address, entry in self.entries().items() if entry.kept}


class ListTests(ImportCase):
    """Lists of addresses, and CSV files."""

    def test_list(self) -> None:
        """Each line is kept once, in one revision with one line in the trail."""
        path = self.file("Shop@Example.COM\n\n  news \nshop@example.com\n")
        self.assert_done("2 addresses are kept, 0 skipped\n", "alias", "import", "--account", "foo", path)
        self.assertEqual({"Shop@example.com": "foo", "news@example.com": "foo"}, self.kept())
        entry = self.entries()["Shop@example.com"]
        self.assertEqual((Origin.IMPORTED, ("shop",), None), (entry.origin, entry.words, entry.first_seen))
        store = SqliteStore(str(self.store))
        self.addCleanup(store.close)
        [line] = store.trail(IMPORTS)
        self.assertEqual("imported 2 aliases: 2 for foo", line.note)
        time = local_time(line.at)
        columns = f"{'time':{len(time)}}  {'by':{len(line.actor)}}  import"
        self.assert_done(f"{columns}\nTIME  {line.actor}  {line.note}\n", "alias", "imports")
        found = [{"at": "TIME", "by": line.actor, "note": line.note}]
        self.assertEqual(found, json.loads(self.run_command("alias", "imports", "--json")[1]))
        self.assertEqual([], store.trail("shop@example.com"))
        self.assertEqual(2, store.position().revision)
        again = "0 addresses are kept, 0 skipped, 2 kept already\n"
        self.assert_done(again, "alias", "import", "--account", "FOO", path)
        self.assertEqual(2, store.position().revision)

    def test_standard_input(self) -> None:
        """A hyphen reads standard input, which may be compressed."""
        typed = gzip.compress("shop\n".encode("utf-16"))
        done = "1 address is kept, 0 skipped\n"
        self.assert_done(done, "alias", "import", "--account", "foo", "-", typed=typed)
        self.assertEqual({"shop@example.com": "foo"}, self.kept())

    def test_skipped(self) -> None:
        """What is no alias, a mailbox, refused, or another account's, is listed with the reason; the rest is kept."""
        store = SqliteStore(str(self.store))
        store.change([Change("hers@example.com", "hers", AliasState.ACTIVE, kept_for="bar")], "root", 1)
        store.count([Use("used@example.com", "used", "bar", None, 1, 1, 1)], 1, keeps_senders=False)
        store.close()
        mailbox = "is a mailbox, not an alias: all mail of its owner goes there"
        reasons = {
            "foo@example.com": f"'foo' {mailbox}",
            "ROOT@example.com": f"'ROOT' {mailbox}",
            "archive": f"'archive' {mailbox}",
            "old": f"'old' {mailbox}",
            "a@example.net": "the domain 'example.net' is not one of ALIAS DOMAINS",
            "a b@example.com": "'a b@example.com' is not an address",
            '"a"@example.com': "'\"a\"' is not a local part without quotes, of at most 64 characters",
            f"{65 * 'x'}@example.com": f"'{64 * 'x'}...' is not a local part without quotes, of at most 64 characters",
            "taken@example.com": "REFUSE in line 8 takes it back",
            "bar-macys-m5": "a statement gives it to bar",
            "q.x": "statements give it to one or two",
            "hers": "the store keeps it for bar",
            "used": "the store knows it for bar",
        }
        path = self.file("\n".join([*reasons, MACYS, "shop"]))
        lines = [f"{address} is skipped: {reason}\n" for address, reason in reasons.items()]
        expected = "".join(lines) + "2 addresses are kept, 13 skipped\n"
        self.assert_done(expected, "alias", "import", "--account", "foo", path)
        self.assertEqual({MACYS: "foo", "shop@example.com": "foo", "hers@example.com": "bar"}, self._whole(self.kept()))

    def _whole(self, kept: dict[str, str]) -> dict[str, str]:
        return {address if "@" in address else f"{address}@example.com": account for address, account in kept.items()}

    def test_take(self) -> None:
        """What belongs to another account is kept with ``--take``, and nothing else that is skipped."""
        store = SqliteStore(str(self.store))
        store.change([Change("hers@example.com", "hers", AliasState.ACTIVE, kept_for="bar")], "root", 1)
        store.close()
        path = self.file("hers\nbar-macys-m5\nq.x\ntaken\nfoo\n")
        status, output, _ = self.run_command("alias", "import", "--take", "--account", "foo", path)
        self.assertEqual((0, "3 addresses are kept, 2 skipped"), (status, output.splitlines()[-1]))
        addresses = {"hers": "foo", "bar-macys-m5@example.com": "foo", "q.x@example.com": "foo"}
        self.assertEqual(addresses, self.kept())

    def test_nothing(self) -> None:
        """An import that skips everything is refused, and leaves no line in the trail."""
        expected = "foo is skipped: 'foo' is a mailbox, not an alias: all mail of its owner goes there\n"
        path = self.file("foo\n")
        result = self.run_command("alias", "import", "--account", "foo", path)
        self.assertEqual((1, f"{expected}0 addresses are kept, 1 skipped\n", ""), result)
        store = SqliteStore(str(self.store))
        self.addCleanup(store.close)
        self.assertEqual((1, []), (store.position().revision, store.trail(IMPORTS)))

    def test_states(self) -> None:
        """No state changes."""
        self.run_command("alias", "revoke", MACYS)
        self.run_command("alias", "pause", GOOGLE)
        path = self.file(f"{MACYS}\n{GOOGLE}\nshop\n")
        expected = "3 addresses are kept, 0 skipped\n2 of them stay revoked or paused\n"
        self.assert_done(expected, "alias", "import", "--account", "foo", path)
        self.assertEqual({MACYS: "revoked", GOOGLE: "refuse", "shop@example.com": "active"}, self.states())

    def test_column(self) -> None:
        """A column of a CSV file, with any of three delimiters; the guard of a formula is taken off."""
        for delimiter in ",;\t":
            other = f'"news{delimiter}x@example.com"'
            cells = [["note", "address"], ["x", "'+shop@example.com"], ["'=y", other], ["z"]]
            path = self.file("\r\n".join(delimiter.join(row) for row in cells) + "\r\n")
            status, output, _ = self.run_command("alias", "import", "--account", "foo", "--column", "address", path)
            self.assertEqual((0, True), (status, " 1 skipped" in output.splitlines()[-1]), output)
            self.assertEqual({"+shop@example.com": "foo"}, self.kept())

    def test_columns(self) -> None:
        """A column that is not there, and a CSV file without ``--column``, are refused with the columns."""
        path = self.file("note,address\nx,shop@example.com\n")
        command = ("alias", "import", "--account", "foo", path)
        self.assert_refused(
            "its lines have several columns; name that of the addresses by --column: note, address", *command
        )
        self.assert_refused("there is no column 'mail'; the columns are note, address", *command, "--column", "mail")
        self.assert_refused(
            "there is no column 'mail'; the columns are none", *command[:-1], self.file(""), "--column", "mail"
        )

    def test_guard(self) -> None:
        """A guard is taken off as it was put, and no other quote is."""
        for text in ("=1", "+a", "-a", "@a", "\ta", "a", "'a", "'", ""):
            self.assertEqual(text, without_guard(with_guard(text)))
        self.assertEqual(["'=1", "a=1", "'a"], [*map(with_guard, ("=1", "a=1", "'a"))])

    def test_accounts(self) -> None:
        """The account is one of the configuration, which may have a DELIVER alone."""
        path = self.file("shop\n")
        self.assert_refused(
            "there is no account 'fooo'; did you mean 'foo'?",
            *("alias", "import", "--account", "fooo", path),
        )
        self.assert_refused(
            "the domain 'example.net' is not one of ALIAS DOMAINS",
            *("alias", "import", "--account", "foo@example.net", path),
        )
        self.assert_refused("--account is needed: the account that the addresses are kept for", "alias", "import", path)
        self.assert_refused("name either a list of addresses, or logs after --from-log", "alias", "import")
        self.assert_done("1 address is kept, 0 skipped\n", "alias", "import", "--account", "old", path)
        _, output, _ = self.run_command("alias", "show", "shop")
        self.assertIn("shop@example.com is active", output)

    def test_domains(self) -> None:
        """An account of one domain gets the addresses of this domain alone; one of all, those of all."""
        self.path.write_text(TWO_DOMAINS, "utf-8")
        path = self.file("shop@north.test\nshop@south.test\nall\n")
        self.assert_done(
            "shop@south.test is skipped: ann is no account of south.test\n"
            "all is skipped: ann is no account of south.test\n"
            "1 address is kept, 2 skipped\n",
            *("alias", "import", "--account", "ann", path),
        )
        self.assert_done(
            "shop@north.test is skipped: it is not in south.test\nall is skipped: it is not in south.test\n"
            "1 address is kept, 2 skipped\n",
            *("alias", "import", "--account", "foo@SOUTH.test", path),
        )
        self.assert_done(
            "shop@north.test is skipped: the store keeps it for ann\n1 address is kept, 1 skipped, 1 kept already\n",
            *("alias", "import", "--account", "foo", path),
        )
        self.assertEqual({"shop@north.test": "ann", "shop@south.test": "foo", "all": "foo"}, self.kept())

    def test_bounds(self) -> None:
        """A list that is too long is refused as a whole."""
        self.patch(alias_import, "MOST_LINES", 3)
        path = self.file("a\nb\nc\nd\n")
        self.assert_refused(
            "there are more than 3 addresses; import them in parts", "alias", "import", "--account", "foo", path
        )

    def test_unreadable(self) -> None:
        """A list that cannot be read is refused."""
        self.assert_refused(
            "/nonexistent: cannot be read: No such file or directory",
            *("alias", "import", "--account", "foo", "/nonexistent"),
        )

    def test_binary(self) -> None:
        """A file that is no text is refused as a whole, although some of its lines could be addresses."""
        path = self.file("")
        Path(path).write_bytes(b"shop\n\n" + b"news\n" * 100_000 + b"caf\xe9\nad\n")
        for options in ([], ["--column", "shop"]):
            self.assert_refused(
                f"{path}: line 100003 is not UTF-8 text; nothing is imported",
                *("alias", "import", "--account", "foo", path, *options),
            )

    def test_json(self) -> None:
        """``--json`` has all results."""
        path = self.file("shop\nfoo\n")
        status, output, _ = self.run_command("alias", "import", "--json", "--account", "foo", path)
        kept = [{"address": "shop@example.com", "account": "foo", "accepted": 0, "last_seen": None}]
        reason = "'foo' is a mailbox, not an alias: all mail of its owner goes there"
        expected = {"done": True, "kept": kept, "already": 0, "inactive": 0, "rare": 0}
        self.assertEqual(
            (0, {**expected, "skipped": [{"address": "foo", "reason": reason}]}), (status, json.loads(output))
        )


def sent(written: str, reached: str = "", *, times: int = 1, day: int = 1, status: str = "sent") -> str:
    """Return lines of Postfix about mails to an address, and what it was rewritten to."""
    to = f"to=<{reached}>, orig_to=<{written}>" if reached else f"to=<{written}>"
    head = f"2026-03-0{day}T20:18:01.5+00:00 mail postfix/virtual[1]: 4dF0"
    line = f"{head}: {to}, relay=virtual, delay=0.1, status={status} (x)"
    return "".join(f"{line}\n" for _ in range(times))


class LogTests(ImportCase):
    """Mail logs."""

    LOG = (
        sent("Shop@example.com", "foo@example.com", times=2)
        + sent("shop@example.com", "foo@example.com", day=3)
        + sent("forum@example.com", "bar@mailbox.example", times=2)
        + sent("forum@example.com", "archive@example.com", times=2)
        + sent("once@example.com", "foo@example.com")
        + sent("bounced@example.com", "foo@example.com", times=5, status="bounced")
        + sent("both@example.com", "foo@example.com", times=2)
        + sent("both@example.com", "bar@mailbox.example")
        + sent("direct@example.com", times=2)
        + sent(MACYS, times=2)
        + sent("away@example.net", "x@example.net", times=3)
        + sent("foo@example.com", times=2)
    )

    def run_import(self, *arguments: str, log: str = "") -> tuple[int, list[str], str]:
        """Run the command on the log; return status, lines of output and errors."""
        path = self.file(log or self.LOG, "mail.log")
        status, output, errors = self.run_command("alias", "import", *arguments, "--from-log", path)
        return status, output.splitlines(), errors

    def test_shown(self) -> None:
        """Without ``--yes`` it shows what it would do, and does nothing."""
        status, lines, errors = self.run_import()
        self.assertEqual((0, ""), (status, errors))
        self.assertEqual(
            [
                ["address", "account", "mails", "last", "mail"],
                ["Shop@example.com", "foo", "3", "2026-03-03"],
                ["forum@example.com", "bar", "2", "2026-03-01"],
                [MACYS, "foo", "2", "2026-03-01"],
            ],
            [line.split() for line in lines[:4]],
        )
        mailbox = "is a mailbox, not an alias: all mail of its owner goes there"
        self.assertEqual(
            [
                f"foo@example.com is skipped: 'foo' {mailbox}",
                f"archive@example.com is skipped: 'archive' {mailbox}",
                "both@example.com is skipped: its mail reached bar, foo; import it with --account for one of them",
                "direct@example.com is skipped: the log does not show which account its mail reached; --account names "
                "one for such addresses",
                "3 addresses would be kept, 4 skipped",
                "1 address is left out, which has fewer mails than --min",
                "nothing is done without --yes",
            ],
            lines[4:],
        )
        self.assertEqual({}, self.entries())

    def test_done(self) -> None:
        """With ``--yes`` each address is kept for the account that it reached, with its numbers and dates."""
        status, lines, _ = self.run_import("--yes")
        self.assertEqual((0, "3 addresses are kept, 4 skipped"), (status, lines[-2]))
        kept = {"Shop@example.com": "foo", "forum@example.com": "bar", MACYS: "foo"}
        self.assertEqual(kept, self.kept())
        entry = self.entries()["Shop@example.com"]
        assert entry.first_seen is not None and entry.last_seen is not None
        self.assertEqual((3, 2 * 86_400), (entry.accepted, entry.last_seen - entry.first_seen))
        store = SqliteStore(str(self.store))
        self.addCleanup(store.close)
        self.assertEqual(["imported 3 aliases: 1 for bar, 2 for foo"], [line.note for line in store.trail(IMPORTS)])

    def test_min(self) -> None:
        """``--min 1`` takes each address that received a mail."""
        self.run_import("--yes", "--min", "1")
        self.assertEqual("foo", self.kept()["once@example.com"])
        self.assertNotIn("bounced@example.com", self.kept())

    def test_account(self) -> None:
        """``--account`` is that of addresses for which the log shows none."""
        self.run_import("--yes", "--account", "bar")
        kept = self.kept()
        self.assertEqual(("bar", "foo"), (kept["direct@example.com"], kept["Shop@example.com"]))
        self.assertNotIn(MACYS, kept)

    def test_exim(self) -> None:
        """A mailbox of Exim is an account."""
        log = "2026-11-25 18:28:10 1xWHj0-0006UF-0s => foo <shop@example.com> R=box T=box\n" * 2
        self.run_import("--yes", log=log)
        self.assertEqual({"shop@example.com": "foo"}, self.kept())

    def test_statement(self) -> None:
        """An address that reached another account than a statement's today is skipped, unless it is taken."""
        log = sent(MACYS, "bar@mailbox.example", times=2)
        status, lines, _ = self.run_import("--yes", log=log)
        self.assertEqual((1, f"{MACYS} is skipped: a statement gives it to foo"), (status, lines[0]))
        self.run_import("--yes", "--take", log=log)
        self.assertEqual({MACYS: "bar"}, self.kept())

    def test_again(self) -> None:
        """The same log once more changes nothing."""
        self.run_import("--yes")
        before = self.entries()
        _, lines, _ = self.run_import("--yes")
        self.assertEqual("0 addresses are kept, 4 skipped, 3 kept already", lines[-2])
        self.assertEqual(before, self.entries())

    def test_refused(self) -> None:
        """A log without recipients, and a configuration without domains, are refused."""
        path = self.file("x\n", "mail.log")
        expected = "expected logs of Postfix, Exim or Sendmail, or lists of addresses, one a line"
        result = self.run_command("alias", "import", "--from-log", path)
        self.assertEqual((1, "", f"no recipient found in {path}\n{expected}\nnothing is imported\n"), result)
        self.path.write_text("STORE: sqlite:memory.sqlite\nACCOUNT foo MATCHES %account%.%code% WITH x;", "utf-8")
        self.assert_refused(
            "the configuration has no ALIAS DOMAINS, which tell its addresses from others in a log",
            *("alias", "import", "--from-log", path),
        )


class HookTests(ImportCase, SynchronousTestCase):
    """A PROCESSOR module."""

    def test_preprocess(self) -> None:
        """What is kept is what ``preprocess`` returns; an address that it refuses, or fails on, is skipped."""
        module = (
            "ACCOUNTS = ALIASES = frozenset()\n"
            "def preprocess(alias, domain):\n"
            "    if alias == 'bad':\n        raise ValueError('bad')\n"
            "    return None if alias == 'no' else (alias.replace('_', '-'), domain)\n"
            "def postprocess(account, domain):\n    return account, domain\n"
            "def reload():\n    pass\n"
        )
        (self.folder / "hooks_of_the_import.py").write_text(module, "utf-8")
        self.path.write_text(f"PROCESSOR: hooks_of_the_import\n{CONFIGURATION}", "utf-8")
        path = self.file("my_shop\nno\nbad\n")
        self.assert_done(
            "no is skipped: preprocess() of the PROCESSOR module refuses 'no' already\n"
            "bad is skipped: a hook raised ValueError: bad\n"
            "1 address is kept, 2 skipped\n",
            *("alias", "import", "--account", "foo", path),
        )
        self.assertEqual({"my-shop@example.com": "foo"}, self.kept())
