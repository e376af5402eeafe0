"""Tests of ``trualias.server.yielding_pause``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.server.yielding_pause import YieldingPause


class YieldingPauseTests(SynchronousTestCase):
    """When a computation yields to the reactor's thread."""

    def setUp(self) -> None:
        """Make a pause on a clock of ticks of 0.2 ms; a yield takes one."""
        self.ticks = 100
        self.yields: list[int] = []
        self.pause = YieldingPause(lambda: self.ticks / 5000, self.yield_to_reactor)

    def yield_to_reactor(self) -> None:
        """Record the time of a yield."""
        self.yields.append(self.ticks)
        self.ticks += 1

    def test_paced(self) -> None:
        """Of calls each 2 ticks, the first at least 1 ms after the start or the last yield yields."""
        while self.ticks < 125:
            self.pause()
            self.ticks += 2
        self.assertEqual([106, 113, 120], self.yields)

    def test_rare(self) -> None:
        """Calls at longer distances yield each time, and do not make up for the time between."""
        for _ in range(3):
            self.ticks += 50
            self.pause()
            self.pause()
        self.assertEqual([150, 201, 252], self.yields)
