"""Tests of the progress bar of a process that a signal ends."""

import os
import pty
import signal
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE

_HIDE, _SHOW = b"\x1b[?25l", b"\x1b[?25h"


class InterruptedTests(SynchronousTestCase):
    """``trualias strength`` with many statements, on a terminal."""

    def test_cursor(self) -> None:
        """The cursor, which the bar hides, is shown again, and the process ends by the signal."""
        path = Path(self.mktemp())
        statements = (
            f"ACCOUNT a{number} MATCHES %account%.%ident%z{number}.%fqdn%.%code%\n"
            f"WITH CHAR(1,{number % 9 + 1},-), CHARS(1), CHAR(2,1,{number % 7 + 1},x);\n"
            for number in range(100)
        )
        path.write_text("".join(statements), "utf-8")
        for number in (signal.SIGINT, signal.SIGTERM):
            terminal, other_end = pty.openpty()
            self.addCleanup(os.close, terminal)
            process = subprocess.Popen(
                (*PROGRAM, "strength", "-c", str(path)),
                env={**ENVIRONMENT, "TERM": "xterm"},
                stdout=subprocess.DEVNULL,
                stderr=other_end,
            )
            os.close(other_end)
            self.addCleanup(process.kill)
            shown = b""
            while _HIDE not in shown:
                shown += os.read(terminal, 65536)
            process.send_signal(number)
            try:
                while data := os.read(terminal, 65536):
                    shown += data
            except OSError:  # the other end is closed
                pass
            self.assertEqual(-number, process.wait(PATIENCE))
            self.assertGreater(shown.rfind(_SHOW), shown.rfind(_HIDE))
