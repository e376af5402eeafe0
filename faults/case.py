"""Parts that all cases use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

Say = Callable[[str], None]
"""Prints one line of figures."""


class Fault(Exception):
    """A failure of the server, or of something around it."""


def percentile(sorted_values: list[float], share: float) -> float:
    """Return the value below which this share, 0 to 1, of the sorted values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


@contextmanager
def beside(work: Callable[[Event], None], threads: int = 1) -> Iterator[list[Exception]]:
    """Run ``work`` in other threads during the context; its argument is an event that is set at the end.

    Yields the list of the exceptions raised so far. Raises the first of them at the end, also in place of another
    exception, which may be due to the missing thread.
    """
    raised: list[Exception] = []
    end = Event()

    def run() -> None:
        try:
            work(end)
        except Exception as error:
            raised.append(error)

    working = [Thread(target=run) for _ in range(threads)]
    for thread in working:
        thread.start()
    try:
        yield raised
    finally:
        end.set()
        for thread in working:
            thread.join()
        for error in raised:
            raise error
