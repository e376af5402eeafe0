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
from trualias.policy.codes import Term, code_fits, terms_of
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


_Step = str | int | FieldRule | None
"""What an address has to show next: a text, a name (0 the account, 1 the alias), an identifier, or the code."""


def _steps(expression: Expression) -> tuple[_Step, ...]:
    """The expression without the detour over the syntax tree, which each attempt would have to make."""
    steps: list[_Step] = []
    for token in expression:
        match token:
            case Literal(text):
                steps.append(text)
            case NameField(kind):
                steps.append(0 if kind is NameKind.ACCOUNT else 1)
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

    __slots__ = ("_plan", "_steps", "_terms", "expression", "few", "items", "rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str], few: int = FEW) -> None:
        self.rule = rule
        self.expression, self.items = _folded(rule, fold)
        self.few = few
        self._steps: tuple[_Step, ...] | None = None
        self._terms: tuple[Term, ...] = ()
        self._plan: Plan | None = None

    def count(self, spans: Spans, account: str, alias: str) -> int:
        """How many readings of a text verify for one account and one alias: 0, 1, or 2 for any more.

        Raises:
            BudgetExceeded: too many steps were needed.
        """
        if self._steps is None:
            self._steps = _steps(self.expression)
            self._terms = terms_of(self.items)
        names = (account, alias)
        steps = [names[step] if isinstance(step, int) else step for step in self._steps]
        attempts = _Attempts(spans, steps, self._terms, names, self.few)
        try:
            found = attempts.count(0, 0, [], "")
        except _TooMany:
            self._plan = self._plan or Plan(self.expression, self.items)
            found = Count(self._plan, spans, account, alias).count()
        spans.steps += self.few - attempts.left
        return found if found < 2 else 2


_LETTERS = re.compile("[A-Za-z]*")
_DIGITS = re.compile("[0-9]*")


def _run_end(step: FieldRule | None, text: str, at: int) -> int:
    """Where letters end that have digits behind them, or digits before letters."""
    run = (_LETTERS if step is RULES[FieldClass.ALPHA] else _DIGITS).match(text, at)
    assert run is not None
    return run.end()


class _TooMany(Exception):
    """More attempts would be needed than are allowed."""


class _Attempts:
    """The readings of one text for one account and one alias, tried one after the other."""

    __slots__ = ("left", "names", "spans", "steps", "terms")

    def __init__(
        self,
        spans: Spans,
        steps: list[str | FieldRule | None],
        terms: tuple[Term, ...],
        names: tuple[str, str],
        left: int,
    ) -> None:
        self.spans = spans
        self.steps = steps
        self.terms = terms
        self.names = names
        self.left = left

    def count(self, number: int, at: int, values: list[str], code: str) -> int:
        """Count the readings that verify, where the steps before ``number`` took the text before ``at``.

        Both count from 0; ``values`` and ``code`` are what those steps took.

        Raises:
            _TooMany: the attempts are used up.
        """
        text = self.spans.text
        steps = self.steps
        last = len(steps) - 1
        while number <= last:
            step = steps[number]
            if isinstance(step, str):
                if not text.startswith(step, at):
                    return 0
                at += len(step)
                number += 1
                continue
            self.left -= 1
            if self.left < 0:
                raise _TooMany
            if number == last:
                end = len(text)
            else:
                following = steps[number + 1]
                if isinstance(following, str):
                    end = text.find(following, at + 1)
                    if text.find(following, end + 1) > 0 and end > 0:
                        return self._count_each(number, at, following, values, code)
                else:
                    end = _run_end(step, text, at)
            if end <= at:
                return 0
            value = text[at:end]
            if step is None:
                code = value
            elif step.fits(value):
                values.append(value)
            else:
                return 0
            at = end
            number += 1
        if at != len(text):
            return 0
        self.spans.shaped = True
        values += self.names
        return 1 if code_fits(code, self.terms, values) else 0

    def _count_each(self, number: int, at: int, literal: str, values: list[str], code: str) -> int:
        """Count for each end that the step may have: where the literal behind it stands."""
        text = self.spans.text
        step = self.steps[number]
        assert not isinstance(step, str)
        total = 0
        end = text.find(literal, at + 1)
        while end >= 0:
            value = text[at:end]
            if step is None:
                total += self.count(number + 1, end, values.copy(), value)
            elif step.fits(value):
                total += self.count(number + 1, end, [*values, value], code)
            elif step.regular:
                # Nor can anything longer be of the class.
                return total
            end = text.find(literal, end + 1)
        return total
