"""Tests of trualias.protocols.scheduling."""

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.scheduling import FairQueue


class TurnsTests(SynchronousTestCase):
    """Who goes on when."""

    def setUp(self) -> None:
        """Start without anybody waiting."""
        self.clock = Clock()
        self.turns = FairQueue(self.clock)
        self.went: list[str] = []
        self.scheduled: list[int] = []  # calls that the reactor has to make yet, at each turn

    def queue(self, name: str, rounds: int = 1) -> Callable[[], None]:
        """Wait for a turn, and in it for one more, until these rounds are over."""

        def go_on() -> None:
            self.went.append(name)
            self.scheduled.append(len(self.clock.getDelayedCalls()))
            if rounds > 1:
                self.queue(name, rounds - 1)

        self.turns.wait(go_on)
        return go_on

    def test_one_a_round(self) -> None:
        """However many wait, the reactor has one call of them to make at a time, and each has its turn."""
        for name in "abc":
            self.queue(name, 2)
        self.clock.advance(0)
        self.assertEqual(list("abcabc"), self.went)
        self.assertEqual([1, 1, 1, 1, 1, 0], self.scheduled)

    def test_cancel(self) -> None:
        """Who leaves has no turn any more, and the others have theirs."""
        turns = [self.queue(name) for name in "abc"]
        self.turns.cancel(turns[0])
        self.turns.cancel(turns[2])
        self.clock.advance(0)
        self.assertEqual(["b"], self.went)

    def test_nobody(self) -> None:
        """Nothing is scheduled for nobody: neither after the last turn, nor after the last has left."""
        self.turns.wait(lambda: None)
        self.clock.advance(0)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.turns.cancel(self.queue("a"))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_failure(self) -> None:
        """A turn that raises does not end the others'."""

        def fail() -> None:
            raise ZeroDivisionError

        self.turns.wait(fail)
        self.queue("b")
        self.assertRaises(ZeroDivisionError, self.clock.advance, 0)
        self.clock.advance(0)
        self.assertEqual(["b"], self.went)
