"""Tests of the console script ``trualias``."""

import contextlib
import re
from collections.abc import Sequence
from io import BytesIO, StringIO

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.commands.terminal import Terminal
from trualias.main import command_line, run


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
        self.assertEqual(sorted(name for names in command_line().groups.values() for name in names), sorted(found))

    def test_unknown_command(self) -> None:
        """A misspelled command is named, with the likely one."""
        output = StringIO()
        self.assertEqual(2, run(["chek", "x.conf"], Terminal(BytesIO(), StringIO(), output)))
        self.assertEqual(
            "trualias: unknown command 'chek'; did you mean 'check'?\ntrualias --help lists the commands\n",
            output.getvalue(),
        )

    def test_version(self) -> None:
        """``--version`` prints the version."""
        self.assertEqual(self.run_until_exit(["--version"]), (0, f"trualias {trualias.__version__}\n", ""))

    def test_none(self) -> None:
        """Without a command the usage is printed."""
        self.assertEqual(
            self.run_until_exit([]),
            (
                2,
                "",
                "usage: trualias [-h] [--version] COMMAND ...\n"
                "trualias: error: the following arguments are required: COMMAND\n",
            ),
        )
