"""A right code of a statement for each of its trials, and the sets of trials whose codes have a text at a position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.leaks import Run, draw_runs
from trualias.analysis.trials import Trials
from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets, word_sets
from trualias.language.functions import BoundCall, CodeText


@frozen(eq=False, repr=False)
class _Column:
    """The texts of an item for the trials, ``default`` in place of ``UNKNOWN_DEFAULT``, and the trials by the text."""

    texts: Sequence[CodeText]
    default: str
    sets: WordSets

    def text(self, number: int) -> str:
        """Return the item's text in the code of a trial."""
        found = self.texts[number]
        assert isinstance(found, str)
        return self.default if found == UNKNOWN_DEFAULT else found


class DrawnCodes:
    """A right code for each trial, drawn where an item is a choice.

    ``characters[position]`` are the trials by the character of their codes at a position, ``ended`` the trials by the
    length of their codes. ``runs`` are the leaks, drawn after the codes.
    """

    def __init__(self, codes: Codes, trials: Trials) -> None:
        self.every = trials.every
        wanted = [
            trials.contributions(item) if isinstance(item, BoundCall) else [item] * trials.number
            for item in codes.items
        ]
        self._columns = [_column(item, texts, trials) for item, texts in zip(codes.items, wanted, strict=True)]
        choices = [at for at, texts in enumerate(wanted) if not isinstance(texts[0], str)]
        self.runs = self._draw(codes, choices, trials) if choices else trials.runs(len(codes.items))
        self._known: dict[int, str] = {}
        self.characters: list[defaultdict[str, int]] = []
        self.ended: Mapping[int, int] = self._place()

    def _draw(self, codes: Codes, choices: Sequence[int], trials: Trials) -> list[Run]:
        """Draw the texts of all items, code by code; fill the columns of those that are choices, and draw the leaks."""
        random = trials.random()
        options: list[Iterator[Sequence[str]]] = []
        for column in self._columns:
            texts = {one: texts_of(codes.contribution(one, ())) for one in set(column.texts)}
            options.append(map(texts.__getitem__, column.texts))
        drawn = [[random.choice(texts) for texts in row] for row in zip(*options, strict=True)]
        for at in choices:
            chosen = [row[at] for row in drawn]
            self._columns[at] = _Column(chosen, "", word_sets(chosen, trials.number))
        return draw_runs(random, trials.number)

    def _place(self) -> dict[int, int]:
        """Put the texts one after the other; return the trials by the length of their codes."""
        ends = {0: self.every}
        for column in self._columns:
            after: defaultdict[int, int] = defaultdict(int)
            for start, trials in ends.items():
                for text, having in column.sets.items():
                    if here := trials & having:
                        after[start + len(text)] |= here
                        for position, character in enumerate(text, start):
                            while position >= len(self.characters):
                                self.characters.append(defaultdict(int))
                            self.characters[position][character] |= here
            ends = after
        return ends

    def code(self, number: int) -> str:
        """Return the code of a trial."""
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = "".join([column.text(number) for column in self._columns])
        return found

    def with_text(self, text: str, position: int) -> int:
        """Return the trials whose codes have a text at a position."""
        if position + len(text) > len(self.characters):
            return 0
        found = self.every
        for at, character in enumerate(text, position):
            found &= self.characters[at].get(character, 0)
        return found

    def longer_than(self, position: int) -> int:
        """Return the trials whose codes have a character at a position."""
        return sum(trials for length, trials in self.ended.items() if length > position)


def _column(item: CodeText | BoundCall, texts: Sequence[CodeText], trials: Trials) -> _Column:
    if isinstance(item, BoundCall):
        # The sets of a choice are those of its drawn texts.
        sets = {} if item.function.is_choice else trials.sets(item)
        return _Column(texts, item.default, sets)
    return _Column(texts, "", {item: trials.every} if isinstance(item, str) else {})
