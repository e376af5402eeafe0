"""Tests of ``trualias.server.file_limits`` in separate processes, since a limit applies to a process."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(trualias.__file__).parent.parent)}

SCRIPT = """
import resource
from twisted.logger import capturedLogs, formatEvent
from trualias.configuration import parse_configuration
from trualias.server.file_limits import ensure_descriptors
with capturedLogs() as events:
    ensure_descriptors(parse_configuration("CONNECTIONS: 500\\n", "a.conf"))
print(*resource.getrlimit(resource.RLIMIT_NOFILE), *map(formatEvent, events))
"""


class EnsureDescriptorsTests(SynchronousTestCase):
    """A configuration of 500 connections, which needs 64 other descriptors."""

    def limits(self, soft: int, hard: int) -> str:
        """Ensure the descriptors with given limits; return the new limits and the logged messages."""
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def test_enough(self) -> None:
        """A limit that is high enough is not changed."""
        self.assertEqual("564 700", self.limits(564, 700))
        self.assertEqual("600 700", self.limits(600, 700))

    def test_raised(self) -> None:
        """A limit that is too low is raised."""
        self.assertEqual("564 700", self.limits(256, 700))

    def test_too_few(self) -> None:
        """A limit is raised to the hard limit at most, and a warning gives the remedy."""
        self.assertEqual(
            "400 400 CONNECTIONS is 500, which needs 564 file descriptors, and the system allows 400: "
            "raise LimitNOFILE of the systemd unit, or the limit of ulimit -Hn",
            self.limits(256, 400),
        )
