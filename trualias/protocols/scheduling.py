"""Turns of the clients that send more requests than one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@frozen(eq=False)
class Turn:
    """One client's place in the queue."""

    turns: FairQueue
    go_on: Callable[[], None]

    def cancel(self) -> None:
        """Leave the queue."""
        self.turns.leave(self)


class FairQueue:
    """A queue of clients: one has its turn each time that the reactor has seen to everybody else.

    So those who ask for one thing at a time wait for one turn at most, however many clients send without end.
    """

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._waiting: deque[Turn] = deque()
        self._call: IDelayedCall | None = None

    def wait(self, go_on: Callable[[], None]) -> Turn:
        """Call ``go_on`` when it is this client's turn, unless that is cancelled before."""
        turn = Turn(self, go_on)
        self._waiting.append(turn)
        self._schedule()
        return turn

    def leave(self, turn: Turn) -> None:
        """Take a client out of the queue."""
        self._waiting.remove(turn)
        if not self._waiting and self._call is not None:
            self._call.cancel()
            self._call = None

    def _schedule(self) -> None:
        if self._waiting and self._call is None:
            self._call = self._reactor.callLater(0, self._next)

    def _next(self) -> None:
        self._call = None
        turn = self._waiting.popleft()
        # First the next one: what a client does must not end the others' turns.
        self._schedule()
        turn.go_on()
