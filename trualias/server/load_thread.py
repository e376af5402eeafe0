"""The thread that configurations are loaded in, and the pauses in which it lets the reactor's thread run."""

import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

WORK_SECONDS = 0.005
"""The longest that a load runs between two pauses; as long as Python's own interval of switching threads."""

YIELD_SECONDS = 0.001
"""The length of a pause."""

_Result = TypeVar("_Result")


class RunInThread(Protocol):
    """Runs a function in another thread than the reactor's."""

    def __call__(self, function: Callable[[], _Result], /) -> Deferred[_Result]:
        """Return a Deferred of the function's result, which fires in the reactor's thread."""
        ...


class _DaemonThreadPool(ThreadPool):
    """A pool of one thread, which does not keep the process from ending, also if a hook never returns."""

    def __init__(self) -> None:
        super().__init__(minthreads=0, maxthreads=1, name="loads")
        self.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]


def start_load_thread(reactor: IReactorFromThreads) -> RunInThread:
    """Start the thread for loads, and return a function that runs others in it."""
    pool = _DaemonThreadPool()
    pool.start()
    return lambda function: deferToThreadPool(reactor, pool, function)


def yield_to_reactor() -> None:
    """Let the reactor's thread run for 1 ms; called in another thread."""
    time.sleep(YIELD_SECONDS)


class YieldingPause:
    """A pause for long computations in another thread: yields to the reactor's thread, but at most each 5 ms.

    It can be called at every step of a computation: a call that is too early only reads ``clock``, which returns
    seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        yield_to_reactor: Callable[[], None] = yield_to_reactor,
    ) -> None:
        self._clock = clock
        self._yield_to_reactor = yield_to_reactor
        self._due = clock() + WORK_SECONDS

    def __call__(self) -> None:
        """Yield if 5 ms have passed since the last yield."""
        if self._clock() >= self._due:
            self._yield_to_reactor()
            self._due = self._clock() + WORK_SECONDS
