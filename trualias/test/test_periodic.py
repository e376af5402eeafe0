"""Tests of ``trualias.server.periodic``."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.periodic import PeriodicCall


class PeriodicCallTests(SynchronousTestCase):
    """Periodic calls."""

    def test_survives(self) -> None:
        """A function that raises is called again, and each exception is logged."""
        clock = Clock()
        intervals_seen: list[int] = []

        def fail(intervals: int) -> None:
            intervals_seen.append(intervals)
            raise ZeroDivisionError

        calls = PeriodicCall(clock, 2, fail)
        calls.start()
        for _ in range(3):
            clock.advance(2)
        clock.advance(6)
        self.assertEqual(intervals_seen, [1, 1, 1, 3])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)
        calls.stop()
        self.assertEqual([], clock.getDelayedCalls())
