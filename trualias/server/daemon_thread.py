"""A daemon thread for work that can block, which may be abandoned if it hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from trualias.log import logger

_log = logger(__name__)

MOST_ABANDONED = 3
"""Hung threads of one worker; more are not started, since each keeps its memory for as long as it hangs."""

_Result = TypeVar("_Result")


class Abandoned(Exception):
    """Work was abandoned before it ended."""


class TooManyHung(Exception):
    """Work cannot begin, since ``MOST_ABANDONED`` threads hang already."""


class Worker(Protocol):
    """Runs functions in another thread, one after another. All methods are called in the reactor's thread."""

    @property
    def available(self) -> bool:
        """True if work can begin."""

    def run(self, function: Callable[[], _Result], /) -> Deferred[_Result]:
        """Return a Deferred of the function's result, which fires in the reactor's thread.

        It fails with the exception of the function, with ``TooManyHung``, or with ``Abandoned``.
        """
        ...

    def abandon(self) -> None:
        """Fail all unfinished work with ``Abandoned``, and ignore its results."""


@define(eq=False, repr=False)
class _Generation:
    """A thread and its work. ``None`` in the queue ends the thread."""

    queue: SimpleQueue[tuple[Callable[[], Any], Deferred[Any]] | None] = field(factory=SimpleQueue)
    unfinished: list[Deferred[Any]] = field(factory=list)
    abandoned: bool = False


class DaemonThread:
    """A worker with one thread at a time, which never keeps the process from ending.

    Twisted's thread pools are not used: the reactor waits for them when it stops.

    Args:
        reactor: runs the calls from the thread.
        name: of the thread, which is in the log as well.

    """

    def __init__(self, reactor: IReactorFromThreads, name: str) -> None:
        self._reactor = reactor
        self._name = name
        self._generation: _Generation | None = None
        self._hung = 0

    @property
    def available(self) -> bool:
        """True if work can begin: fewer than ``MOST_ABANDONED`` threads hang."""
        return self._hung < MOST_ABANDONED

    def run(self, function: Callable[[], _Result], /) -> Deferred[_Result]:
        """Run a function after those before it; see ``Worker``."""
        if not self.available:
            return fail(TooManyHung(f"{MOST_ABANDONED} threads for {self._name} hang"))
        try:
            generation = self._running_generation()
        except RuntimeError:  # no thread can be started
            return fail()
        result: Deferred[_Result] = Deferred()
        generation.unfinished.append(result)
        generation.queue.put((function, result))
        return result

    def abandon(self) -> None:
        """Abandon the thread, if it has work; the next work runs in a new one."""
        generation = self._generation
        if generation is None or not generation.unfinished:
            return
        self._generation = None
        self._hung += 1
        generation.abandoned = True
        generation.queue.put(None)
        if not self.available:
            _log.error(
                "{number} threads for {name} hang; no more are started until one ends or the server is restarted",
                number=self._hung,
                name=self._name,
            )
        for result in generation.unfinished:
            result.errback(Abandoned())

    def _running_generation(self) -> _Generation:
        if self._generation is None:
            generation = _Generation()
            thread = threading.Thread(target=self._work, args=(generation,), name=self._name, daemon=True)
            thread.start()
            self._generation = generation
        return self._generation

    def _work(self, generation: _Generation) -> None:
        outcome: object
        while (work := generation.queue.get()) is not None:
            function, result = work
            # Queued work of an abandoned generation would only keep its thread from ending.
            if not generation.abandoned:
                try:
                    outcome = function()
                except BaseException:  # SystemExit too, of an administrator's hook
                    outcome = Failure()
                if not generation.abandoned:
                    self._reactor.callFromThread(self._hand_back, generation, result, outcome)
            # While the thread waits, it must keep no large result in memory.
            del work, function, result
            outcome = None
        self._reactor.callFromThread(self._end)

    def _hand_back(self, generation: _Generation, result: Deferred[Any], outcome: object) -> None:
        if generation.abandoned:
            return
        generation.unfinished.remove(result)
        result.callback(outcome)

    def _end(self) -> None:
        self._hung -= 1
