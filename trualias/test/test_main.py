"""Tests of trualias.main."""

import contextlib
from collections.abc import Sequence
from io import BytesIO, StringIO

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.commands.terminal import Terminal
from trualias.main import run


class ArgumentTests(SynchronousTestCase):
    """What the arguments may be."""

    def ended(self, arguments: Sequence[str]) -> tuple[object, str, str]:
        """Run, expect that the arguments alone end it, and return status, output and errors."""
        output, errors = StringIO(), StringIO()
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            self.assertRaises(SystemExit) as raised,
        ):
            run(arguments, Terminal(BytesIO(), output, errors))
        return raised.exception.code, output.getvalue(), errors.getvalue()

    def test_help(self) -> None:
        """--help lists the commands."""
        status, output, errors = self.ended(["--help"])
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"query +answer lookup keys as a server would, without a server")

    def test_version(self) -> None:
        """--version tells the version."""
        self.assertEqual(self.ended(["--version"]), (0, f"trualias {trualias.__version__}\n", ""))

    def test_none(self) -> None:
        """Without a command the program tells how it is used."""
        self.assertEqual(
            self.ended([]),
            (
                2,
                "",
                "usage: trualias [-h] [--version] COMMAND ...\n"
                "trualias: error: the following arguments are required: COMMAND\n",
            ),
        )
