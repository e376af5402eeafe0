"""Combinations of words, for which statements are tried out."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.analysis.word_sets import WordSets, word_sets
from trualias.language.functions import BoundCall, CodeText
from trualias.language.memo import BoundedMemo


class Trials:
    """Combinations of words, the ``values`` of a statement's identifiers, and what calls contribute for them.

    What a call contributes is computed once for all statements with the same classes. ``random_state`` is the state of
    the generator that drew the words.
    """

    def __init__(self, values: Sequence[tuple[str, ...]], random_state: tuple[object, ...]) -> None:
        self.values = values
        self.random_state = random_state
        self._columns = list(zip(*values, strict=True))
        self._contributions: BoundedMemo[BoundCall, Sequence[CodeText]] = BoundedMemo()
        self._sets: BoundedMemo[BoundCall, WordSets] = BoundedMemo()

    def contributions(self, call: BoundCall) -> Sequence[CodeText]:
        """Return what a call that reads an identifier contributes for each trial."""
        found = self._contributions.get(call)
        if found is None:
            assert isinstance(call.reads, int)
            found = self._contributions[call] = list(map(call.evaluate, self._columns[call.reads]))
        return found

    def sets(self, call: BoundCall) -> WordSets:
        """Return the sets of trials for which a call that reads an identifier contributes a text, by the text."""
        found = self._sets.get(call)
        if found is None:
            found = self._sets[call] = word_sets(self.contributions(call), len(self.values))
        return found
