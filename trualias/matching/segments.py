"""What stands on one side of a code, and the ways to cut a text into it."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.language.fields import RULES
from trualias.language.functions import BoundCall
from trualias.language.spans import Spans, ends_of
from trualias.language.tree import Expression, FieldClass, Identifier, Literal, NameField, NameKind

Condition = tuple[str, ...]
"""What a code says of one identifier: what each of the identifier's computations must contribute."""


class Segment:
    """The tokens on one side of the code, for one text.

    ``first`` is the literal that it begins with, and ``fields`` its identifiers, each with its class and the literal
    behind it; a literal may be empty.
    """

    __slots__ = ("_at", "_ends", "_reached", "_spans", "computations", "fields", "first", "literals")

    def __init__(
        self,
        expression: Expression,
        names: dict[NameKind, str],
        spans: Spans,
        computations: Sequence[Sequence[BoundCall]],
    ) -> None:
        self.first = ""
        self.fields: list[tuple[FieldClass, str]] = []
        for token in expression:
            if isinstance(token, Identifier):
                self.fields.append((token.field_class, ""))
                continue
            assert isinstance(token, Literal | NameField)
            text = token.text if isinstance(token, Literal) else names[token.kind]
            if self.fields:
                field_class, literal = self.fields[-1]
                self.fields[-1] = field_class, literal + text
            else:
                self.first += text
        self.literals = self.first + "".join(literal for _, literal in self.fields)
        self.computations = computations
        self._spans = spans
        self._at: dict[str, int] = {}
        self._ends: dict[tuple[int, int, Condition], int] = {}
        self._reached: dict[tuple[int, tuple[Condition, ...]], tuple[int, int]] = {}

    @property
    def last(self) -> str:
        """The literal at its end."""
        return self.fields[-1][1] if self.fields else self.first

    @property
    def least(self) -> int:
        """The fewest characters that it can take."""
        return len(self.literals) + sum(RULES[field_class].shortest for field_class, _ in self.fields)

    def occurrences(self, literal: str) -> int:
        """The set of positions at which a literal stands in the text."""
        found = self._at.get(literal)
        if found is None:
            found = 0
            text = self._spans.text
            at = text.find(literal)
            while at >= 0:
                found |= 1 << at
                at = text.find(literal, at + 1)
            self._at[literal] = found
        return found

    def ways(self, start: int, end: int, conditions: tuple[Condition, ...]) -> int:
        """In how many ways it takes ``text[start:end]`` so that all conditions hold: 0, 1, or 2 for any more."""
        once, twice = self._reach(start, conditions)
        return (once >> end & 1) + (twice >> end & 1)

    def _reach(self, start: int, conditions: tuple[Condition, ...]) -> tuple[int, int]:
        """The sets of positions to which as many identifiers as there are conditions, with the literals around them,
        take the text from ``start``: in at least one way, and in at least two.
        """
        key = start, conditions
        reached = self._reached.get(key)
        if reached is None:
            if conditions:
                reached = self._follow(self._reach(start, conditions[:-1]), len(conditions) - 1, conditions[-1])
            elif self._spans.text.startswith(self.first, start):
                reached = 1 << start + len(self.first), 0
            else:
                reached = 0, 0
            self._reached[key] = reached
        return reached

    def _follow(self, reached: tuple[int, int], number: int, condition: Condition) -> tuple[int, int]:
        """Go on from some positions by one identifier and the literal behind it."""
        width = len(self.fields[number][1])
        starts, starts_twice = reached
        once = twice = 0
        for start in ends_of(starts):
            ends = self._ends_from(start, number, condition) << width
            twice |= ends & (-1 if starts_twice >> start & 1 else once)
            once |= ends
        return once, twice

    def _ends_from(self, start: int, number: int, condition: Condition) -> int:
        """The set of ends of an identifier that starts at ``start``, meets its condition and has its literal behind."""
        spans = self._spans
        spans.step()
        key = start, number, condition
        ends = self._ends.get(key)
        if ends is None:
            field_class, literal = self.fields[number]
            ends = spans.ends_in_class(field_class, start)
            if literal:
                ends &= self.occurrences(literal)
            for computation, wanted in zip(self.computations[number], condition, strict=True):
                if not ends:
                    break
                ends &= computation.matching_ends(spans, start, wanted)
            self._ends[key] = ends
        return ends
