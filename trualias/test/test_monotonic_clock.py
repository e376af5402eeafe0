"""Tests of ``trualias.server.monotonic_clock``."""

from twisted.internet.base import ReactorBase
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.monotonic_clock import use_monotonic_clock


class WallClockReactor(ReactorBase):
    """A reactor whose time of day a test sets, without input and output."""

    now = 1_000_000.0

    def installWaker(self) -> None:
        """Install nothing."""

    def seconds(self) -> float:
        """Return the time of day."""
        return self.now


class MonotonicClockTests(SynchronousTestCase):
    """Timers when the time of day is set."""

    def setUp(self) -> None:
        """Make a reactor whose monotonic clock is at 50 seconds."""
        self.reactor = WallClockReactor()
        self.monotonic = 50.0
        self.called: list[str] = []

    def use_monotonic_clock(self) -> None:
        """Set the monotonic clock."""
        use_monotonic_clock(self.reactor, lambda: self.monotonic)

    def pass_seconds(self, seconds: float, set_back: float = 0) -> None:
        """Advance both clocks, and set the time of day back."""
        self.monotonic += seconds
        self.reactor.now += seconds - set_back
        self.reactor.runUntilCurrent()

    def test_set_back(self) -> None:
        """A timer of two seconds fires after two seconds, also if the time of day is set back by an hour."""
        self.use_monotonic_clock()
        self.reactor.callLater(2, self.called.append, "call")
        self.pass_seconds(1.5, set_back=3600)
        self.assertEqual(([], 0.5), (self.called, self.reactor.timeout()))
        self.pass_seconds(0.5)
        self.assertEqual(["call"], self.called)

    def test_set_forward(self) -> None:
        """A timer does not fire early if the time of day is set forward."""
        self.use_monotonic_clock()
        self.reactor.callLater(2, self.called.append, "call")
        self.pass_seconds(1.5, set_back=-3600)
        self.assertEqual([], self.called)

    def test_scheduled_before(self) -> None:
        """A timer from before the change of clock keeps its delay."""
        self.reactor.callLater(2, self.called.append, "call")
        self.use_monotonic_clock()
        self.pass_seconds(1.5, set_back=3600)
        self.assertEqual([], self.called)
        self.pass_seconds(0.5)
        self.assertEqual(["call"], self.called)

    def test_twice(self) -> None:
        """A second call, by a second server in the process, changes no timer."""
        self.use_monotonic_clock()
        self.reactor.callLater(2, self.called.append, "call")
        self.pass_seconds(1, set_back=3600)
        self.use_monotonic_clock()
        self.assertEqual(1, self.reactor.timeout())
