"""The items of the rules that an attacker considers: the trials in which they contribute a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets
from trualias.language.memo import BoundedMemo


@frozen(eq=False, repr=False)
class Candidate:
    """An item of the searched rules.

    ``characters`` are the trials for which it contributes a text of one character, ``longer`` the same for other texts,
    ``unknown`` the trials for which it contributes its default.
    """

    characters: WordSets
    longer: WordSets
    unknown: int = 0

    def matching(self, column: Mapping[str, int]) -> int:
        """Return the trials for which it contributes their character in a column."""
        found = 0
        for character, trials in self.characters.items():
            found |= trials & column.get(character, 0)
        return found


class Candidates:
    """The candidates that read identifiers, and the trials in which they match: the same for many statements."""

    def __init__(self, of_calls: Iterable[WordSets]) -> None:
        different = {frozenset(sets.items()): sets for sets in of_calls}
        self.items = list(map(_candidate, different.values()))
        self._matching: BoundedMemo[frozenset[tuple[str, int]], list[int]] = BoundedMemo()

    def matching(self, column: Mapping[str, int]) -> list[int]:
        """Return for each candidate the trials for which it contributes their character in a column."""
        key = frozenset(column.items())
        found = self._matching.get(key)
        if found is None:
            found = self._matching[key] = [item.matching(column) for item in self.items]
        return found


def _candidate(sets: WordSets) -> Candidate:
    known = {text: trials for text, trials in sets.items() if text != UNKNOWN_DEFAULT}
    return Candidate(
        {text: trials for text, trials in known.items() if len(text) == 1},
        {text: trials for text, trials in known.items() if len(text) > 1},
        sets.get(UNKNOWN_DEFAULT, 0),
    )
