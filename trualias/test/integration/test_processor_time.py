"""Tests of the processor time of commands. They run alone: on a busy machine the same work takes more."""

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.test import test_query, test_replay
from trualias.test.test_maillog import REFUSED, SENT
from trualias.testing.command_line import PROGRAM, seconds_of
from trualias.testing.live import ENVIRONMENT
from trualias.testing.requirements import source_tree


class QueryTests(SynchronousTestCase):
    """``trualias query``."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text("CASE SENSITIVE: no\n" + test_query.CONFIGURATION, "utf-8")

    def test_fast(self) -> None:
        """A query takes less than 0.3 s, including the start of Python, with compiled modules as in an installation."""
        environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(Path(self.mktemp()).absolute())}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        best = min(self.processor_time(environment) for _ in range(5))
        self.assertLess(best, 0.3)

    def processor_time(self, environment: dict[str, str]) -> float:
        """Run a query; return its processor time in seconds."""
        before = os.times()
        subprocess.run(
            [*PROGRAM, "query", "-c", self.path, "foo-shop-4"], env=environment, capture_output=True, check=True
        )
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system


class ReplayTests(SynchronousTestCase):
    """``trualias replay``."""

    def test_a_million_lines(self) -> None:
        """A log of a million lines takes less than a minute."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        old, new, log = folder / "old.conf", folder / "new.conf", folder / "mail.log"
        old.write_text(test_replay.OLD, "utf-8")
        new.write_text(test_replay.NEW, "utf-8")
        log.write_bytes((SENT + REFUSED) * 500_000)
        arguments = "--virtual", str(new), "--against", str(old), str(log)
        self.assertLess(seconds_of("replay", *arguments, status=1), 60)


class StrengthTests(SynchronousTestCase):
    """``trualias strength``."""

    def test_sample_in_time(self) -> None:
        """The sample of the table server takes less than ten seconds."""
        sample = str(source_tree() / "conf" / "tcp_table_server.conf.sample")
        self.assertLess(seconds_of("strength", "-c", sample, status=0), 10)
