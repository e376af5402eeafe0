"""Workers without threads, for tests."""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

from trualias.server.daemon_thread import Abandoned

Result = TypeVar("Result")


class ImmediateWorker:
    """A worker that runs each function immediately."""

    available = True

    def run(self, function: Callable[[], Result], /) -> Deferred[Result]:
        """Run a function and return its result."""
        return maybeDeferred(function)

    def abandon(self) -> None:
        """Do nothing: no function is pending."""


class QueueingWorker:
    """A worker that queues functions until a test runs them.

    ``hung`` contains the abandoned functions; ``available`` can be set.
    """

    def __init__(self) -> None:
        self.available = True
        self.waiting: list[Callable[[], None]] = []
        self.hung: list[Callable[[], None]] = []
        self._unfinished: list[Deferred[Any]] = []

    def run(self, function: Callable[[], Result], /) -> Deferred[Result]:
        """Queue a function; the Deferred fires with its result."""
        deferred: Deferred[Result] = Deferred()
        self._unfinished.append(deferred)

        def work() -> None:
            try:
                outcome = maybeDeferred(function)
            finally:
                abandoned = deferred not in self._unfinished
            if abandoned:
                outcome.addErrback(lambda failure: None)
                return
            self._unfinished.remove(deferred)
            outcome.addBoth(deferred.callback)

        self.waiting.append(work)
        return deferred

    def abandon(self) -> None:
        """Abandon all queued functions."""
        self.hung += self.waiting
        self.waiting.clear()
        unfinished, self._unfinished = self._unfinished, []
        for deferred in unfinished:
            deferred.errback(Abandoned())

    def run_one(self) -> None:
        """Run the first function in the queue."""
        self.waiting.pop(0)()

    def run_all(self) -> None:
        """Run the functions in the queue, and those that they add."""
        while self.waiting:
            self.run_one()
