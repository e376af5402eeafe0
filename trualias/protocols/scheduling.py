"""When clients are served: in fair turns, with replies that leave in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from trualias.log import logger
from trualias.protocols.reply import Reply

_log = logger(__name__)


class FairQueue:
    """A FIFO of clients with more requests pending; one is served per reactor iteration.

    A client that sends one request at a time waits for one turn of another at most, however many clients send without
    end.
    """

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._waiting: deque[Callable[[], None]] = deque()
        self._call: IDelayedCall | None = None

    def wait(self, turn: Callable[[], None]) -> None:
        """Call ``turn`` once, when all that wait already have had theirs."""
        self._waiting.append(turn)
        self._schedule()

    def cancel(self, turn: Callable[[], None]) -> None:
        """Remove a turn that waits; raises ValueError if it does not."""
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
        # Before the turn, so that an exception in it does not end those of the others.
        self._schedule()
        turn()


class Sender(Protocol):
    """A connection with a reply in a write batch."""

    def send(self, reply: Reply, received: float, offered: float) -> float:
        """Send a reply, where ``offered`` is the current time of the clock; return the time after it."""

    def abort(self) -> None:
        """End the connection now."""


class WriteBatch:
    """Replies that leave together, at the end of the reactor iteration.

    Waking a client takes three times as long as writing to one that is awake. When many ask at the same time, the first
    reply must not wake a client, which would then run beside this process, ask again, and have to be woken again.
    """

    __slots__ = ("_clock", "_reactor", "_waiting")

    def __init__(self, reactor: IReactorTime, clock: Callable[[], float]) -> None:
        self._reactor = reactor
        self._clock = clock
        self._waiting: list[tuple[Sender, Reply, float]] = []

    def put(self, sender: Sender, reply: Reply, received: float) -> None:
        """Add a reply to a request that was ``received`` at this time of the clock."""
        if not self._waiting:
            self._reactor.callLater(0, self._send)
        self._waiting.append((sender, reply, received))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        now = self._clock()
        for sender, reply, received in waiting:
            try:
                now = sender.send(reply, received, now)
            except Exception:
                # The other clients must get their replies.
                _log.failure("a reply could not be sent; its connection is ended")
                sender.abort()
