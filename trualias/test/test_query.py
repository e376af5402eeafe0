"""Tests of ``trualias query``."""

import codecs
import json
import os
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH CHARS();
ACCOUNT baz MATCHES %alpha%x%alpha%.%code% WITH VOWELS(1), DIGITS(2);
ACCOUNT one MATCHES %alpha%-%account%.%code% WITH CHARS();
ACCOUNT two MATCHES %account%-%alpha%.%code% WITH CHARS();
"""


class TerminalOutput(StringIO):
    """The output of a command on a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


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

    def test_at(self) -> None:
        """A key with an @ is looked up in the virtual table, any other in that of local parts; options override it."""
        both = "foo-shop-4@example.com", "foo-shop-4"
        self.assertEqual((0, "foo-shop-4@example.com\tfoo@example.com\nfoo-shop-4\tfoo\n", ""), self.query(*both))
        self.assertEqual((1, "foo-shop-4@example.com\tfoo@example.com\n", ""), self.query("--virtual", *both))
        self.assertEqual((1, "foo-shop-4\tfoo\n", ""), self.query("--table", *both))
        self.assertEqual(self.query(*both), self.query("-", typed="\n".join(both).encode()))

    def test_json(self) -> None:
        """``--json`` has every key, with its table and its value."""
        status, output, _ = self.query("--json", "foo-shop-4@example.com", "foo-shop-5", os.fsdecode(b"\xff"))
        keys = [
            {"key": "foo-shop-4@example.com", "table": "virtual", "found": True, "value": "foo@example.com"},
            {"key": "foo-shop-5", "table": "table", "found": False, "value": None},
            {"key": None, "table": "table", "found": False, "value": None},
        ]
        self.assertEqual((1, {"configuration": str(self.path), "keys": keys}), (status, json.loads(output)))

    def test_typed(self) -> None:
        """On a terminal, a line says how keys are typed."""

        class Keyboard(BytesIO):
            def isatty(self) -> bool:
                return True

        terminal = Terminal(Keyboard(b"foo-shop-4\n"), StringIO(), StringIO())
        self.assertEqual(0, run(["query", "-c", str(self.path)], terminal))
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        self.assertEqual(
            ("foo-shop-4\tfoo\n", "Type keys, one a line; Ctrl-D ends them.\n"),
            (terminal.output.getvalue(), terminal.errors.getvalue()),
        )

    def test_standard_input(self) -> None:
        """A hyphen, or no key, reads keys from standard input, with any line ends; empty lines are ignored."""
        typed = b"foo-shop-4\n\nbar-none-4\r\nfoo-macys-5"
        expected = (0, "foo-shop-4\tfoo\nbar-none-4\tbar\nfoo-macys-5\tfoo\n", "")
        self.assertEqual(self.query("-", typed=typed), expected)
        self.assertEqual(self.query(typed=typed), expected)

    def test_byte_order_mark(self) -> None:
        """A byte order mark at the start of standard input is no part of the first key; elsewhere it is."""
        typed = codecs.BOM_UTF8 + b"foo-shop-4\n" + codecs.BOM_UTF8 + b"foo-shop-4\n"
        self.assertEqual(self.query(typed=typed), (1, "foo-shop-4\tfoo\n", ""))
        self.assertEqual(self.query(typed=codecs.BOM_UTF8), (0, "", ""))

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

    def test_control_characters(self) -> None:
        """Messages, and on a terminal keys and values, have their control characters escaped."""
        hooks = "ACCOUNTS = ALIASES = None\ndef reload(): pass\ndef preprocess(a, d): return {}['\\x1b'], d\n"
        hooks += "def postprocess(a, d): return a + '\\x1b', d\n"
        (self.folder / "hooks.py").write_text(hooks, "utf-8")
        self.path.write_text(f"PROCESSOR: hooks\n{CONFIGURATION}", "utf-8")
        status, output, errors = self.query("a\x1b")
        self.assertEqual((1, ""), (status, output))
        self.assertTrue(errors.startswith("a\\x1b: the lookup failed\nTraceback"), errors)
        (self.folder / "hooks.py").write_text(hooks.replace("{}['\\x1b']", "'foo-shop-4'"), "utf-8")
        self.assertEqual((0, "a\x1b\tfoo\x1b\n", ""), self.query("a\x1b"))
        terminal = Terminal(BytesIO(), TerminalOutput(), StringIO())
        run(["query", "-c", str(self.path), "a\x1b"], terminal)
        assert isinstance(terminal.output, StringIO)
        self.assertEqual("a\\x1b\tfoo\\x1b\n", terminal.output.getvalue())
