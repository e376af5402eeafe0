"""One checked statement, made ready to be compared with addresses.

Nearly every address can be read in a few ways only, and these are tried one after the other. Where there are more,
readings are counted without being enumerated (``counting.py``); both give the same answer.

Texts and names come here already folded (lower case where ``CASE SENSITIVE`` is no).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import assert_never

from attrs import evolve

from trualias.policy.checks import CodeItem, Rule
from trualias.policy.codes import code_fits
from trualias.policy.counting import Count, Plan
from trualias.policy.fields import RULES, FieldRule
from trualias.policy.spans import Spans
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

FEW = 24
"""How many cuts of an address are tried before counting, which costs as much as about that many."""


def _folded(rule: Rule, fold: Callable[[str], str]) -> tuple[Expression, tuple[CodeItem, ...]]:
    """The expression and the items with everything that they spell made comparable."""
    expression = tuple([Literal(fold(t.text)) if isinstance(t, Literal) else t for t in rule.expression])
    items: list[CodeItem] = []
    for item in rule.items:
        if isinstance(item, CodeLiteral):
            items.append(CodeLiteral(fold(item.text)))
        else:
            default = fold(item.default)
            items.append(item if default == item.default else evolve(item, default=default))
    return expression, tuple(items)


_Step = str | NameKind | FieldRule | None
"""What an address has to show next: a text, a name, an identifier of a class, or the code."""


def _steps(expression: Expression) -> tuple[_Step, ...]:
    """The expression without the detour over the syntax tree, which each attempt would have to make."""
    steps: list[_Step] = []
    for token in expression:
        match token:
            case Literal(text):
                steps.append(text)
            case NameField(kind):
                steps.append(kind)
            case Identifier(field_class):
                steps.append(RULES[field_class])
            case CodeField():
                steps.append(None)
            case _:
                assert_never(token)
    return tuple(steps)


class Matcher:
    """A statement's readings of addresses.

    ``expression`` and ``items`` are the statement's, folded. ``few`` is the number of attempts after which readings
    are counted instead of tried.
    """

    __slots__ = ("_plan", "_steps", "expression", "few", "items", "rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str], few: int = FEW) -> None:
        self.rule = rule
        self.expression, self.items = _folded(rule, fold)
        self.few = few
        self._steps: tuple[_Step, ...] | None = None
        self._plan: Plan | None = None

    def count(self, spans: Spans, account: str, alias: str) -> int:
        """How many readings of a text verify for one account and one alias: 0, 1, or 2 for any more.

        Raises:
            BudgetExceeded: too many steps were needed.
        """
        if self._steps is None:
            self._steps = _steps(self.expression)
        attempts = _Attempts(self._steps, self.items, self.few, spans.text, account, alias)
        try:
            found = attempts.count(0, 0)
        except _TooMany:
            self._plan = self._plan or Plan(self.expression, self.items)
            found = Count(self._plan, spans, account, alias).count()
        spans.shaped = attempts.shaped
        spans.steps += self.few - attempts.left
        return found if found < 2 else 2


_LETTERS = re.compile("[A-Za-z]*")
_DIGITS = re.compile("[0-9]*")


class _TooMany(Exception):
    """More attempts would be needed than are allowed."""


class _Attempts:
    """The readings of one text for one account and one alias, tried one after the other."""

    __slots__ = ("account", "alias", "code", "items", "left", "shaped", "steps", "text", "values")

    def __init__(
        self, steps: tuple[_Step, ...], items: tuple[CodeItem, ...], left: int, text: str, account: str, alias: str
    ) -> None:
        self.steps = steps
        self.items = items
        self.left = left
        self.text = text
        self.account = account
        self.alias = alias
        self.code = ""
        self.shaped = False
        self.values: list[str] = []

    def count(self, number: int, at: int) -> int:
        """Count the readings that verify, where the steps before ``number`` took the text before ``at``.

        Both count from 0.

        Raises:
            _TooMany: the attempts are used up.
        """
        text = self.text
        steps = self.steps
        last = len(steps) - 1
        while number <= last:
            step = steps[number]
            if step.__class__ is NameKind:
                step = self.account if step is NameKind.ACCOUNT else self.alias
            if step.__class__ is not str:
                break
            if not text.startswith(step, at):
                return 0
            at += len(step)
            number += 1
        else:
            if at != len(text):
                return 0
            self.shaped = True
            return 1 if code_fits(self.code, self.items, self.values, self.account, self.alias) else 0
        self.left -= 1
        if self.left < 0:
            raise _TooMany
        if number == last:
            return self._take(number, at, len(text)) or 0
        following = steps[number + 1]
        if following.__class__ is NameKind:
            following = self.account if following is NameKind.ACCOUNT else self.alias
        if not isinstance(following, str):
            # Only letters beside digits: one ends where the other starts.
            run = (_LETTERS if step is RULES[FieldClass.ALPHA] else _DIGITS).match(text, at)
            assert run is not None
            return self._take(number, at, run.end()) or 0
        total = 0
        end = text.find(following, at + 1)
        while end >= 0:
            found = self._take(number, at, end)
            if found is None:
                break
            total += found
            end = text.find(following, end + 1)
        return total

    def _take(self, number: int, at: int, end: int) -> int | None:
        """Count with ``text[at:end]`` for a field; None where neither it nor anything longer can be of the class."""
        if end <= at:
            return 0
        step = self.steps[number]
        value = self.text[at:end]
        if step is None:
            self.code = value
            return self.count(number + 1, end)
        assert isinstance(step, FieldRule)
        if not step.fits(value):
            return None if step.regular else 0
        self.values.append(value)
        found = self.count(number + 1, end)
        self.values.pop()
        return found
