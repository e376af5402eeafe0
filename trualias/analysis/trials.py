"""Combinations of words, for which statements are tried out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from attrs import evolve

from trualias.analysis.candidates import Candidates
from trualias.analysis.leaks import Run, draw_runs
from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets, with_default, word_sets
from trualias.language.functions import BoundCall, CodeText
from trualias.language.memo import BoundedMemo


class Trials:
    """Combinations of words, the ``values`` of a statement's identifiers, and what calls contribute for them.

    What is computed does not depend on a statement, but on the classes of its identifiers. ``random_state`` is the
    state of the generator that drew the words.
    """

    def __init__(self, values: Sequence[tuple[str, ...]], random_state: tuple[Any, ...]) -> None:
        self.values = values
        self.number = len(values)
        self.every = (1 << self.number) - 1
        self._random_state = random_state
        self._columns = list(zip(*values, strict=True))
        self._contributions: BoundedMemo[BoundCall, Sequence[CodeText]] = BoundedMemo()
        self._sets: BoundedMemo[BoundCall, WordSets] = BoundedMemo()
        self._runs: dict[int, list[Run]] = {}
        self.candidates: dict[int, Candidates] = {}

    def random(self) -> Random:
        """Return a generator that goes on after the words."""
        random = Random()
        random.setstate(self._random_state)
        return random

    def contributions(self, call: BoundCall) -> Sequence[CodeText]:
        """Return for each trial what a call that reads an identifier contributes, ``UNKNOWN_DEFAULT`` for a default."""
        key = _without_default(call)
        found = self._contributions.get(key)
        if found is None:
            assert isinstance(key.reads, int)
            found = self._contributions[key] = list(map(key.evaluate, self._columns[key.reads]))
        return found

    def sets(self, call: BoundCall) -> WordSets:
        """Return the sets of trials for which a call that reads an identifier contributes a text, by the text."""
        key = _without_default(call)
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = word_sets(self.contributions(key), self.number)
        return with_default(found, call.default)

    def runs(self, items: int) -> list[Run]:
        """Return the leaks for codes of that number of items, none of which is a choice.

        They are drawn after an item of each code, as they are where one is a choice.
        """
        if items not in self._runs:
            random = self.random()
            for _ in range(items * self.number):
                random.choice("x")
            self._runs[items] = draw_runs(random, self.number)
        return self._runs[items]


def _without_default(call: BoundCall) -> BoundCall:
    return evolve(call, default=UNKNOWN_DEFAULT) if call.function.takes_index else call
