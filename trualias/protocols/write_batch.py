"""Replies that leave together, when the reactor has seen to everybody who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from trualias.log import logger
from trualias.protocols.reply import Reply

_log = logger(__name__)


class Sender(Protocol):
    """Whose reply waits."""

    def send(self, reply: Reply, received: float, offered: float) -> float:
        """Send a reply; ``offered`` is the present time, by the clock's seconds. Gives the time thereafter."""

    def abort(self) -> None:
        """End the connection now."""


class WriteBatch:
    """Replies that wait for the end of the reactor's turn.

    To wake a client takes three times as long as to write to one that is awake. So when many ask at the same time, the
    first reply must not wake one, which then runs beside us, asks again, and has to be woken for the next.
    """

    __slots__ = ("_clock", "_reactor", "_waiting")

    def __init__(self, reactor: IReactorTime, clock: Callable[[], float]) -> None:
        self._reactor = reactor
        self._clock = clock
        self._waiting: list[tuple[Sender, Reply, float]] = []

    def put(self, sender: Sender, reply: Reply, received: float) -> None:
        """Keep a reply, whose request was ``received`` at this time by the clock."""
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
                # The others must get theirs.
                _log.failure("a reply could not be sent; its connection is ended")
                sender.abort()
