"""Combinations of words, for which statements are tried out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from attrs import evolve

from trualias.analysis.candidates import Candidates
from trualias.analysis.leaks import Runs
from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets, with_default, word_sets
from trualias.language.functions import BoundCall, CodeText
from trualias.language.memo import BoundedMemo


class Trials:
    """Combinations of words, the ``values`` of a statement's identifiers, and what calls contribute for them.

    What is computed does not depend on a statement, but on the classes of its identifiers. ``random`` is the generator
    that drew the words; it draws the leaks.
    """

    def __init__(self, values: Sequence[tuple[str, ...]], random: Random) -> None:
        self.values = values
        self.runs = Runs(random, len(values))
        self._random_state = random.getstate()
        self._columns = list(zip(*values, strict=True))
        self._contributions: BoundedMemo[BoundCall, Sequence[CodeText]] = BoundedMemo()
        self._sets: BoundedMemo[BoundCall, WordSets] = BoundedMemo()
        self.candidates: dict[int, Candidates] = {}

    def random(self) -> Random:
        """Return a generator that goes on after the words and the leaks."""
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
            found = self._sets[key] = self.sets_of(self.contributions(key))
        return with_default(found, call.default)

    def sets_of(self, contributions: Sequence[CodeText]) -> WordSets:
        """Return the sets of trials by text, given what is contributed for each trial."""
        return word_sets([None if number is None else contributions[number] for number in self.runs.numbers])


def _without_default(call: BoundCall) -> BoundCall:
    return evolve(call, default=UNKNOWN_DEFAULT) if call.function.takes_index else call
