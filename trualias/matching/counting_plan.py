"""The preparation of a statement for counting readings."""

from __future__ import annotations

from typing import NamedTuple

from trualias.language.fields import RULES
from trualias.language.functions import BoundCall
from trualias.language.rule import CodeItem, Names, bind
from trualias.language.tree import CodeField, Expression, Identifier, NameField
from trualias.matching.codes import alphabet
from trualias.matching.segments import Segment


def _variables(items: tuple[CodeItem, ...]) -> tuple[tuple[BoundCall, ...], tuple[int, ...]]:
    """Return the distinct calls over identifiers, and for each item the number of its call, -1 where it has none.

    Two items that choose among several characters are never the same: ``ANY(), ANY()`` of *macys* may be ``ma``.
    """
    variables: list[BoundCall] = []
    numbers: list[int] = []
    for item in items:
        if not (isinstance(item, BoundCall) and isinstance(item.reads, int)):
            numbers.append(-1)
        elif item.function.is_choice or item not in variables:
            numbers.append(len(variables))
            variables.append(item)
        else:
            numbers.append(variables.index(item))
    return tuple(variables), tuple(numbers)


def _has_names(tokens: Expression) -> bool:
    return any(isinstance(token, NameField) for token in tokens)


class _Sum(NamedTuple):
    """Counts of the same characters over the identifiers of one side of the code.

    Together they are at most as many as there are, and exactly as many where every identifier there is counted
    (``is_complete``). ``least`` is the number of these characters that the identifiers have in any case.
    """

    is_right: bool
    characters: str
    is_complete: bool
    variables: int
    least: int


class CountingPlan:
    """The part of counting a statement's readings that depends on neither text nor names.

    ``steps`` is the number of steps that it takes to begin counting the readings of a text.
    ``sums`` are the sums that bound the counts of a code. ``spends`` has for each variable that counts the number of
    its sum, and how much less than its count it takes from that.
    """

    __slots__ = (
        "_left",
        "_right",
        "alphabets",
        "by_identifier",
        "items",
        "numbers",
        "spends",
        "split",
        "steps",
        "sums",
        "variables",
    )

    def __init__(self, expression: Expression, items: tuple[CodeItem, ...]) -> None:
        code_at = expression.index(CodeField())
        left, right = expression[:code_at], expression[code_at + 1 :]
        self._left = left if _has_names(left) else Segment(left)
        self._right = right if _has_names(right) else Segment(right)
        identifiers = [token.field_class for token in expression if isinstance(token, Identifier)]
        self.split = sum(isinstance(token, Identifier) for token in left)
        self.items = items
        self.steps = 10 + (3 * len(expression)) // 2 + len(items)
        self.variables, self.numbers = _variables(items)
        self.alphabets = [alphabet(variable) for variable in self.variables]
        self.by_identifier: list[list[int]] = [[] for _ in identifiers]
        members: dict[tuple[bool, str], list[int]] = {}
        for number, variable in enumerate(self.variables):
            assert isinstance(variable.reads, int)
            self.by_identifier[variable.reads].append(number)
            if variable.function.is_count:
                members.setdefault((variable.reads >= self.split, variable.function.name), []).append(number)
        self.sums: list[_Sum] = []
        self.spends: dict[int, tuple[int, int]] = {}
        for (is_right, _), numbers in members.items():
            function = self.variables[numbers[0]].function
            side = identifiers[self.split :] if is_right else identifiers[: self.split]
            for number in numbers:
                # The least count of every identifier of the class is left out of the sums.
                shortest = RULES[self.variables[number].field_class].shortest
                self.spends[number] = len(self.sums), shortest if function.counts_all else function.more
            least = sum(RULES[field_class].shortest for field_class in side) if function.counts_all else 0
            self.sums.append(_Sum(is_right, function.counted, len(numbers) == len(side), len(numbers), least))

    def segments(self, names: Names) -> tuple[Segment, Segment]:
        """Return the segments left and right of the code, for given names."""
        left = self._left if isinstance(self._left, Segment) else Segment(bind(self._left, names))
        right = self._right if isinstance(self._right, Segment) else Segment(bind(self._right, names))
        return left, right
