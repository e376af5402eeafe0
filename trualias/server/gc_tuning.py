"""Tuning of Python's garbage collector for the start, and for loads of large configurations.

A configuration of 30,000 statements is a million objects without reference cycles. A full garbage collection would stop
all threads for up to a second to examine them, and find nothing.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NEVER = 2**31 - 1
_RELEASED_AT_ONCE = 200

_usual = gc.get_threshold()
"""The thresholds outside of suspensions."""


@contextmanager
def import_uncollected() -> Iterator[None]:
    """Suspend all collections while modules are imported, which makes no garbage: a tenth of a start.

    Afterwards all existing objects are excluded from later collections.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # the next collection would examine all that is new
        if was_enabled:
            gc.enable()


@contextmanager
def full_collections_suspended() -> Iterator[None]:
    """Suspend full collections while many lasting objects are created; the collection of new objects goes on.

    Afterwards, unless an exception was raised, all existing objects are excluded from later collections.
    """
    global _usual
    if gc.get_threshold()[2] != _NEVER:
        _usual = gc.get_threshold()
    gc.set_threshold(*_usual[:2], _NEVER)
    try:
        yield
        gc.collect(1)
        gc.freeze()
    finally:
        gc.set_threshold(*_usual)


def resume_full_collections() -> None:
    """End a suspension, as of a load that hangs."""
    if gc.get_threshold()[2] == _NEVER:
        gc.set_threshold(*_usual)


def release_in_steps(objects: list[object], pause: Callable[[], None]) -> None:
    """Empty a list a few objects at a time, and call ``pause`` after each step, since freeing many takes long."""
    while objects:
        del objects[-_RELEASED_AT_ONCE:]
        pause()


def collect_frozen() -> None:
    """Run a full collection that includes the excluded objects. It stops all threads."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
