"""Tests of trualias.server.monotonic_clock."""

from twisted.internet.base import ReactorBase
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.monotonic_clock import go_by_steady_clock


class TimeOfDay(ReactorBase):
    """A reactor that waits for nothing, on a day whose time somebody sets."""

    now = 1_000_000.0

    def installWaker(self) -> None:
        """There is nothing to wake."""

    def seconds(self) -> float:
        """Tell the time of day."""
        return self.now


class SteadyTests(SynchronousTestCase):
    """What happens to delays when the clock is set."""

    def setUp(self) -> None:
        """Start on a machine that has run for 50 seconds."""
        self.reactor = TimeOfDay()
        self.steady = 50.0
        self.called: list[str] = []

    def go_by_steady_clock(self) -> None:
        """Let the reactor go by the machine's seconds."""
        go_by_steady_clock(self.reactor, lambda: self.steady)

    def pass_seconds(self, seconds: float, set_back: float = 0) -> None:
        """Let time pass, while somebody sets the time of day back."""
        self.steady += seconds
        self.reactor.now += seconds - set_back
        self.reactor.runUntilCurrent()

    def test_set_back(self) -> None:
        """What is due in two seconds comes after two seconds, though the clock was set back by an hour."""
        self.go_by_steady_clock()
        self.reactor.callLater(2, self.called.append, "look")
        self.pass_seconds(1.5, set_back=3600)
        self.assertEqual(([], 0.5), (self.called, self.reactor.timeout()))
        self.pass_seconds(0.5)
        self.assertEqual(["look"], self.called)

    def test_set_forward(self) -> None:
        """Nor does it come an hour early."""
        self.go_by_steady_clock()
        self.reactor.callLater(2, self.called.append, "look")
        self.pass_seconds(1.5, set_back=-3600)
        self.assertEqual([], self.called)

    def test_scheduled_before(self) -> None:
        """What was scheduled before keeps its time."""
        self.reactor.callLater(2, self.called.append, "look")
        self.go_by_steady_clock()
        self.pass_seconds(1.5, set_back=3600)
        self.assertEqual([], self.called)
        self.pass_seconds(0.5)
        self.assertEqual(["look"], self.called)

    def test_once_more(self) -> None:
        """Two servers in one process do not disturb each other."""
        self.go_by_steady_clock()
        self.reactor.callLater(2, self.called.append, "look")
        self.pass_seconds(1, set_back=3600)
        self.go_by_steady_clock()
        self.assertEqual(1, self.reactor.timeout())
