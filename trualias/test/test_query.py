"""``trualias query``."""

import os
import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.commands.terminal import Terminal
from trualias.main import run

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH CHARS();
ACCOUNT baz MATCHES %alpha%x%alpha%.%code% WITH VOWELS(1), DIGITS(2);
ACCOUNT one MATCHES %alpha%-%account%.%code% WITH CHARS();
ACCOUNT two MATCHES %account%-%alpha%.%code% WITH CHARS();
"""


class QueryTests(SynchronousTestCase):
    """The command, in this process."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "trualias.conf"
        self.path.write_text(CONFIGURATION, "utf-8")

    def query(self, *arguments: str, typed: bytes = b"") -> tuple[int, str, str]:
        """Run ``trualias query`` on the configuration; return status, output and errors."""
        terminal = Terminal(BytesIO(typed), StringIO(), StringIO())
        status = run(["query", "-c", str(self.path), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_found(self) -> None:
        """Each key that is found has a line with its value, in the order of the arguments."""
        self.assertEqual(self.query("foo-shop-4", "bar-none-4"), (0, "foo-shop-4\tfoo\nbar-none-4\tbar\n", ""))

    def test_not_found(self) -> None:
        """A key that is not found has no line, and affects the exit status."""
        self.assertEqual(self.query("foo-shop-5", "foo-shop-4", "foo"), (1, "foo-shop-4\tfoo\n", ""))

    def test_virtual(self) -> None:
        """With ``--virtual`` whole addresses are found, and local parts are not."""
        self.assertEqual(
            self.query("--virtual", "foo-shop-4@example.com", "foo-shop-4", "foo-shop-4@example.net"),
            (1, "foo-shop-4@example.com\tfoo@example.com\n", ""),
        )

    def test_standard_input(self) -> None:
        """A hyphen, or no key, reads keys from standard input, with any line ends; empty lines are ignored."""
        typed = b"foo-shop-4\n\nbar-none-4\r\nfoo-macys-5"
        expected = (0, "foo-shop-4\tfoo\nbar-none-4\tbar\nfoo-macys-5\tfoo\n", "")
        self.assertEqual(self.query("-", typed=typed), expected)
        self.assertEqual(self.query(typed=typed), expected)

    def test_no_keys(self) -> None:
        """The exit status is 0 without any key, which is a way to try a configuration."""
        self.assertEqual(self.query("-"), (0, "", ""))

    def test_not_utf_8(self) -> None:
        """A key that is not UTF-8 is not found, neither as an argument nor from standard input."""
        self.assertEqual(self.query(typed=b"foo-shop-4\nfoo-sh\xf6p-4\n"), (1, "foo-shop-4\tfoo\n", ""))
        self.assertEqual(self.query(os.fsdecode(b"foo-sh\xf6p-4")), (1, "", ""))

    def test_several_readings(self) -> None:
        """An address that can be read in several ways is found, with a warning."""
        self.assertEqual(
            self.query("xxxxxx.00"),
            (0, "xxxxxx.00\tbaz\n", "xxxxxx.00: goes to baz; it can be read in several ways, all of account baz\n"),
        )

    def test_ambiguous(self) -> None:
        """An address that verifies for several accounts is not found, with the reason."""
        self.assertEqual(
            self.query("two-one.3"),
            (
                1,
                "",
                "two-one.3: is not found, because there is no DEBUG ACCOUNT: it is right for several accounts, "
                "one, two\n",
            ),
        )

    def test_debug_account(self) -> None:
        """With a ``DEBUG ACCOUNT``, an ambiguous address is found with a warning."""
        self.path.write_text("DEBUG ACCOUNT: postmaster\n" + CONFIGURATION, "utf-8")
        self.assertEqual(
            self.query("two-one.3"),
            (
                0,
                "two-one.3\tpostmaster\n",
                "two-one.3: goes to postmaster: it is right for several accounts, one, two\n",
            ),
        )

    def test_hooks(self) -> None:
        """Hooks apply as in a server, after ``reload()``; the traceback of one that raises is printed."""
        (self.folder / "query_hooks.py").write_text(
            "ACCOUNTS = ALIASES = None\n"
            "def reload(): global known; known = ACCOUNTS\n"
            "def preprocess(alias, domain): return alias.lower(), domain\n"
            "def postprocess(account, domain):\n"
            "    if account == 'foo': raise KeyError('no such box')\n"
            "    return f'{account}-of-{len(known)}', domain\n",
            "utf-8",
        )
        self.path.write_text("PROCESSOR: query_hooks\n" + CONFIGURATION, "utf-8")
        status, output, errors = self.query("foo-shop-4", "BAR-none-4")
        self.assertEqual((status, output), (1, "BAR-none-4\tbar-of-5\n"))
        self.assertTrue(
            errors.startswith("foo-shop-4: the lookup failed\nTraceback (most recent call last):\n"), errors
        )
        self.assertTrue(errors.endswith("\nKeyError: 'no such box'\n"), errors)

    def test_configuration_with_errors(self) -> None:
        """The errors of a configuration are printed, and no key is answered."""
        self.path.write_text("PORT: x\n", "utf-8")
        self.assertEqual(
            self.query("foo-shop-4"),
            (
                2,
                "",
                f"{self.path}:1:7: PORT: 'x' is not a port; expected a number from 0 to 65535\nPORT: x\n      ^\n",
            ),
        )

    def test_no_configuration(self) -> None:
        """Without ``-c`` and without a file at any of the searched paths, the paths are listed."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.path.unlink()
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        if os.path.exists("/etc/trualias"):
            self.skipTest("this machine has a configuration of its own")
        self.assertEqual(run(["query", "--virtual", "foo"], terminal), 2)
        assert isinstance(terminal.errors, StringIO)
        self.assertTrue(
            terminal.errors.getvalue().startswith(
                "There is no configuration. These places were looked at:\n    ./tcp_virtual_server.conf\n"
            )
        )

    def test_default_configuration(self) -> None:
        """Without ``-c`` the configuration that a server would find is used."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        self.assertEqual(run(["query", "foo-shop-4"], terminal), 0)


# The trualias under test, installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(trualias.__file__).parent.parent)}
PROGRAM = (sys.executable, "-c", "import sys; from trualias.main import main; sys.exit(main())")


class ProcessTests(SynchronousTestCase):
    """The command in a process of its own."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text("CASE SENSITIVE: no\n" + CONFIGURATION, "utf-8")

    def test_pipe(self) -> None:
        """Keys and answers pass through pipes in any locale, and the exit status is that of the process."""
        done = subprocess.run(
            [*PROGRAM, "query", "-c", self.path, "-"],
            input=b"foo-shop-4\ncaf\xc3\xa9\n",
            env={**ENVIRONMENT, "LC_ALL": "C"},
            capture_output=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"foo-shop-4\tfoo\n", b""))

    def test_broken_pipe(self) -> None:
        """The program ends without a message when the reader of its output ends."""
        keys = b"foo-shop-4\n" * 100_000
        done = subprocess.run(
            f"'{sys.executable}' -c '{PROGRAM[2]}' query -c '{self.path}' | head -n 1",
            shell=True,
            env=ENVIRONMENT,
            input=keys,
            capture_output=True,
            check=False,
        )
        self.assertEqual((done.stdout, done.stderr), (b"foo-shop-4\tfoo\n", b""))

    def printed_after(self, code: str) -> bytes:
        """Run a query and then some code in the same process, and return the output of both."""
        done = subprocess.run(
            [
                *(sys.executable, "-c", f"import sys; from trualias.main import _COMMANDS, main; main(); {code}"),
                *("query", "-c", self.path, "foo-shop-4"),
            ],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def test_no_twisted(self) -> None:
        """The command does not import Twisted, which would make it slow."""
        printed = self.printed_after("print([name for name in sys.modules if name.startswith('twisted')])")
        self.assertEqual(printed, b"foo-shop-4\tfoo\n[]\n")

    def test_no_other_command(self) -> None:
        """The command does not import the modules of other commands."""
        printed = self.printed_after(
            "print([name for name in _COMMANDS if f'trualias.commands.{name}' in sys.modules])"
        )
        self.assertEqual(printed, b"foo-shop-4\tfoo\n['query']\n")

    def test_fast(self) -> None:
        """A query takes less than 0.3 s of processor time, including the start of Python.

        The byte code is cached, as it is after an installation.
        """
        environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(Path(self.mktemp()).absolute())}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        best = min(self.processor_time(environment) for _ in range(5))
        self.assertLess(best, 0.3)

    def processor_time(self, environment: dict[str, str]) -> float:
        """Run a query and return its processor time in seconds."""
        before = os.times()
        subprocess.run(
            [*PROGRAM, "query", "-c", self.path, "foo-shop-4"], env=environment, capture_output=True, check=True
        )
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system
