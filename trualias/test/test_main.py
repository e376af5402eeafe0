"""Tests of the console script ``trualias``."""

import contextlib
from collections.abc import Sequence
from io import BytesIO, StringIO

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.commands.terminal import Terminal
from trualias.main import run


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
