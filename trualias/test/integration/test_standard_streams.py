"""Tests of the command line in a process whose standard streams are closed or cannot be used."""

import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.test.test_query import CONFIGURATION
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT


class StandardStreamTests(SynchronousTestCase):
    """A command with one of its standard streams redirected by the shell."""

    def setUp(self) -> None:
        """Write the configuration."""
        self.path = Path(self.mktemp())
        self.path.write_text(CONFIGURATION)

    def run_with(self, redirection: str, *arguments: str) -> tuple[int, str, str]:
        """Run a command with the configuration; return its exit status, output and errors."""
        done = subprocess.run(
            ("sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAM, *arguments, "-c", str(self.path)),
            env=ENVIRONMENT,
            input="foo-shop-4\n",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def test_closed_output(self) -> None:
        """Output that is closed cannot be written, and is an error only if there is any."""
        for arguments in (("query", "foo-shop-4"), ("check",)):
            self.assertEqual(
                (2, "", "cannot write to standard output: Bad file descriptor\n"), self.run_with(">&-", *arguments)
            )
        self.assertEqual((1, "", ""), self.run_with(">&-", "query", "foo-shop-5"))

    def test_input(self) -> None:
        """Input that is closed, or open for writing alone, is unlike input without keys."""
        for redirection in ("<&-", "0>/dev/null"):
            self.assertEqual(
                (2, "", "cannot read standard input: Bad file descriptor\n"), self.run_with(redirection, "query")
            )
            self.assertEqual((0, "foo-shop-4\tfoo\n", ""), self.run_with(redirection, "query", "foo-shop-4"))
        self.assertEqual((0, "", ""), self.run_with("</dev/null", "query"))

    def test_closed_errors(self) -> None:
        """Without standard error, the output and the exit status are as with it."""
        self.assertEqual((0, "foo-shop-4\tfoo\n", ""), self.run_with("2>&-", "query"))
        self.path.write_text("ACCOUNT")
        self.assertEqual((2, "", ""), self.run_with("2>&-", "query"))

    def test_full_errors(self) -> None:
        """Errors that cannot be written change no exit status: that of a key that is not found is another one."""
        self.assertEqual((2, "", ""), self.run_with("2>/dev/full", "query", "--nonexistent"))
        self.assertEqual((1, "", ""), self.run_with("2>/dev/full", "compose", "nobody"))
        self.path.write_text("ACCOUNT")
        self.assertEqual((2, "", ""), self.run_with("2>/dev/full", "query", "foo-shop-4"))

    def test_all_closed(self) -> None:
        """Without any standard stream, the exit status is left."""
        self.assertEqual((1, "", ""), self.run_with("<&- >&- 2>&-", "query", "foo-shop-5"))
        self.assertEqual((2, "", ""), self.run_with("<&- >&- 2>&-", "query", "foo-shop-4"))
