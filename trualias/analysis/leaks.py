"""Simulated leaks: the trials whose addresses leak, one after the other, in several runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random

MOST_LEAKS = 100
"""The most addresses that leak in one run."""

RUNS = 51
"""The number of runs with different leaked addresses; odd, because of the median."""


class Run:
    """The trials that leak in one run, in their order.

    ``first[count]`` is the set of the first leaks, with a bit for each trial; the last one has all bits, since no rule
    explains more leaks than there are.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.first = [*accumulate((1 << number for number in numbers), int.__or__, initial=0), -1]


def draw_runs(random: Random, number: int) -> list[Run]:
    """Draw the leaks of all runs from that number of trials."""
    return [Run(random.sample(range(number), min(MOST_LEAKS, number))) for _ in range(RUNS)]
