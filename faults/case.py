"""What the cases have in common."""

from collections.abc import Callable

Say = Callable[[str], None]
"""Prints one line of figures."""


class Fault(Exception):
    """Something was not survived."""


def percentile(sorted_values: list[float], part: float) -> float:
    """Give the value below which this part, 0 to 1, of the sorted values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * part))]
