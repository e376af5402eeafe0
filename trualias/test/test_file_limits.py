"""Tests of trualias.server.file_limits, in processes of their own, whose limits nobody else has."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(trualias.__file__).parent.parent)}

PROVIDE = """
import resource
from twisted.logger import capturedLogs, formatEvent
from trualias.configuration import parse_configuration
from trualias.server.file_limits import provide
with capturedLogs() as events:
    provide(parse_configuration("CONNECTIONS: 500\\n", "a.conf"))
print(*resource.getrlimit(resource.RLIMIT_NOFILE), *map(formatEvent, events))
"""


class ProvideTests(SynchronousTestCase):
    """500 connections, and 64 descriptors besides."""

    def provided(self, soft: int, hard: int) -> str:
        """Provide for them with these limits; give the limits thereafter, and what the log says."""
        done = subprocess.run(
            [sys.executable, "-c", PROVIDE],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def test_enough(self) -> None:
        """A limit that suffices stays as it is."""
        self.assertEqual("564 700", self.provided(564, 700))
        self.assertEqual("600 700", self.provided(600, 700))

    def test_raised(self) -> None:
        """One that does not is raised."""
        self.assertEqual("564 700", self.provided(256, 700))

    def test_too_few(self) -> None:
        """Where the system does not let it, it is raised as far as may be, and the log tells what to do."""
        self.assertEqual(
            "400 400 CONNECTIONS is 500, which needs 564 file descriptors, and the system allows 400: "
            "raise LimitNOFILE of the systemd unit, or the limit of ulimit -Hn",
            self.provided(256, 400),
        )
