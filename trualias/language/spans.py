"""Answers to questions about every part of a text at once.

A *span* is a part ``text[start:end]``. A set of positions is an integer used as a bit set: bit ``n`` stands for the
position before ``text[n]``. So one operation on integers answers a question for all ends of a start.
"""

from __future__ import annotations

from collections.abc import Iterator

from trualias.language.fields import RULES
from trualias.language.tree import FieldClass

_OF_EACH_CHARACTER = 4
"""The work of an answer for which every character of a text is looked at."""


def positions_in(bits: int) -> Iterator[int]:
    """Yield the members of a set of positions, in rising order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


class Spans:
    """The spans of one text. Answers are cached.

    ``work`` is the work of computing the answers that were not cached, in steps of callers that keep to a budget.
    """

    __slots__ = ("_classes", "_counts", "_ends", "_occurrences", "_positions", "text", "work")

    def __init__(self, text: str) -> None:
        self.text = text
        self.work = 0
        self._occurrences: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._classes: dict[frozenset[str], int] = {}
        self._counts: dict[str, tuple[list[int], dict[int, int]]] = {}
        self._ends: dict[tuple[FieldClass, int], int] = {}

    @property
    def all_positions(self) -> int:
        """The set of all positions, including that after the last character."""
        return (2 << len(self.text)) - 1

    def positions(self, character: str) -> int:
        """Return the set of positions of a character."""
        found = self._positions.get(character)
        if found is None:
            self.work += _OF_EACH_CHARACTER
            found = sum(1 << at for at, here in enumerate(self.text) if here == character)
            self._positions[character] = found
        return found

    def positions_of_any(self, characters: frozenset[str]) -> int:
        """Return the set of positions of some characters."""
        found = self._classes.get(characters)
        if found is None:
            self.work += _OF_EACH_CHARACTER
            found = sum(1 << at for at, here in enumerate(self.text) if here in characters)
            self._classes[characters] = found
        return found

    def occurrences(self, literal: str) -> int:
        """Return the set of positions at which a literal starts; every position for an empty one."""
        found = self._occurrences.get(literal)
        if found is None:
            found = 0
            at = self.text.find(literal)
            while at >= 0:
                found |= 1 << at
                at = self.text.find(literal, at + 1)
            self.work += 1 + found.bit_count() // 8
            self._occurrences[literal] = found
        return found

    def counts_before(self, characters: str) -> list[int]:
        """Return for each position, including the end, how many of ``characters`` are before it."""
        return self._count(characters)[0]

    def ends_with_count(self, characters: str, start: int, count: int) -> int:
        """Return the ends for which the span holds exactly ``count`` of ``characters``; an empty span counts."""
        before, positions = self._count(characters)
        return positions.get(before[start] + count, 0) & -1 << start

    def _count(self, characters: str) -> tuple[list[int], dict[int, int]]:
        """Return how many characters are before each position, and the set of positions for each number."""
        counts = self._counts.get(characters)
        if counts is None:
            self.work += 2 * _OF_EACH_CHARACTER
            before = [0]
            positions = {0: 1}
            for at, here in enumerate(self.text, 1):
                total = before[-1] + (here in characters)
                before.append(total)
                positions[total] = positions.get(total, 0) | 1 << at
            counts = self._counts[characters] = before, positions
        return counts

    def ends_in_class(self, field_class: FieldClass, start: int) -> int:
        """Return the ends for which the span from ``start`` is a text of the class."""
        found = self._ends.get((field_class, start))
        if found is None:
            self.work += 1
            found = self._ends[field_class, start] = self.ends_from_any(field_class, 1 << start)
        return found

    def ends_from_any(self, field_class: FieldClass, starts: int) -> int:
        """Return the ends for which a span from any of some starts is a text of the class."""
        rule = RULES[field_class]
        edges = self.positions_of_any(rule.edges)
        allowed = self.positions_of_any(rule.alphabet)
        starts &= edges
        if rule.has_labels:
            dots = self.positions(".")
            labels = allowed & ~dots
            # From its first dot on, a text may go on over every dot between two labels.
            dots &= labels << 1 & labels >> 1
            allowed = labels | dots
            starts = (_fill(starts, labels) << 1 & dots) << 1
        return (_fill(starts, allowed) & edges) << 1


def _fill(starts: int, allowed: int) -> int:
    """Return the members of ``allowed`` from which an unbroken run of members leads down to one of ``starts``."""
    starts &= allowed
    # The carry of the sum runs from a start to the end of its run.
    return ((allowed + starts) ^ allowed | starts) & allowed
