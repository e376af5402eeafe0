"""Counts readings without enumerating them.

57 times ``x`` and a code have thousands of readings for ``%alpha%x%alpha%x%alpha%x%alpha%.%code%``. But each item of a
code reads exactly one identifier. So for given ends of the code and a given split of it into items, each identifier has
its own condition, and the ways to meet them all are counted from left to right over the positions of the text
(``segments.py``).

Only the splits of the code are tried, in which a number can have one digit or two. Most of these fail immediately,
because counts add up: all characters outside the code and the literals belong to identifiers. If a code has, for
example, the vowels of every identifier on its left, their sum must be the number of vowels there.
"""

from __future__ import annotations

from functools import cached_property

from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import Names, bind_items
from trualias.language.spans import positions_in
from trualias.matching.counting_plan import CountingPlan
from trualias.matching.lookup_record import LookupRecord
from trualias.matching.segments import Condition, Segment, WayCounter

_Part = CodeText | int
"""A part of a code: a constant item's contribution, or the number of a variable."""


def code_bounds(left: Segment, right: Segment, record: LookupRecord) -> tuple[int, int]:
    """Return the sets of positions at which a code may start and end, whatever its text.

    The text has the shape of the statement if and only if ``has_room`` of them.

    Raises:
        StepBudgetExceeded: too many steps were needed.
    """
    starts = left.reach(record.spans, record)
    if not starts:
        return 0, 0
    # A text is of a class if and only if the reversed text is.
    ends = right.mirrored().reach(record.mirrored, record)
    return starts, int(f"{ends:0{len(record.text) + 1}b}"[::-1], 2)


def has_room(starts: int, ends: int) -> bool:
    """Return whether at least one character lies between the first of the starts and the last of the ends."""
    return bool(starts) and ends.bit_length() > (starts & -starts).bit_length()


class ReadingCounter:
    """Counts the readings of one text for given names that verify.

    The sums and the counters of both sides are made when they are first needed: most texts are refused before, by the
    positions at which a code can be.

    Raises:
        StepBudgetExceeded: too many steps were needed.
    """

    def __init__(self, plan: CountingPlan, record: LookupRecord, names: Names) -> None:
        self._plan = plan
        self._record = record
        self._spans = record.spans
        self._text = record.text
        self._segments = plan.segments(names)
        self._starts, self._ends = code_bounds(*self._segments, record)
        self._parts: list[_Part] = [
            number if isinstance(item, BoundCall) else item
            for number, item in zip(plan.numbers, bind_items(plan.items, names), strict=True)
        ]
        self._shown = [self._show(part) for part in self._parts]
        # The state of a trial: the code's ends, the contributions of the variables, and the rest of the sums.
        self._start = 0
        self._end = 0
        self._reach: list[int] = []
        self._values: list[str | None] = []
        self._remaining: list[int] = []
        self._pending: list[int] = []

    @property
    def shape_matches(self) -> bool:
        """True if the text can be split into the expression's tokens with some text in place of the code."""
        return has_room(self._starts, self._ends)

    @cached_property
    def _counted(self) -> list[tuple[bool, list[int], int]]:
        """For each sum whether it is of the right side, how often its characters are before each position, and how
        often literals and the shortest identifiers have them.
        """
        return [
            (
                total.is_right,
                self._spans.counts_before(total.characters),
                total.least + sum(map(self._segments[total.is_right].literals.count, total.characters)),
            )
            for total in self._plan.sums
        ]

    @cached_property
    def _sides(self) -> tuple[WayCounter, WayCounter]:
        """The counters of the ways to split the texts left and right of the code."""
        plan = self._plan
        computations = [[plan.variables[number] for number in numbers] for numbers in plan.by_identifier]
        left, right = self._segments
        return (
            WayCounter(left, self._record, computations[: plan.split]),
            WayCounter(right, self._record, computations[plan.split :]),
        )

    def count(self) -> int:
        """Return how many readings verify: 0, 1, or 2 for any more.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        total = 0
        for end in positions_in(self._ends):
            self._reach = self._reaches(end)
            for start in positions_in(self._starts & self._reach[0]):
                self._record.step(2)
                if self._begin(start, end):
                    total += self._split(0, start)
                if total > 1:
                    return 2
        return total

    def _reaches(self, end: int) -> list[int]:
        """Return for each part of the code the positions from which it and all later parts can fill up to ``end``."""
        after = 1 << end
        reach = [after]
        for width, positions, two_wide in reversed(self._shown):
            after = after >> width & positions | after >> 2 & two_wide
            reach.append(after)
        self._record.step(3 + len(reach) // 4)
        reach.reverse()
        return reach

    def _show(self, part: _Part) -> tuple[int, int, int]:
        """Return the width of a part of the code and the positions where it can be; and for a number, which can have
        two digits, the positions where it can have them.
        """
        match part:
            case str():
                return len(part), self._spans.occurrences(part), 0
            case frozenset():
                return 1, self._spans.positions_of_any(part), 0
            case _:
                variable = self._plan.variables[part]
                positions = self._spans.positions_of_any(self._plan.alphabets[part])
                if not variable.function.is_count:
                    return 1, positions, 0
                # A local part has no room for counts of three digits.
                return 1, positions, positions & positions >> 1 & ~self._spans.positions("0")

    def _begin(self, start: int, end: int) -> bool:
        """Begin to split a code; return False if the sums allow none."""
        self._remaining = [
            (before[-1] - before[end] if is_right else before[start]) - taken
            for is_right, before, taken in self._counted
        ]
        if min(self._remaining, default=0) < 0:
            return False
        self._start = start
        self._end = end
        self._values = [None] * len(self._plan.variables)
        self._pending = [total.variables for total in self._plan.sums]
        return True

    def _split(self, number: int, at: int) -> int:
        """Count the readings in which the parts before ``number`` are the code before ``at``; 2 for any more."""
        parts = self._parts
        while number < len(parts):
            part = parts[number]
            number += 1
            if not isinstance(part, int):
                at += len(part) if isinstance(part, str) else 1
                continue
            known = self._values[part]
            if known is None:
                return self._split_at(part, number, at)
            if not self._text.startswith(known, at):
                return 0
            at += len(known)
            if not self._reach[number] >> at & 1:
                return 0
        return self._ways()

    def _split_at(self, variable: int, number: int, at: int) -> int:
        """Count for each possible width of a variable's contribution at ``at``; ``number`` is the next part's."""
        is_count = self._plan.variables[variable].function.is_count
        total = 0
        for width in (1, 2) if is_count else (1,):
            if not self._reach[number] >> at + width & 1:
                continue
            shown = self._text[at : at + width]
            if is_count and not (shown.isdigit() and (width == 1 or shown[0] != "0")):
                continue
            self._record.step(2)
            self._values[variable] = shown
            if not is_count:
                total += self._split(number, at + width)
            elif self._spend(variable, int(shown)):
                total += self._split(number, at + width)
                self._give_back(variable, int(shown))
            self._values[variable] = None
            if total > 1:
                return 2
        return total

    def _spend(self, variable: int, count: int) -> bool:
        """Subtract a count from its sum; return False, with nothing subtracted, if the sum does not allow it."""
        number, aside = self._plan.spends[variable]
        remaining = self._remaining[number] - (count - aside)
        is_last = self._pending[number] == 1 and self._plan.sums[number].is_complete
        if count < aside or remaining < 0 or (is_last and remaining):
            return False
        self._remaining[number] = remaining
        self._pending[number] -= 1
        return True

    def _give_back(self, variable: int, count: int) -> None:
        number, aside = self._plan.spends[variable]
        self._remaining[number] += count - aside
        self._pending[number] += 1

    def _ways(self) -> int:
        """Count the ways to split the texts beside the code so that all conditions hold; 2 for any more."""
        plan = self._plan
        conditions: list[Condition] = [
            tuple([self._values[number] or "" for number in numbers]) for numbers in plan.by_identifier
        ]
        left, right = self._sides
        ways = left.count(0, self._start, tuple(conditions[: plan.split]))
        if ways:
            ways *= right.count(self._end, len(self._text), tuple(conditions[plan.split :]))
        return min(2, ways)
