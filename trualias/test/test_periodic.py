"""Tests of trualias.server.periodic."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.periodic import every


class EveryTests(SynchronousTestCase):
    """What is done again and again."""

    def test_survives(self) -> None:
        """A body that raises is called again, and what it raised is in the log."""
        clock = Clock()
        counts: list[int] = []

        def body(count: int) -> None:
            counts.append(count)
            raise ZeroDivisionError

        every(clock, 2, body).start(2, now=False)
        for _ in range(3):
            clock.advance(2)
        clock.advance(6)
        self.assertEqual(counts, [1, 1, 1, 3])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)
