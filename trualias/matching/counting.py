"""Counts readings without enumerating them.

An address such as 57 times ``x`` can be cut by ``%alpha%x%alpha%x%alpha%x%alpha%.%code%`` in thousands of ways. But
each item of a code reads exactly one identifier. So for a given place of the code and a given cut of it into items
every identifier has a condition of its own, and the ways to meet them all are counted from left to right over the
positions of the text (``stretches.py``).

What remains to be tried are the cuts of the code, where counts may have one digit or two. Most of these fail at once,
because counts add up: all characters beside the code and the literals belong to identifiers. Where a code has, say, the
vowels of every identifier on its left, these must be as many as there are.
"""

from __future__ import annotations

from attrs import frozen

from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import CodeItem
from trualias.language.spans import Spans, ends_of
from trualias.language.tree import CodeField, CodeLiteral, Expression, Identifier, NameKind
from trualias.matching.codes import alphabet, contribution
from trualias.matching.segments import Condition, Segment


@frozen
class _Given:
    """A part of the code that is known before the text is cut: one text, or one of several characters."""

    wanted: CodeText


_Part = _Given | int
"""A part of a code: given, or the number of the ``variables`` entry that it shows."""


def _variables(items: tuple[CodeItem, ...]) -> tuple[tuple[BoundCall, ...], tuple[int | None, ...]]:
    """The distinct computations over identifiers, and for each item its number among them.

    Two items that are any one of several characters are never the same: ``ANY(), ANY()`` of *macys* may be ``ma``.
    """
    variables: list[BoundCall] = []
    numbers: list[int | None] = []
    for item in items:
        if isinstance(item, CodeLiteral) or isinstance(item.reads, NameKind):
            numbers.append(None)
            continue
        key = (item.function, item.reads, item.label, item.index, item.default)
        for number, known in enumerate(variables):
            if not item.function.is_choice and key == (
                known.function,
                known.reads,
                known.label,
                known.index,
                known.default,
            ):
                numbers.append(number)
                break
        else:
            numbers.append(len(variables))
            variables.append(item)
    return tuple(variables), tuple(numbers)


@frozen(eq=False)
class _Sum:
    """Counts of the same characters over the identifiers of one side of the code.

    Together they are at most as many as there are, and exactly as many where every identifier there is counted
    (``complete``). ``least`` are those that identifiers have in any case, and is not part of ``spent`` counts.
    """

    side: int
    characters: str
    complete: bool
    variables: int
    least: int


class CountingPlan:
    """What can be said of a statement's readings before any text is known.

    ``sums`` are the sums that bound the counts of a code; ``spends`` says for each variable that counts, which of them
    it belongs to, and how much less than its number it spends.
    """

    __slots__ = ("by_identifier", "items", "left", "numbers", "right", "spends", "split", "sums", "variables")

    def __init__(self, expression: Expression, items: tuple[CodeItem, ...]) -> None:
        code_at = next(at for at, token in enumerate(expression) if isinstance(token, CodeField))
        self.left = expression[:code_at]
        self.right = expression[code_at + 1 :]
        identifiers = [token.field_class for token in expression if isinstance(token, Identifier)]
        self.split = sum(isinstance(token, Identifier) for token in self.left)
        self.items = items
        self.variables, self.numbers = _variables(items)
        self.by_identifier: list[list[int]] = [[] for _ in identifiers]
        members: dict[tuple[int, str], list[int]] = {}
        for number, variable in enumerate(self.variables):
            assert isinstance(variable.reads, int)
            self.by_identifier[variable.reads].append(number)
            if variable.function.is_count:
                side = int(variable.reads >= self.split)
                members.setdefault((side, variable.function.name), []).append(number)
        self.sums: list[_Sum] = []
        self.spends: dict[int, tuple[int, int]] = {}
        for (side, name), numbers in members.items():
            function = self.variables[numbers[0]].function
            complete = len(numbers) == (len(identifiers) - self.split if side else self.split)
            for number in numbers:
                reads = self.variables[number].reads
                assert isinstance(reads, int)
                # What every identifier has in any case is set aside: its shortest length, or no labels' dots.
                aside = RULES[identifiers[reads]].shortest if name == "CHARS" else function.more
                self.spends[number] = len(self.sums), aside
            mine = range(self.split, len(identifiers)) if side else range(self.split)
            least = sum(RULES[identifiers[reads]].shortest for reads in mine) if name == "CHARS" else 0
            self.sums.append(_Sum(side, function.counted, complete, len(numbers), least))


class ReadingCounter:
    """Counts the readings of one text for one account and one alias that verify."""

    def __init__(self, plan: CountingPlan, spans: Spans, account: str, alias: str) -> None:
        self._plan = plan
        self._spans = spans
        self._text = spans.text
        names = {NameKind.ACCOUNT: account, NameKind.ALIAS: alias}
        computations = [[plan.variables[number] for number in numbers] for numbers in plan.by_identifier]
        self._left = Segment(plan.left, names, spans, computations[: plan.split])
        self._right = Segment(plan.right, names, spans, computations[plan.split :])
        self._parts: list[_Part] = [
            number if number is not None else _Given(contribution(item, [], account, alias))
            for item, number in zip(plan.items, plan.numbers, strict=True)
        ]
        self._shown = [self._show(part) for part in self._parts]
        # Of each sum, what literals and the identifiers' shortest lengths have in any case.
        self._taken = [
            total.least + sum(map((self._right if total.side else self._left).literals.count, total.characters))
            for total in plan.sums
        ]
        # What is being tried: a place for the code, what the variables contribute to it, what the sums have left.
        self._start = 0
        self._end = 0
        self._reach: list[int] = []
        self._values: list[str | None] = []
        self._remaining: list[int] = []
        self._pending: list[int] = []

    def count(self) -> int:
        """Count the readings that verify: 0, 1, or 2 for any more.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        total = 0
        starts = self._code_starts()
        for end in ends_of(self._code_ends()):
            self._reach = self._reaches(end)
            for start in ends_of(starts & self._reach[0]):
                self._spans.step()
                if self._try(start, end):
                    total += self._cut(0, start)
                if total > 1:
                    return 2
        return total

    def _code_starts(self) -> int:
        """The set of positions where the code may start."""
        left = self._left
        if not self._text.startswith(left.first):
            return 0
        if not left.fields:
            return 1 << len(left.first)
        return left.occurrences(left.last) << len(left.last) & -1 << left.least

    def _code_ends(self) -> int:
        """The set of positions where the code may end."""
        right = self._right
        latest = len(self._text) - right.least
        if latest < 0 or not self._text.endswith(right.last):
            return 0
        if not right.fields:
            return 1 << latest
        return right.occurrences(right.first) & (2 << latest) - 1

    def _reaches(self, end: int) -> list[int]:
        """For each part of the code, the set of positions from which the parts from it on can fill up to ``end``."""
        after = 1 << end
        reach = [after]
        for width, positions, two_wide in reversed(self._shown):
            after = after >> width & positions | after >> 2 & two_wide
            reach.append(after)
        self._spans.steps += len(reach) // 4
        self._spans.step()
        reach.reverse()
        return reach

    def _show(self, part: _Part) -> tuple[int, int, int]:
        """Where in the text a part of the code can be: its width and the set of positions, and that for a width of 2
        where the part is a count and may have either.
        """
        if isinstance(part, _Given):
            wanted = part.wanted
            if isinstance(wanted, str):
                return len(wanted), self._left.occurrences(wanted), 0
            return 1, self._showing(wanted), 0
        variable = self._plan.variables[part]
        return (1, *self._digits()) if variable.function.is_count else (1, self._showing(alphabet(variable)), 0)

    def _showing(self, characters: frozenset[str]) -> int:
        return sum(1 << at for at, here in enumerate(self._text) if here in characters)

    def _digits(self) -> tuple[int, int]:
        """The positions of numbers of one digit, and of two (a local part has no room for counts of three)."""
        digits = sum(map(self._spans.positions, "0123456789"))
        return digits, digits & digits >> 1 & ~self._spans.positions("0")

    def _try(self, start: int, end: int) -> bool:
        """Set out to cut a code; False where there cannot be one for the sake of the sums."""
        plan = self._plan
        sides = ((self._left, 0, start), (self._right, end, len(self._text)))
        for stretch, first, stop in sides:
            room = stop - first - stretch.least
            if room < 0 or (room and not stretch.fields):
                return False
        self._start = start
        self._end = end
        self._values = [None] * len(plan.variables)
        self._remaining = []
        for number, total in enumerate(plan.sums):
            _, first, stop = sides[total.side]
            before = self._spans.before(total.characters)
            self._remaining.append(before[stop] - before[first] - self._taken[number])
        self._pending = [total.variables for total in plan.sums]
        return min(self._remaining, default=0) >= 0

    def _cut(self, number: int, at: int) -> int:
        """Count the readings where the parts before ``number`` took the code before ``at``; 2 for any more."""
        parts = self._parts
        while number < len(parts):
            part = parts[number]
            number += 1
            if isinstance(part, _Given):
                at += len(part.wanted) if isinstance(part.wanted, str) else 1
                continue
            known = self._values[part]
            if known is None:
                return self._cut_at(part, number, at)
            if not self._text.startswith(known, at):
                return 0
            at += len(known)
            if not self._reach[number] >> at & 1:
                return 0
        return self._ways()

    def _cut_at(self, variable: int, number: int, at: int) -> int:
        """Count for each width that a variable's contribution at ``at`` may have; ``number`` is the next part's."""
        counts = self._plan.variables[variable].function.is_count
        total = 0
        for width in (1, 2) if counts else (1,):
            if not self._reach[number] >> at + width & 1:
                continue
            shown = self._text[at : at + width]
            if counts and not (shown.isdigit() and (width == 1 or shown[0] != "0")):
                continue
            self._spans.step()
            self._values[variable] = shown
            if not counts:
                total += self._cut(number, at + width)
            elif self._spend(variable, int(shown)):
                total += self._cut(number, at + width)
                self._give_back(variable, int(shown))
            self._values[variable] = None
            if total > 1:
                return 2
        return total

    def _spend(self, variable: int, count: int) -> bool:
        """Take a count off its sum; False, and nothing taken, where the sum does not allow it."""
        place, aside = self._plan.spends[variable]
        remaining = self._remaining[place] - (count - aside)
        last = self._pending[place] == 1 and self._plan.sums[place].complete
        if count < aside or remaining < 0 or (last and remaining):
            return False
        self._remaining[place] = remaining
        self._pending[place] -= 1
        return True

    def _give_back(self, variable: int, count: int) -> None:
        place, aside = self._plan.spends[variable]
        self._remaining[place] += count - aside
        self._pending[place] += 1

    def _ways(self) -> int:
        """Count the ways to cut what is left and right of the code so that all conditions hold; 2 for any more."""
        plan = self._plan
        conditions: list[Condition] = [
            tuple([self._values[number] or "" for number in numbers]) for numbers in plan.by_identifier
        ]
        ways = self._left.ways(0, self._start, tuple(conditions[: plan.split]))
        if ways:
            ways *= self._right.ways(self._end, len(self._text), tuple(conditions[plan.split :]))
        return min(2, ways)
