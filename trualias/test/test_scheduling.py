"""Tests of the fair queue."""

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.scheduling import FairQueue


class FairQueueTests(SynchronousTestCase):
    """The order of turns."""

    def setUp(self) -> None:
        """Make an empty queue."""
        self.clock = Clock()
        self.turns = FairQueue(self.clock)
        self.taken: list[str] = []
        self.scheduled: list[int] = []  # delayed calls of the reactor at each turn

    def queue(self, name: str, rounds: int = 1) -> Callable[[], None]:
        """Wait for so many turns, each in the one before; return the first."""

        def turn() -> None:
            self.taken.append(name)
            self.scheduled.append(len(self.clock.getDelayedCalls()))
            if rounds > 1:
                self.queue(name, rounds - 1)

        self.turns.wait(turn)
        return turn

    def test_one_a_round(self) -> None:
        """Turns are taken in order, one per reactor iteration."""
        for name in "abc":
            self.queue(name, 2)
        self.clock.advance(0)
        self.assertEqual(list("abcabc"), self.taken)
        self.assertEqual([1, 1, 1, 1, 1, 0], self.scheduled)

    def test_cancel(self) -> None:
        """A cancelled turn is not taken, and the others are."""
        turns = [self.queue(name) for name in "abc"]
        self.turns.cancel(turns[0])
        self.turns.cancel(turns[2])
        self.clock.advance(0)
        self.assertEqual(["b"], self.taken)

    def test_empty(self) -> None:
        """No call is scheduled for an empty queue: after the last turn, or after it is cancelled."""
        self.turns.wait(lambda: None)
        self.clock.advance(0)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.turns.cancel(self.queue("a"))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_failure(self) -> None:
        """A turn that raises does not end those of others."""

        def fail() -> None:
            raise ZeroDivisionError

        self.turns.wait(fail)
        self.queue("b")
        self.assertRaises(ZeroDivisionError, self.clock.advance, 0)
        self.clock.advance(0)
        self.assertEqual(["b"], self.taken)
