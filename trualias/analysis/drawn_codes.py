"""A right code of a statement for each of its trials, and the sets of trials whose codes have a text at a position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.trials import Trials
from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets
from trualias.language.functions import BoundCall
from trualias.language.rule import BoundItem


class Column(NamedTuple):
    """The characters of all codes at a position.

    ``characters`` are the trials by their character, ``every`` all that have one; ``changing`` are the leaks whose next
    leak has another character.
    """

    characters: Mapping[str, int]
    every: int
    changing: int


class DrawnCodes:
    """A right code for each trial, drawn where an item is a choice.

    ``columns`` are the characters by position, ``ended`` the trials by the length of their codes.
    """

    def __init__(self, codes: Codes, trials: Trials) -> None:
        self._every = trials.runs.every
        characters: list[defaultdict[str, int]] = []
        ends = {0: trials.runs.every}
        for sets in _drawn(codes, trials) if codes.has_choice else _sets(codes, trials):
            after: defaultdict[int, int] = defaultdict(int)
            for start, reaching in ends.items():
                for text, having in sets.items():
                    if here := reaching & having:
                        after[start + len(text)] |= here
                        for position, character in enumerate(text, start):
                            while position >= len(characters):
                                characters.append(defaultdict(int))
                            characters[position][character] |= here
            ends = after
        self.ended: Mapping[int, int] = ends
        self.columns = [self._column(position, of_position) for position, of_position in enumerate(characters)]

    def _column(self, position: int, characters: Mapping[str, int]) -> Column:
        every = sum(trials for length, trials in self.ended.items() if length > position)
        changing = 0
        for trials in characters.values():
            changing |= trials & ~(trials >> 1)
        return Column(characters, every, changing)

    def column(self, position: int) -> Column:
        """Return the characters at a position, none at one after the longest code."""
        return self.columns[position] if position < len(self.columns) else _EMPTY

    def with_text(self, text: str, position: int) -> int:
        """Return the trials whose codes have a text at a position."""
        found = self._every
        for at, character in enumerate(text, position):
            found &= self.column(at).characters.get(character, 0)
        return found


_EMPTY = Column({}, 0, 0)


def _sets(codes: Codes, trials: Trials) -> Iterator[WordSets]:
    """Yield the sets of trials for which each item contributes its texts, where no item is a choice."""
    for item in codes.items:
        if isinstance(item, BoundCall):
            yield trials.sets(item)
        else:
            assert isinstance(item, str)
            yield {item: trials.runs.every}


def _drawn(codes: Codes, trials: Trials) -> Iterator[WordSets]:
    """Draw the texts of all items, code by code, and yield the sets of trials for which each item has its texts."""
    random = trials.random()
    options = [_options(item, codes, trials) for item in codes.items]
    drawn = [[random.choice(texts) for texts in row] for row in zip(*options, strict=True)]
    yield from map(trials.sets_of, zip(*drawn, strict=True))


def _options(item: BoundItem, codes: Codes, trials: Trials) -> Iterable[Sequence[str]]:
    """Return for each trial the texts that are right for an item."""
    if not isinstance(item, BoundCall):
        return [texts_of(codes.contribution(item, ()))] * len(trials.values)
    contributions = trials.contributions(item)
    texts = {one: texts_of(codes.contribution(one, ())) for one in set(contributions)}
    texts[UNKNOWN_DEFAULT] = [item.default]
    return map(texts.__getitem__, contributions)
