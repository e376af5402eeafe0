"""Simulated leaks: the trials whose addresses leak, one after the other, in several runs."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

MOST_LEAKS = 100
"""The most addresses that leak in one run."""

RUNS = 51
"""The number of runs with different leaked addresses; odd, because of the median."""


class Run:
    """The trials that leak in one run, in their order."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self._sets = [0]

    def first(self, count: int) -> int:
        """Return the set of the first leaks, with a bit for each trial; all bits for more leaks than there are."""
        if count > len(self.numbers):
            return -1
        for number in self.numbers[len(self._sets) - 1 : count]:
            self._sets.append(self._sets[-1] | 1 << number)
        return self._sets[count]


def draw_runs(random: Random, number: int) -> list[Run]:
    """Draw the leaks of all runs from that number of trials."""
    return [Run(random.sample(range(number), min(MOST_LEAKS, number))) for _ in range(RUNS)]
