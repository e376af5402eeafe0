"""The tokens left or right of the code, and how many ways a text can be split into them."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.language.functions import BoundCall
from trualias.language.spans import Spans, positions_in
from trualias.language.tree import Expression, FieldClass, Identifier, Literal
from trualias.matching.lookup_record import LookupRecord

Condition = tuple[str, ...]
"""The texts that the computations over one identifier must contribute."""


_BEGINNING = 16
"""The steps that it takes to make a segment and begin to compare a text with it."""


class Segment:
    """The tokens left or right of the code.

    ``first`` is the literal that it begins with, ``fields`` are its identifiers, each with its class and the literal
    after it; a literal may be empty.
    """

    __slots__ = ("_mirror", "fields", "first")

    def __init__(self, tokens: Expression) -> None:
        self._mirror: Segment | None = None
        self.first = ""
        self.fields: list[tuple[FieldClass, str]] = []
        for token in tokens:
            match token:
                case Identifier(field_class):
                    self.fields.append((field_class, ""))
                case Literal(text) if self.fields:
                    self.fields[-1] = self.fields[-1][0], text
                case Literal(text):
                    self.first = text
                case _:
                    raise AssertionError(f"{token} is not part of a bound segment")

    @property
    def literals(self) -> str:
        """All its literals."""
        return self.first + "".join([literal for _, literal in self.fields])

    def mirrored(self) -> Segment:
        """Return the segment that takes the reversed texts."""
        if self._mirror is not None:
            return self._mirror
        mirror = self._mirror = Segment(())
        literals = [self.first, *[literal for _, literal in self.fields]]
        mirror.first = literals[-1][::-1]
        classes = [field_class for field_class, _ in self.fields]
        mirror.fields = [
            (field_class, literal[::-1])
            for field_class, literal in zip(reversed(classes), reversed(literals[:-1]), strict=True)
        ]
        return mirror

    def reach(self, spans: Spans, record: LookupRecord) -> int:
        """Return the set of the positions up to which it can take the text from the start.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        record.step(_BEGINNING + len(self.fields))
        if not spans.text.startswith(self.first):
            return 0
        positions = 1 << len(self.first)
        for field_class, literal in self.fields:
            if not positions:
                break
            positions = spans.ends_from_any(field_class, positions)
            if literal:
                positions = (positions & spans.occurrences(literal)) << len(literal)
        return positions


class WayCounter:
    """Counts the ways to split parts of one text into a segment's tokens.

    ``computations`` are those over each of the identifiers.
    """

    def __init__(self, segment: Segment, record: LookupRecord, computations: Sequence[Sequence[BoundCall]]) -> None:
        self._segment = segment
        self._record = record
        self._spans = record.spans
        self._computations = computations
        self._ends: dict[tuple[int, int, Condition], int] = {}
        self._reached: dict[tuple[int, tuple[Condition, ...]], tuple[int, int]] = {}

    def count(self, start: int, end: int, conditions: tuple[Condition, ...]) -> int:
        """Return in how many ways the segment takes ``text[start:end]`` so that all conditions hold.

        The result is 0, 1, or 2 for any more.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        once, twice = self._reach(start, conditions)
        return (once >> end & 1) + (twice >> end & 1)

    def _reach(self, start: int, conditions: tuple[Condition, ...]) -> tuple[int, int]:
        """Return the sets of positions up to which the first identifiers, one for each condition, and the literals
        around them take the text from ``start``: in at least one way, and in at least two.
        """
        key = start, conditions
        reached = self._reached.get(key)
        if reached is None:
            if conditions:
                reached = self._extend(self._reach(start, conditions[:-1]), len(conditions) - 1, conditions[-1])
            elif self._spans.text.startswith(self._segment.first, start):
                reached = 1 << start + len(self._segment.first), 0
            else:
                reached = 0, 0
            self._reached[key] = reached
        return reached

    def _extend(self, reached: tuple[int, int], number: int, condition: Condition) -> tuple[int, int]:
        """Extend sets of positions by one identifier and the literal after it."""
        width = len(self._segment.fields[number][1])
        starts, starts_twice = reached
        once = twice = 0
        for start in positions_in(starts):
            ends = self._ends_from(start, number, condition) << width
            twice |= ends & (-1 if starts_twice >> start & 1 else once)
            once |= ends
        return once, twice

    def _ends_from(self, start: int, number: int, condition: Condition) -> int:
        """Return the ends of an identifier from ``start`` that meets its condition and has its literal after it."""
        spans = self._spans
        self._record.step()
        key = start, number, condition
        ends = self._ends.get(key)
        if ends is None:
            field_class, literal = self._segment.fields[number]
            ends = spans.ends_in_class(field_class, start)
            if literal:
                ends &= spans.occurrences(literal)
            for computation, wanted in zip(self._computations[number], condition, strict=True):
                if not ends:
                    break
                ends &= computation.matching_ends(spans, start, wanted)
            self._ends[key] = ends
        return ends
