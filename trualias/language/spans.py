"""What a lookup needs to know about every part of an address at once.

A *span* is a part ``text[start:end]``. Sets of ends are whole numbers used as bits: bit ``end`` stands for
``text[start:end]``. So one operation on numbers answers a question for all ends of a start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import Factory, define

from trualias.language.fields import RULES
from trualias.language.tree import FieldClass

BUDGET = 3_000
"""Steps that one lookup may take. A step costs one to two microseconds. Ordinary lookups take a few dozen at most, so
the budget is there for addresses that were made to be slow."""


class StepBudgetExceeded(Exception):
    """A lookup took more steps than ``BUDGET``."""


def ends_of(bits: int) -> Iterator[int]:
    """Give the members of a set of positions, in rising order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


_RUNS = {
    field_class: re.compile(f"[{''.join(map(re.escape, sorted(rule.alphabet)))}]*")
    for field_class, rule in RULES.items()
}
_EDGES = RULES[FieldClass.ALNUM].alphabet


@define(eq=False)
class _Memo:
    """What was asked of the spans of a text, and found."""

    counts: dict[str, tuple[list[int], dict[int, int]]] = Factory(dict)
    positions: dict[str, int] = Factory(dict)
    classes: dict[tuple[FieldClass, int], int] = Factory(dict)
    edge_ends: int | None = None


class Spans:
    """The spans of one text; what is asked for is computed once and kept.

    It also goes with a lookup and tells of it: ``steps`` is the work done so far, ``left`` the attempts that
    the statement has left, ``shaped`` whether it fitted the text but for the code.
    """

    __slots__ = ("_memo", "left", "shaped", "steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = 0
        self.shaped = False
        self.left = 0
        self._memo: _Memo | None = None

    @property
    def _known(self) -> _Memo:
        # Most lookups are done before anything has to be kept.
        if self._memo is None:
            self._memo = _Memo()
        return self._memo

    def step(self) -> None:
        """Take one step.

        Raises:
            StepBudgetExceeded: it is one too many.
        """
        self.steps += 1
        if self.steps > BUDGET:
            raise StepBudgetExceeded

    @property
    def all_ends(self) -> int:
        """The set of all positions."""
        return (2 << len(self.text)) - 1

    def positions(self, character: str) -> int:
        """The set of positions at which a character stands."""
        found = self._known.positions.get(character)
        if found is None:
            found = sum(1 << at for at, here in enumerate(self.text) if here == character)
            self._known.positions[character] = found
        return found

    def before(self, characters: str) -> list[int]:
        """For each position, the end included, how many of ``characters`` stand before it."""
        return self._counts(characters)[0]

    def ends_with_count(self, characters: str, start: int, count: int) -> int:
        """The ends for which the span holds exactly ``count`` of ``characters``; the start itself may be among them."""
        before, where = self._counts(characters)
        return where.get(before[start] + count, 0) & -1 << start

    def _counts(self, characters: str) -> tuple[list[int], dict[int, int]]:
        counts = self._known.counts.get(characters)
        if counts is None:
            before = [0]
            where = {0: 1}
            for at, here in enumerate(self.text, 1):
                total = before[-1] + (here in characters)
                before.append(total)
                where[total] = where.get(total, 0) | 1 << at
            counts = self._known.counts[characters] = before, where
        return counts

    def ends_in_class(self, field_class: FieldClass, start: int) -> int:
        """The ends for which the span is a text of the class."""
        found = self._known.classes.get((field_class, start))
        if found is None:
            self.steps += 1
            found = self._known.classes[field_class, start] = self._find_ends(field_class, start)
        return found

    def _find_ends(self, field_class: FieldClass, start: int) -> int:
        run = _RUNS[field_class].match(self.text, start)
        stop = run.end() if run else start
        ends: int = (2 << stop) - (2 << start)
        if field_class is FieldClass.IDENT or field_class is FieldClass.FQDN:
            if stop == start or self.text[start] not in _EDGES:
                return 0
            if self._known.edge_ends is None:
                self._known.edge_ends = sum(2 << at for at, here in enumerate(self.text) if here in _EDGES)
            ends &= self._known.edge_ends
        if field_class is FieldClass.FQDN:
            dot = self.text.find(".", start, stop)
            empty_label = self.text.find("..", start, stop)
            ends &= (-2 << dot) if dot >= 0 else 0
            if empty_label >= 0:
                ends &= (2 << empty_label) - 1
        return ends
