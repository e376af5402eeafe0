"""Pauses in the passes over many parts of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")

_ITEMS = 256
"""Items between two calls of ``pause``. A pass over one takes less than a microsecond; a call at each takes 0.3."""


def with_pauses(items: Iterable[_Item], pause: Callable[[], None]) -> Iterator[_Item]:
    """Yield the items; ``pause`` is called before each ``_ITEMS``, for passes that do little with an item.

    Without it, a pass over 100,000 statements would hold the interpreter's lock for 10 to 50 ms: another thread gets
    it only for a moment each 5 ms, until its next read or write.
    """
    remaining = iter(items)
    while some := list(islice(remaining, _ITEMS)):
        pause()
        yield from some
