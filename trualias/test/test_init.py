"""Tests of ``trualias init``."""

import os
import re
import resource
import shlex
import sys
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.analysis.composition import targets_named
from trualias.analysis.strength import strength
from trualias.analysis.words.lists import shipped_word_list
from trualias.commands.init_policies import POLICIES, make_configuration
from trualias.commands.strength_text import one_of, percent
from trualias.commands.terminal import Terminal
from trualias.configuration import parse_configuration
from trualias.main import run

CONFIGURATION = """\
# Configuration of twistd trualias-virtual, which trualias serve runs. The manual page
# trualias.conf(5) describes all settings and the policy language. A saved change takes effect within
# three seconds.

ALIAS DOMAINS: example.com
HOST: 127.0.0.1
PORT: 3048
# Mail servers look up in lower case at times, and at times as the sender wrote the address.
CASE SENSITIVE: no
LOGGING: info

# The code: the third character of the word (x if it has none), and how many it has: c, 5.
ACCOUNT foo
MATCHES %account%.%alnum%.%code%
WITH CHAR(3,x), CHARS();

# The answers that this file must give, checked each time it is loaded. Add addresses as you give them out.
EXPECT foo.macys.c5@example.com foo;
EXPECT foo.macys.s7@example.com, foo@example.com NOTHING;

# The file is complete. Only blank lines and comments may follow.
END
"""


class InitTestCase(SynchronousTestCase):
    """A folder for the configuration."""

    def setUp(self) -> None:
        """Make it the working directory."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)
        self.path = folder / "trualias.conf"

    def command(self, *arguments: str, typed: str = "", program: str = "trualias") -> tuple[int, str, str]:
        """Run a command; return its status, output and errors."""
        output, errors = StringIO(), StringIO()
        status = run(arguments, Terminal(BytesIO(typed.encode()), output, errors, program))
        return status, output.getvalue(), errors.getvalue()

    def assert_checked(self, summary: str) -> None:
        """Assert that ``trualias check`` finds nothing in the configuration."""
        status, output, _ = self.command("check", "--strict", "--virtual", "trualias.conf")
        self.assertEqual((0, f"trualias.conf: {summary}; no errors, no warnings\n"), (status, output))


class InitTests(InitTestCase):
    """The questions and the file."""

    def test_installed(self) -> None:
        """Where a server uses another file of the folder, the last step puts the new one in its place."""
        Path("tcp_table_server.conf").touch()
        self.assertIn("  trualias serve -c ./trualias.conf\n", self.command("init", "--yes")[1])
        self.path.unlink()
        Path("tcp_virtual_server.conf").touch()
        _, output, _ = self.command("init", "--yes")
        self.assertIn("foo macys\n  mv ./trualias.conf ./tcp_virtual_server.conf\nand in Postfix' main.cf:\n", output)

    def test_program(self) -> None:
        """The next steps call the program by its name if PATH leads to it, otherwise as it was called."""
        folders = [Path(name).absolute() for name in ("on path", "bin")]
        for folder in folders:
            folder.mkdir()
            (folder / "trualias").touch(mode=0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = os.pathsep.join((str(folders[0]), path))
        for program, shown in (
            ("trualias", "trualias"),
            (f"{folders[0]}/trualias", "trualias"),
            ("bin/trualias", "bin/trualias"),
            (f"{Path(trualias.__file__).parent}/__main__.py", f"{shlex.quote(sys.executable)} -m trualias"),
        ):
            self.path.unlink(missing_ok=True)
            _, output, _ = self.command("init", "--yes", program=program)
            steps = [line.partition(" -c")[0] for line in output.splitlines()[1:4]]
            self.assertEqual(
                [f"  {shown} check --virtual ./trualias.conf", f"  {shown} compose", f"  {shown} serve"], steps
            )
            _, _, errors = self.command("init", program=program)
            self.assertIn(f"left alone; {shown} check ./trualias.conf\n", errors)
        os.environ["PATH"] = str(folders[1])
        self.path.unlink()
        self.assertIn(
            f"  '{folders[0]}/trualias' check", self.command("init", "--yes", program=f"{folders[0]}/trualias")[1]
        )

    def test_defaults(self) -> None:
        """``--yes`` asks nothing, writes a configuration that check finds nothing in, and shows the next steps."""
        status, output, errors = self.command("init", "--yes")
        self.assertEqual((0, ""), (status, errors))
        self.assertEqual(
            "./trualias.conf is written. Next:\n"
            "  trualias check --virtual ./trualias.conf\n"
            "  trualias compose -c ./trualias.conf foo macys\n"
            "  trualias serve -c ./trualias.conf\n"
            "and in Postfix' main.cf:\n"
            "  virtual_alias_maps = tcp:127.0.0.1:3048\n"
            "  virtual_alias_domains =\n"
            "  recipient_delimiter =\n",
            output,
        )
        self.assertEqual(CONFIGURATION, self.path.read_text())
        self.assert_checked("1 statement, 1 account, 3 expectations")

    def test_questions(self) -> None:
        """Each question is asked until its answer is valid; the policies are shown with the first account."""
        answers = "exa mple\na b\nexample.net\na..b\nFoo, bar fred-morris\nhiden\n4\nthree\n"
        status, output, errors = self.command("init", typed=answers)
        self.assertEqual((0, ""), (status, errors))
        lines = re.sub(r"(?m)^      .*\n", "", output.partition("./trualias.conf is written")[0])
        self.assertEqual(
            "The domain of the addresses, or none [example.com]: one domain, please; the file can have more later, in "
            "ALIAS DOMAINS\n"
            "The domain of the addresses, or none [example.com]: one domain, please; the file can have more later, in "
            "ALIAS DOMAINS\n"
            "The domain of the addresses, or none [example.com]: The accounts, the mailboxes that they lead to [foo]: "
            "'a..b' cannot be an account here; expected letters, digits, '_', '-', and single dots between them\n"
            "The accounts, the mailboxes that they lead to [foo]:   1 first: foo.macys.m5@example.net\n"
            "  2 third: foo.macys.c5@example.net\n"
            "  3 three: foo.macys.s5c@example.net\n"
            "  4 hidden: macys.s5c@example.net\n"
            "  5 sentence: foo.samishappy.35@example.net\n"
            "The policy [third]: unknown policy 'hiden'; expected first, third, three, hidden or sentence; did you "
            "mean 'hidden'?\n"
            "The policy [third]: the policy hidden is for one account, since its addresses do not show whose they are\n"
            "The policy [third]: ",
            lines,
        )
        self.assert_checked("2 statements, 3 accounts, 9 expectations")

    def test_narrow_terminal(self) -> None:
        """The policies fit on a terminal of 40 columns."""

        class Screen(StringIO):
            def isatty(self) -> bool:
                return True

        self.addCleanup(os.environ.update, dict(os.environ))
        self.addCleanup(os.environ.clear)
        os.environ.update(COLUMNS="40", TERM="xterm")
        screen = Screen()
        run(["init", "--domain", "example.com", "--accounts", "foo"], Terminal(BytesIO(b"\n"), screen, StringIO()))
        listed, _, _ = screen.getvalue().partition("The policy [third]: ")
        self.assertIn("      the first character of the word,\n        and how many it has: m, 5\n", listed)
        self.assertLessEqual(max(map(len, listed.split("\n"))), 40)

    def test_every_policy(self) -> None:
        """Each policy gives a configuration without warnings, for either server, with addresses that compose writes."""
        for policy in POLICIES:
            for domain, accounts in (("example.com", ("foo",)), (None, ("bar.none",)), ("example.com", ("a", "b.c-d"))):
                if policy.is_anonymous and len(accounts) > 1:
                    continue
                text = make_configuration(domain, accounts, policy, "trualias.conf")
                self.path.write_text(text)
                statements = len(accounts)
                noun = "statement" if statements == 1 else "statements"
                counts = f"{statements} {noun}, {statements} {noun.replace('statement', 'account')}"
                if domain is None:
                    status, output, _ = self.command("check", "--strict", "trualias.conf")
                    self.assertEqual(0, status, output)
                    self.assertNotIn("ALIAS DOMAINS", text)
                else:
                    self.assert_checked(f"{counts}, {3 * statements} expectations")
                _, composed, _ = self.command("compose", "-c", "trualias.conf", accounts[0], *policy.words)
                self.assertIn(f"EXPECT {composed.strip()} {accounts[0]};", text)

    def test_existing(self) -> None:
        """An existing file is left alone, also a link that leads nowhere."""
        self.path.symlink_to("nowhere")
        status, output, errors = self.command("init", "--yes")
        self.assertEqual((2, ""), (status, output))
        self.assertEqual("./trualias.conf exists already, and is left alone; trualias check ./trualias.conf\n", errors)

    def test_wrong_option(self) -> None:
        """A wrong option is not asked for again, and writes nothing."""
        for option, value, problem in (
            ("--domain", "-", "'-' is not a domain name"),
            ("--accounts", ",", "there is no account"),
            ("--accounts", "x" * 41, f"'{'x' * 41}' is too long for an account here; expected at most 40 characters"),
            ("--policy", "9", "unknown policy '9'; expected first, third, three, hidden or sentence"),
            ("--policy", "0019", "unknown policy '0019'; expected first, third, three, hidden or sentence"),
        ):
            self.assertEqual((2, "", f"{problem}; nothing was written\n"), self.command("init", "--yes", option, value))
            self.assertFalse(self.path.exists())

    def test_long_account(self) -> None:
        """The longest account has addresses of each policy."""
        for policy in POLICIES:
            self.assertEqual(0, self.command("init", "--yes", "--accounts", "x" * 40, "--policy", policy.name)[0])
            self.path.unlink()

    def test_full_disk(self) -> None:
        """A file that cannot be written whole is removed, so that the command can be repeated."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            written = self.command("init", "--yes")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual((2, "", "cannot write ./trualias.conf: File too large\n"), written)
        self.assertFalse(self.path.exists())

    def test_end_of_answers(self) -> None:
        """The end of the input writes nothing, and names the option for the defaults."""
        status, _, errors = self.command("init", typed="\n")
        self.assertEqual((2, "the answers ended; --yes takes the defaults; nothing was written\n"), (status, errors))
        self.assertFalse(self.path.exists())

    def test_no_folder(self) -> None:
        """A folder that does not exist is an error; an empty name is the working directory."""
        status, _, errors = self.command("init", "--yes", "missing")
        self.assertEqual((2, "cannot write missing/trualias.conf: No such file or directory\n"), (status, errors))
        self.assertEqual((0, ""), self.command("init", "--yes", "")[::2])

    def test_unusable_folder(self) -> None:
        """Nothing is asked if the file could not be written."""
        self.path.with_name("file").touch()
        self.assertEqual(
            (2, "", "cannot write missing/trualias.conf: No such file or directory\n"),
            self.command("init", "missing", typed="\n\n\n"),
        )
        self.assertEqual(
            (2, "", "cannot write file/trualias.conf: Not a directory\n"),
            self.command("init", "file", typed="\n\n\n"),
        )


class StrengthTests(SynchronousTestCase):
    """The figures of the policies."""

    def test_figures(self) -> None:
        """The figures that are shown are those of ``trualias strength``."""
        words = shipped_word_list().words
        for policy in POLICIES:
            text = f"ACCOUNT foo MATCHES {policy.expression} WITH {policy.items};"
            (target,) = targets_named(parse_configuration(text, "x").policy, "foo")
            found = strength(target, words, case_sensitive=False, seed=1)
            assert found.samples is not None
            measured = (
                f"{one_of(found.blind)} blind guesses gets through; the best constant code for "
                f"{percent(found.constant.accepted)} of names; {found.samples.nearly.middle} leaked addresses show 9 "
                "codes in 10"
            )
            self.assertEqual(policy.strength, re.sub(r" \([^)]*\)", "", measured), policy.name)
