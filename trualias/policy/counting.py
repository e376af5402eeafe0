"""Counts readings without enumerating them.

An address such as 57 times ``x`` can be cut by ``%alpha%x%alpha%x%alpha%x%alpha%.%code%`` in thousands of ways. But
each item of a code reads exactly one identifier. So for a given place of the code and a given cut of it into items
every identifier has a condition of its own, and the ways to meet them all are counted from left to right over the
positions of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from attrs import frozen

from trualias.policy.checks import CodeItem
from trualias.policy.codes import alphabet, contribution
from trualias.policy.fields import RULES
from trualias.policy.functions import Computation, Contribution
from trualias.policy.spans import Spans, ends_of
from trualias.policy.tree import (
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
)

BUDGET = 20_000
"""Steps that one lookup may take. One step costs about a third of a microsecond; ordinary lookups take none to a few
dozen, so the budget is there for addresses that were made to be slow."""


class BudgetExceeded(Exception):
    """A lookup took more steps than ``BUDGET``."""


@frozen
class _Given:
    """A part of the code that is known before the text is cut: one text, or one of several characters."""

    wanted: Contribution


_Part = _Given | int
"""A part of a code: given, or the number of the ``variables`` entry that it shows."""

_Condition = tuple[tuple[int, str], ...]
"""What the code says of one identifier: numbers of variables, and the text that each must contribute."""


def _variables(items: tuple[CodeItem, ...]) -> tuple[tuple[Computation, ...], tuple[int | None, ...]]:
    """The distinct computations over identifiers, and for each item its number among them.

    Two items that are any one of several characters are never the same: ``ANY(), ANY()`` of *macys* may be ``ma``.
    """
    variables: list[Computation] = []
    numbers: list[int | None] = []
    for item in items:
        if isinstance(item, CodeLiteral) or isinstance(item.reads, NameKind):
            numbers.append(None)
            continue
        key = (item.function, item.reads, item.label, item.index, item.default)
        for number, known in enumerate(variables):
            if not item.function.chooses and key == (
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


class Plan:
    """What can be said of a statement's readings before any text is known."""

    __slots__ = ("identifiers", "items", "left", "numbers", "right", "split", "variables")

    def __init__(self, expression: Expression, items: tuple[CodeItem, ...]) -> None:
        code_at = next(at for at, token in enumerate(expression) if isinstance(token, CodeField))
        self.left = expression[:code_at]
        self.right = expression[code_at + 1 :]
        self.identifiers = [token.field_class for token in expression if isinstance(token, Identifier)]
        self.split = sum(isinstance(token, Identifier) for token in self.left)
        self.items = items
        self.variables, self.numbers = _variables(items)


_Token = str | FieldClass


def _tokens(expression: Expression, names: dict[NameKind, str]) -> list[_Token]:
    """An expression without its code, with the names in place of their fields."""
    tokens: list[_Token] = []
    for token in expression:
        match token:
            case Literal(text):
                tokens.append(text)
            case NameField(kind):
                tokens.append(names[kind])
            case Identifier(field_class):
                tokens.append(field_class)
            case CodeField():
                raise AssertionError("the code was cut out")
            case _:
                assert_never(token)
    return tokens


def _two_digits(shown: str) -> bool:
    """Tell whether two characters are a number as a count is written."""
    return shown.isdigit() and shown[0] != "0"


class Count:
    """Counts the readings of one text for one account and one alias that verify."""

    def __init__(self, plan: Plan, spans: Spans, account: str, alias: str) -> None:
        self.spans = spans
        self.text = spans.text
        names = {NameKind.ACCOUNT: account, NameKind.ALIAS: alias}
        self.left = _tokens(plan.left, names)
        self.right = _tokens(plan.right, names)
        self.split = plan.split
        self.identifiers = plan.identifiers
        self.variables = plan.variables
        self.parts: list[_Part] = [
            number if number is not None else _Given(contribution(item, [], account, alias))
            for item, number in zip(plan.items, plan.numbers, strict=True)
        ]
        self.left_ends: dict[tuple[_Condition, ...], dict[int, int]] = {}
        self.right_counts: dict[tuple[int, tuple[_Condition, ...]], int] = {}
        self.cut_ends: dict[tuple[int, int, _Condition], int] = {}

    def count(self) -> int:
        """Count the readings that verify: 0, 1, or 2 for any more."""
        text = self.text
        for side, holds in ((self.left[:1], text.startswith), (self.right[-1:], text.endswith)):
            if side and isinstance(side[0], str) and not holds(side[0]):
                return 0
        total = 0
        starts = self._code_starts()
        if not starts:
            return 0
        for end in self._code_ends():
            reach = self._reach(end)
            for start in ends_of(starts & reach[0]):
                for conditions in self._cuts(start, end, reach):
                    self._step()
                    total += self._ways(start, end, conditions)
                    if total > 1:
                        return 2
        return total

    def _step(self) -> None:
        self.spans.steps += 1
        if self.spans.steps > BUDGET:
            raise BudgetExceeded

    def _occurrences(self, literal: str) -> Iterator[int]:
        at = self.text.find(literal)
        while at >= 0:
            yield at
            at = self.text.find(literal, at + 1)

    def _code_starts(self) -> int:
        """The set of positions where the code may start."""
        if not self.left:
            return 1
        literal = self.left[-1]
        assert isinstance(literal, str)
        if len(self.left) == 1:
            return 1 << len(literal)
        return sum(1 << at + len(literal) for at in self._occurrences(literal))

    def _code_ends(self) -> Iterator[int]:
        """The positions behind the code."""
        if not self.right:
            return iter((len(self.text),))
        literal = self.right[0]
        assert isinstance(literal, str)
        if all(isinstance(token, str) for token in self.right):
            return iter((len(self.text) - sum(len(token) for token in self.right if isinstance(token, str)),))
        return self._occurrences(literal)

    def _reach(self, end: int) -> list[int]:
        """For each part of the code, the set of positions from which the parts from it on can fill up to ``end``."""
        self._step()
        ones, twos = self._digits()
        after = 1 << end if end >= 0 else 0
        reach = [after]
        for part in reversed(self.parts):
            if isinstance(part, _Given):
                wanted = part.wanted
                if isinstance(wanted, str):
                    after >>= len(wanted)
                    after = sum(1 << at for at in ends_of(after) if self.text.startswith(wanted, at))
                else:
                    after = sum(1 << at for at in ends_of(after >> 1) if self.text[at] in wanted)
            elif self.variables[part].function.counts:
                after = ones & after >> 1 | twos & after >> 2
            else:
                characters = alphabet(self.variables[part])
                after = sum(1 << at for at in ends_of(after >> 1) if self.text[at] in characters)
            reach.append(after)
        reach.reverse()
        return reach

    def _digits(self) -> tuple[int, int]:
        """The positions of numbers of one digit, and of two (a local part has no room for counts of three)."""
        digits = sum(map(self.spans.positions, "0123456789"))
        return digits, digits & digits >> 1 & ~self.spans.positions("0")

    def _cuts(self, start: int, end: int, reach: list[int]) -> Iterator[tuple[_Condition, ...]]:
        """Each way to cut the code into its items, as one condition for each identifier."""
        given: list[str | None] = [None] * len(self.variables)
        # What the counts so far ask of the identifiers' lengths, left and right of the code.
        room = (
            start - sum(len(token) for token in self.left if isinstance(token, str)),
            len(self.text) - end - sum(len(token) for token in self.right if isinstance(token, str)),
        )
        if room[0] < 0 or room[1] < 0:
            return
        if not self._has_room(given, room):
            return
        yield from self._cut(0, start, given, reach, room)

    def _cut(
        self, number: int, at: int, given: list[str | None], reach: list[int], room: tuple[int, int]
    ) -> Iterator[tuple[_Condition, ...]]:
        while number < len(self.parts):
            part = self.parts[number]
            number += 1
            if isinstance(part, _Given):
                at += len(part.wanted) if isinstance(part.wanted, str) else 1
                continue
            known = given[part]
            if known is not None:
                if not self.text.startswith(known, at):
                    return
                at += len(known)
                if not reach[number] >> at & 1:
                    return
                continue
            widths = (1, 2) if self.variables[part].function.counts else (1,)
            for width in widths:
                shown = self.text[at : at + width]
                if not reach[number] >> at + width & 1 or (width == 2 and not _two_digits(shown)):
                    continue
                self._step()
                given[part] = shown
                if (width == 1 and len(widths) == 1) or self._has_room(given, room):
                    yield from self._cut(number, at + width, given, reach, room)
                given[part] = None
            return
        conditions: list[list[tuple[int, str]]] = [[] for _ in self.identifiers]
        for variable, text in enumerate(given):
            assert text is not None
            reads = self.variables[variable].reads
            assert isinstance(reads, int)
            conditions[reads].append((variable, text))
        yield tuple(map(tuple, conditions))

    def _has_room(self, given: list[str | None], room: tuple[int, int]) -> bool:
        """Tell whether identifiers of the lengths that the counts ask for can fill both sides of the code."""
        least = [RULES[field_class].shortest for field_class in self.identifiers]
        exact: dict[int, int] = {}
        for variable, text in zip(self.variables, given, strict=True):
            if text is None or not variable.function.counts:
                continue
            reads = variable.reads
            assert isinstance(reads, int)
            least[reads] = max(least[reads], int(text))
            if variable.function.name == "CHARS":
                exact[reads] = int(text)
        if any(least[reads] > length for reads, length in exact.items()):
            return False
        for first, stop, space in ((0, self.split, room[0]), (self.split, len(least), room[1])):
            needed = sum(least[first:stop])
            all_known = all(reads in exact for reads in range(first, stop))
            if needed > space or (all_known and needed != space):
                return False
        return True

    def _ways(self, start: int, end: int, conditions: tuple[_Condition, ...]) -> int:
        """Count the ways to cut what is left and right of the code so that all conditions hold; 2 for any more."""
        left = conditions[: self.split]
        ends = self.left_ends.get(left)
        if ends is None:
            ends = self.left_ends[left] = self._run(self.left, 0, {0: 1}, left)
        ways = ends.get(start, 0)
        if not ways:
            return 0
        key = end, conditions[self.split :]
        right_ways = self.right_counts.get(key)
        if right_ways is None:
            reached = self._run(self.right, self.split, {end: 1}, key[1])
            right_ways = self.right_counts[key] = reached.get(len(self.text), 0)
        return min(2, ways * right_ways)

    def _run(
        self,
        tokens: list[_Token],
        first: int,
        counts: dict[int, int],
        conditions: tuple[_Condition, ...],
    ) -> dict[int, int]:
        """Follow tokens from some positions; gives the positions reached, each with its number of ways up to 2."""
        number = first
        for token in tokens:
            reached: dict[int, int] = {}
            if isinstance(token, str):
                for at, ways in counts.items():
                    if self.text.startswith(token, at):
                        reached[at + len(token)] = ways
            else:
                for at, ways in counts.items():
                    for stop in ends_of(self._ends(number, token, at, conditions[number - first])):
                        reached[stop] = min(2, reached.get(stop, 0) + ways)
                number += 1
            if not reached:
                return reached
            counts = reached
        return counts

    def _ends(self, number: int, field_class: FieldClass, start: int, condition: _Condition) -> int:
        """The set of ends of an identifier that starts at ``start`` and meets its condition."""
        key = number, start, condition
        ends = self.cut_ends.get(key)
        if ends is None:
            self._step()
            ends = self.spans.ends_in_class(field_class, start)
            for variable, text in condition:
                if not ends:
                    break
                ends &= self.variables[variable].ends(self.spans, start, text)
            self.cut_ends[key] = ends
        return ends
