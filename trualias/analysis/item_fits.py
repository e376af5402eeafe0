"""The trials whose codes may have each item of the searched rules at a position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trualias.analysis.code_distribution import Codes
from trualias.analysis.drawn_codes import Column, DrawnCodes
from trualias.analysis.searched_items import candidates_of, candidates_of_names
from trualias.analysis.trials import Trials


class Fits(NamedTuple):
    """The trials whose codes have each item at a position, by the number of the item.

    ``widths`` are those whose codes have what the item contributes, by its width, and ``known`` all of these; ``open``
    those for which the item contributes its default, which is still unknown; ``beyond`` are all others. No default
    explains both a leak of ``torn`` and the next one: they are in ``open``, but their codes have different characters.
    """

    widths: Sequence[Mapping[int, int]]
    known: Sequence[int]
    open: Sequence[int]
    beyond: Sequence[int]
    torn: Sequence[int]


class ItemFits:
    """The trials whose codes have an item at a position; ``number`` is that of the items."""

    def __init__(self, codes: Codes, trials: Trials, drawn: DrawnCodes) -> None:
        self._drawn = drawn
        self._runs = trials.runs
        self._candidates = candidates_of(codes, trials)
        self._of_names = candidates_of_names(codes, trials)
        self._items = [*self._candidates.items, *self._of_names]
        self.number = len(self._items)
        self._known: dict[tuple[int, bool], Fits] = {}

    def at(self, position: int, is_last: bool) -> Fits:
        """Return the trials that each item fits at a position; at the end of their codes, if it is the last one."""
        key = position, is_last
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._ending(position) if is_last else self._fitting(position)
        return found

    def _fitting(self, position: int) -> Fits:
        column = self._drawn.column(position)
        characters = column.characters
        matching = [*self._candidates.matching(characters), *(item.matching(characters) for item in self._of_names)]
        fitting = [{1: same} if same else {} for same in matching]
        having: dict[str, int] = {}
        for item, widths in zip(self._items, fitting, strict=True):
            for text, trials in item.longer.items():
                if text not in having:
                    having[text] = self._drawn.with_text(text, position)
                if here := trials & having[text]:
                    widths[len(text)] = widths.get(len(text), 0) | here
        return self._fits(fitting, [item.unknown & column.every for item in self._items], column)

    def _ending(self, position: int) -> Fits:
        ended = self._drawn.ended
        fits = self.at(position, False)
        fitting = [
            {width: trials & ended.get(position + width, 0) for width, trials in widths.items()}
            for widths in fits.widths
        ]
        with_default = ended.get(position + 1, 0)
        return self._fits(fitting, [opened & with_default for opened in fits.open], self._drawn.column(position))

    def _fits(self, fitting: Sequence[Mapping[int, int]], opened: Sequence[int], column: Column) -> Fits:
        every = self._runs.every
        known = [sum(widths.values()) for widths in fitting]  # no trial has an item in two widths
        beyond = [every ^ here ^ others for here, others in zip(known, opened, strict=True)]
        torn = [self._runs.followed(trials) & column.changing for trials in opened]
        return Fits(fitting, known, opened, beyond, torn)
