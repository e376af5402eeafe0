"""Tests of ``trualias query`` in a process."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.test.test_query import CONFIGURATION
from trualias.testing.command_line import PROGRAM, run_to_full_device
from trualias.testing.live import ENVIRONMENT, PATIENCE


class ProcessTests(SynchronousTestCase):
    """The command in a process."""

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
        """The program ends without a message if the reader of its output ends."""
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

    def test_full_device(self) -> None:
        """Output that cannot be written is an error with an exit status other than that of a key that is not found."""
        expected = (2, "cannot write to standard output: No space left on device\n")
        for buffered in (True, False):
            for arguments in (("query", "-c", str(self.path), "foo-shop-4"), ("--help",), ("completion", "bash")):
                self.assertEqual(expected, run_to_full_device(*arguments, buffered=buffered))
        many = b"foo-shop-4\n" * 100_000
        self.assertEqual(expected, run_to_full_device("query", "-c", str(self.path), typed=many))

    def test_width(self) -> None:
        """The help, and the status, are folded to the width of the terminal, without COLUMNS."""
        self.path.write_text("PORT: 1\nLISTEN: socketmap unix:/nowhere/table.sock\n", "utf-8")
        environment = {name: value for name, value in ENVIRONMENT.items() if name != "COLUMNS"} | {"TERM": "xterm"}
        for arguments in (("--help",), ("status", "--help"), ("status", "--state", "/nowhere", "-c", self.path)):
            master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
            process = subprocess.Popen([*PROGRAM, *arguments], env=environment, stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            printed = b""  # read until Linux raises EIO
            with (
                os.fdopen(master, "rb", buffering=0) as terminal,
                contextlib.suppress(OSError),
            ):
                while part := terminal.read(10_000):
                    printed += part
            process.wait(PATIENCE)
            lines = printed.decode().splitlines()
            self.assertGreater(len(lines), 2)
            self.assertEqual([], [line for line in lines if len(line.rstrip()) > 60])

    def printed_after(self, code: str) -> bytes:
        """Run a query and then *code* in the same process; return the output of both."""
        done = subprocess.run(
            [
                *(sys.executable, "-c", f"import sys; from trualias.main import SUMMARIES, main; main(); {code}"),
                *("query", "-c", self.path, "foo-shop-4"),
            ],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def test_no_twisted(self) -> None:
        """The command does not import Twisted, which would slow it down."""
        printed = self.printed_after("print([name for name in sys.modules if name.startswith('twisted')])")
        self.assertEqual(printed, b"foo-shop-4\tfoo\n[]\n")

    def test_no_other_command(self) -> None:
        """The command does not import the modules of other commands."""
        printed = self.printed_after(
            "print([name for name in SUMMARIES if f'trualias.commands.{name}' in sys.modules])"
        )
        self.assertEqual(printed, b"foo-shop-4\tfoo\n['query']\n")
