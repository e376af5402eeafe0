"""Measured windows of lookups beside a disturbance.

Other load on the machine disturbs some windows, and a server that stalls stalls in each: the best one counts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.lookups import Latencies
from faults.served import Served, served

LONGEST = 0.05
"""The longest wait of a lookup, in seconds, while a configuration is read, or a client of the metrics is refused."""
WINDOWS = 3


def best_longest(measure: Callable[[], Latencies], windows: int) -> float:
    """Return the longest wait in the best of several windows."""
    return min(measure().longest for _ in range(windows))


@contextmanager
def pair(folder: Path) -> Iterator[tuple[Served, Served]]:
    """Run a server to disturb, and one without a disturbance."""
    with served(folder) as disturbed, served(folder.with_name(folder.name + "-calm")) as calm:
        yield disturbed, calm
