"""Tests of the console script ``trualias``."""

import contextlib
import os
import re
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.commands.terminal import Terminal
from trualias.main import command_line, run
from trualias.messages import quoted


class ArgumentTests(SynchronousTestCase):
    """Arguments of the script itself."""

    def run_until_exit(self, arguments: Sequence[str]) -> tuple[object, str, str]:
        """Run arguments that raise SystemExit; return status, output and errors."""
        output, errors = StringIO(), StringIO()
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            self.assertRaises(SystemExit) as raised,
        ):
            run(arguments, Terminal(BytesIO(), output, errors))
        return raised.exception.code, output.getvalue(), errors.getvalue()

    def test_help(self) -> None:
        """``--help`` lists the commands."""
        status, output, errors = self.run_until_exit(["--help"])
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"query +answer lookup keys as a server would, without a server")

    def test_help_of_every_command(self) -> None:
        """``--help`` has every command in a group, with an example, within the width of the terminal."""
        _, output, _ = self.run_until_exit(["--help"])
        groups = re.split(r"\n\n(?=[a-z ]+:\n)", output)[1:]
        self.assertEqual(
            ["begin", "look up and compose addresses", "judge a policy", "take addresses back", "more"],
            [group.partition(":")[0] for group in groups],
        )
        found = re.findall(r"^  ([a-z]+) .*\n(?: {14}.*\n)*? {14}\$ .*(?:\1|trualias).*\n", output, re.MULTILINE)
        self.assertEqual(sorted(command_line().commands()), sorted(found))

    def test_help_in_narrow_terminal(self) -> None:
        """The help is folded to 30 characters at least."""
        self.addCleanup(os.environ.update, dict(os.environ))
        self.addCleanup(os.environ.clear)
        outputs = []
        for columns in ("1", "2", "32"):
            os.environ["COLUMNS"] = columns
            outputs.append(self.run_until_exit(["--help"])[1].partition("begin:")[2])
        self.assertEqual({outputs[-1]}, set(outputs))
        self.assertIn("  init        write a first", outputs[-1])

    def test_unknown_command(self) -> None:
        """A misspelled command is named, with the likely one."""
        output = StringIO()
        self.assertEqual(2, run(["chek", "x.conf"], Terminal(BytesIO(), StringIO(), output)))
        self.assertEqual(
            "trualias: unknown command 'chek'; did you mean 'check'?\ntrualias --help lists the commands\n",
            output.getvalue(),
        )

    def test_option_before_command(self) -> None:
        """The command comes first; another option than those of the script itself is no command."""
        for arguments, found in (
            (["-c", "x.conf", "check"], "'-c'"),
            (["--versoin"], "'--versoin'; did you mean '--version'?"),
            (["-"], "'-'"),
            (["--", "check"], "'--'"),
        ):
            output = StringIO()
            self.assertEqual(2, run(arguments, Terminal(BytesIO(), StringIO(), output)))
            self.assertEqual(
                f"trualias: expected a command first, found {found}\ntrualias --help lists the commands\n",
                output.getvalue(),
            )

    def test_note(self) -> None:
        """A note whose octets are not UTF-8 is refused before the store is opened."""
        for arguments in (("revoke", "a@b.c", "--note"), ("note", "a@b.c")):
            status, _, errors = self.run_until_exit(["alias", *arguments, "caf\udce9"])
            self.assertEqual(2, status)
            self.assertRegex(
                errors, r": 'caf\N{REPLACEMENT CHARACTER}' \(character 4 is U\+DCE9\) is not UTF-8 text\n\Z"
            )

    def test_version(self) -> None:
        """``--version`` prints the version."""
        self.assertEqual(self.run_until_exit(["--version"]), (0, f"trualias {trualias.__version__}\n", ""))

    def test_none(self) -> None:
        """Without a command, the error names the option that lists them."""
        output, errors = StringIO(), StringIO()
        self.assertEqual(2, run([], Terminal(BytesIO(), output, errors)))
        self.assertEqual(
            ("", "trualias: expected a command\ntrualias --help lists the commands\n"),
            (output.getvalue(), errors.getvalue()),
        )

    def test_misspelled(self) -> None:
        """A wrong action, choice or option of a command is named with the likely one, after the command's usage."""
        actions = "revoke, pause, resume, expire, lock, unlock, import, imports, export, list, show, note or forget"
        for arguments, error in (
            ("alias revok foo", f"argument ACTION: unknown 'revok'; expected {actions}; did you mean 'revoke'?"),
            ("alias revoke foo --noet x", "unexpected '--noet'; did you mean '--note'?"),
            (
                "alias pause foo --answer quite",
                "argument --answer: unknown 'quite'; expected refuse, defer or quiet; did you mean 'quiet'?",
            ),
            (
                "config frmat x",
                "argument ACTION: unknown 'frmat'; expected format or show; did you mean 'format'?",
            ),
            ("check --strct", "unexpected '--strct'; did you mean '--strict'?"),
            ("check --xyz=1", "unexpected '--xyz=1'"),
            ("samples all of them", "unexpected 'all'"),
            ("leaks nosuch.conf", "unexpected 'nosuch.conf'"),
        ):
            status, output, errors = self.run_until_exit(arguments.split())
            self.assertEqual((2, ""), (status, output))
            command = re.escape(arguments.split()[0])
            self.assertRegex(errors, rf"\Ausage: trualias {command}[ \n]")
            self.assertEqual(error, errors.splitlines()[-1].partition(": error: ")[2])

    def test_file_without_option(self) -> None:
        """A file where a command takes none is likely the configuration."""
        path = self.mktemp()
        Path(path).touch()
        _, _, errors = self.run_until_exit(["serve", path])
        self.assertEqual(
            "usage: trualias serve [-h] [-c FILE]\n"
            f"trualias serve: error: unexpected {quoted(path)}; -c {path} uses it as the configuration\n",
            errors,
        )
