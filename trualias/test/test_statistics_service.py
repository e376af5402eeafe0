"""Tests of ``trualias.server.statistics_service``."""

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias import log
from trualias.configuration import parse_configuration
from trualias.monitoring.statistics import NullStatistics, ReplyKind, Statistics
from trualias.server.statistics_service import StatisticsService


class RecordingUser:
    """A user of statistics that stores them."""

    statistics: Statistics | NullStatistics = NullStatistics()

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Store the statistics."""
        self.statistics = statistics


class StatisticsServiceTests(SynchronousTestCase):
    """The clock and the reports of the statistics."""

    def setUp(self) -> None:
        """Start a service."""
        self.addCleanup(log.reset_level)
        self.clock = Clock()
        self.user = RecordingUser()
        self.service = StatisticsService(self.clock, [self.user])
        self.service.startService()

    def configure(self, setting: str) -> None:
        """Apply STATISTICS."""
        self.service.configure(parse_configuration(f"STATISTICS: {setting}\nLOGGING: critical\n", "trualias.conf"))

    def collected(self) -> Statistics:
        """Return the statistics in use."""
        statistics = self.user.statistics
        assert statistics.enabled
        return statistics

    def reports(self, seconds: int) -> list[int]:
        """Advance the seconds one by one; return those, counted from 1, at which a whole report was logged."""
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
        """Without statistics nothing is counted or logged."""
        self.configure("none")
        self.assertFalse(self.user.statistics.enabled)
        self.assertEqual(self.reports(100), [])

    def test_seconds(self) -> None:
        """Each second is closed when it is complete."""
        self.configure("0")
        self.collected().outcomes[ReplyKind.BAD].end(0.5)
        self.assertIn("bad: emin=0.0000 emax=0.0000 e1=0.0000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("bad: emin=0.0000 emax=0.5000 e1=0.5000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("bad: emin=0.0000 emax=0.5000 e1=0.0000", self.collected().lines()[0])

    def test_missed_seconds(self) -> None:
        """Missed seconds, as on a busy machine, are closed with the next."""
        self.configure("0")
        self.collected().outcomes[ReplyKind.BAD].end(0.5)
        self.clock.advance(60)
        self.assertIn("emax=0.5000 e1=0.0000", self.collected().lines()[0])
        self.clock.advance(1)
        self.assertIn("emax=0.0000 e1=0.0000", self.collected().lines()[0])

    def test_no_report(self) -> None:
        """STATISTICS 0 counts without reports."""
        self.configure("0")
        self.assertEqual(self.reports(100), [])

    def test_report(self) -> None:
        """A report is logged at each interval, at every level of LOGGING."""
        self.configure("3")
        log.set_level("critical")
        self.assertEqual(self.reports(10), [3, 6, 9])

    def test_report_after_missed_seconds(self) -> None:
        """Any number of missed seconds causes one report."""
        self.configure("3")
        with capturedLogs() as events:
            self.clock.advance(50)
        self.assertEqual(len(events), 7)
        self.assertEqual(self.reports(3), [3])

    def test_other_period(self) -> None:
        """A new interval starts at once, and the counts are kept."""
        self.configure("60")
        before = self.collected()
        self.reports(50)
        self.configure("4")
        self.assertEqual(self.reports(9), [4, 8])
        self.assertIs(self.collected(), before)

    def test_same_period(self) -> None:
        """An unchanged interval does not delay the next report."""
        self.configure("4")
        self.reports(3)
        self.configure("4")
        self.assertEqual(self.reports(5), [1, 5])

    def test_switched_off_and_on(self) -> None:
        """Switching statistics off discards the counts."""
        self.configure("2")
        before = self.collected()
        self.configure("no")
        self.assertEqual(self.reports(5), [])
        self.configure("2")
        self.assertIsNot(self.collected(), before)
        self.assertEqual(self.reports(5), [2, 4])

    def test_stop(self) -> None:
        """A stopped service leaves no timer in the reactor."""
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
