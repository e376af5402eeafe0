"""Tests of trualias.server.statistics_service."""

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias import log
from trualias.configuration import parse_configuration
from trualias.monitoring.statistics import NullStatistics, ReplyKind, Statistics
from trualias.server.statistics_service import StatisticsService


class Counted:
    """Counts in the collectors that it is given."""

    statistics: Statistics | NullStatistics = NullStatistics()

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Count with these from now on."""
        self.statistics = statistics


class StatisticsServiceTests(SynchronousTestCase):
    """The seconds and the reports of the statistics."""

    def setUp(self) -> None:
        """Run a service."""
        self.addCleanup(log.levels.clearLogLevels)
        self.clock = Clock()
        self.counted = Counted()
        self.service = StatisticsService(self.clock, [self.counted])
        self.service.startService()

    def configure(self, setting: str) -> None:
        """Configure STATISTICS."""
        self.service.configure(parse_configuration(f"STATISTICS: {setting}\nLOGGING: critical\n", "trualias.conf"))

    def collected(self) -> Statistics:
        """The collectors in use."""
        statistics = self.counted.statistics
        assert statistics.enabled
        return statistics

    def reports(self, seconds: int) -> list[int]:
        """Let seconds pass one by one; tell in which of them, from 1, a whole report was logged."""
        found = []
        for second in range(1, seconds + 1):
            with capturedLogs() as events:
                self.clock.advance(1)
            if events:
                self.assertEqual([event["line"] for event in events], self.collected().lines())
                self.assertEqual({event["log_level"] for event in events}, {LogLevel.info})
                found.append(second)
        return found

    def test_off(self) -> None:
        """Where statistics are off, nothing is counted and nothing is logged."""
        self.configure("none")
        self.assertFalse(self.counted.statistics.enabled)
        self.assertEqual(self.reports(100), [])

    def test_seconds(self) -> None:
        """Each second is turned over when it is complete."""
        self.configure("0")
        self.collected().outcomes[ReplyKind.BAD].end(0.5)
        self.assertIn("bad: emin=0.0000 emax=0.0000 e1=0.0000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("bad: emin=0.0000 emax=0.5000 e1=0.5000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("bad: emin=0.0000 emax=0.5000 e1=0.0000", self.collected().lines()[0])

    def test_missed_seconds(self) -> None:
        """Seconds that were missed, as on a busy machine, are turned over with the next."""
        self.configure("0")
        self.collected().outcomes[ReplyKind.BAD].end(0.5)
        self.clock.advance(60)
        self.assertIn("emax=0.5000 e1=0.0000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("emax=0.0000 e1=0.0000", self.collected().lines()[0])

    def test_no_report(self) -> None:
        """0 counts without reporting."""
        self.configure("0")
        self.assertEqual(self.reports(100), [])

    def test_report(self) -> None:
        """A report is made each time that the seconds have passed, and is seen at every level of LOGGING."""
        self.configure("3")
        log.set_level("critical")
        self.assertEqual(self.reports(10), [3, 6, 9])

    def test_report_after_missed_seconds(self) -> None:
        """However many seconds were missed, one report makes up for them."""
        self.configure("3")
        with capturedLogs() as events:
            self.clock.advance(50)
        self.assertEqual(len(events), 7)
        self.assertEqual(self.reports(3), [3])

    def test_other_period(self) -> None:
        """A new period begins anew, and what was counted stays."""
        self.configure("60")
        before = self.collected()
        self.reports(50)
        self.configure("4")
        self.assertEqual(self.reports(9), [4, 8])
        self.assertIs(self.collected(), before)

    def test_same_period(self) -> None:
        """A configuration that leaves the period as it was does not put the report off."""
        self.configure("4")
        self.reports(3)
        self.configure("4")
        self.assertEqual(self.reports(5), [1, 5])

    def test_switched_off_and_on(self) -> None:
        """What was counted before statistics were off is gone when they are on again."""
        self.configure("2")
        before = self.collected()
        self.configure("no")
        self.assertEqual(self.reports(5), [])
        self.configure("2")
        self.assertIsNot(self.collected(), before)
        self.assertEqual(self.reports(5), [2, 4])

    def test_stop(self) -> None:
        """A service that was stopped leaves nothing behind in the reactor."""
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
