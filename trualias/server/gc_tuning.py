"""Large configurations in a process that must not stop: what Python's memory management is told around a load.

A configuration of 30,000 statements is a million objects. None of them are in reference cycles, so that they need no
garbage collector; yet it would stop all threads, for up to a second each time, to look at them.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NEVER = 2**31 - 1
_AT_ONCE = 200


@contextmanager
def growing() -> Iterator[None]:
    """Let the garbage collector look at new objects alone, while many are made that stay.

    Afterwards, unless that failed, it passes over all that there is.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(*thresholds[:2], _NEVER)
    try:
        yield
        gc.collect(1)
        gc.freeze()
    finally:
        gc.set_threshold(*thresholds)


def release(parts: list[object], pause: Callable[[], None]) -> None:
    """Empty a list, so that what nobody else holds goes away little by little; `pause` is called in between."""
    while parts:
        del parts[-_AT_ONCE:]
        pause()


def collect_all() -> None:
    """Find the cycles even among what the collector passes over. This stops all threads."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
