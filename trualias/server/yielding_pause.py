"""The pauses in which a long computation in another thread lets the reactor's thread run."""

import time
from collections.abc import Callable

WORK_SECONDS = 0.005
"""The longest that a load runs between two pauses; as long as Python's own interval of switching threads."""

YIELD_SECONDS = 0.001
"""The length of a pause."""


def yield_to_reactor() -> None:
    """Yield to the reactor's thread for 1 ms; called in another thread."""
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
