"""What the cases have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

Say = Callable[[str], None]
"""Prints one line of figures."""


class Fault(Exception):
    """Something was not survived."""


def percentile(sorted_values: list[float], part: float) -> float:
    """Give the value below which this part, 0 to 1, of the sorted values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * part))]


@contextmanager
def beside(work: Callable[[Event], None], threads: int = 1) -> Iterator[list[Exception]]:
    """Let so many threads work beside this one, each until the event is set that it is given.

    What they raised so far is in the list. Raises the first of it in the end, also where something else went wrong:
    that may well be for want of the thread.
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
