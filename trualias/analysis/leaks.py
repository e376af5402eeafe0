"""Simulated leaks: the trials whose addresses leak, one after the other, in several runs.

A set of trials is a whole number, one operation on which works on all runs. It has a lane of bits for each run, one for
each of its leaks in their order, and above the lanes a bit for each trial. At the end of a lane are two bits that no
trial has: the first stands for one leak more than there are, the second takes the carry of an addition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

MOST_LEAKS = 100
"""The most addresses that leak in one run."""

RUNS = 51
"""The number of runs with different leaked addresses; odd, because of the median."""

_SPARE = 2
"""The bits at the end of a lane that no trial has."""


class Runs:
    """The leaks of all runs, and their places in sets of trials.

    ``leaks`` are the numbers of the trials that leak in each run, in their order. ``numbers`` is the trial of each bit,
    None for a bit that no trial has. ``first`` are the first leaks of all runs, ``every`` is the set of all trials.
    """

    def __init__(self, random: Random, trials: int) -> None:
        length = min(MOST_LEAKS, trials)
        self.leaks = [random.sample(range(trials), length) for _ in range(RUNS)]
        lanes = [number for leaks in self.leaks for number in (*leaks, *[None] * _SPARE)]
        self.numbers: Sequence[int | None] = [*lanes, *range(trials)]
        self._width = length + _SPARE
        self.first = sum(1 << run * self._width for run in range(RUNS))
        ends = self.first << length
        self._carries = ends << 1
        self._below_carries = self._carries - self.first
        self._lanes = ends - self.first
        self._trials_from = len(lanes)
        self.every = ((1 << trials) - 1) << self._trials_from | self._lanes

    def count_trials(self, trials: int) -> int:
        """Count the trials of a set."""
        return (trials >> self._trials_from).bit_count()

    def count_leaks(self, leaks: int) -> list[int | None]:
        """Count the leaks of each run, None for one more than there are."""
        most = self._width - _SPARE
        counts = [(leaks >> run * self._width & (1 << self._width) - 1).bit_count() for run in range(RUNS)]
        return [None if count > most else count for count in counts]

    @staticmethod
    def followed(leaks: int) -> int:
        """Return the leaks whose next leaks are in a set as well."""
        return leaks & leaks >> 1

    def through_unexplained(self, explained: int) -> int:
        """Return the leaks of each run through the first one that is not explained."""
        explained &= self._lanes
        return explained ^ explained + self.first

    def is_in_all(self, leaks: int) -> bool:
        """Return whether a set has leaks of all runs."""
        return (leaks + self._below_carries) & self._carries == self._carries

    def not_in_all(self, sets: Iterable[int]) -> list[int]:
        """Return the places, counted from 0, of the sets that do not have leaks of all runs."""
        below, carries = self._below_carries, self._carries
        return [place for place, leaks in enumerate(sets) if (leaks + below) & carries != carries]

    def outside(self, leaks: int) -> int:
        """Return all leaks of the runs of which a set has none."""
        none = (leaks + self._below_carries) & self._carries ^ self._carries
        return none - (none >> self._width - 1)
