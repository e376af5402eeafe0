"""One checked statement, made ready to be compared with addresses.

Nearly every address can be read in a few ways only, and these are tried one after the other. Where there are more,
readings are counted without being enumerated (``counting.py``); both give the same answer.

Texts and names come here already folded (lower case where ``CASE SENSITIVE`` is no).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import evolve

from trualias.policy.checks import CodeItem, Rule
from trualias.policy.codes import code_fits
from trualias.policy.counting import Count, Plan
from trualias.policy.fields import RULES
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


class Matcher:
    """A statement's readings of addresses.

    ``expression`` and ``items`` are the statement's, folded. ``few`` is the number of attempts after which readings
    are counted instead of tried.
    """

    __slots__ = ("_plan", "expression", "few", "items", "rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str], few: int = FEW) -> None:
        self.rule = rule
        self.expression, self.items = _folded(rule, fold)
        self.few = few
        self._plan: Plan | None = None

    def count(self, spans: Spans, account: str, alias: str) -> int:
        """How many readings of a text verify for one account and one alias: 0, 1, or 2 for any more.

        Raises:
            BudgetExceeded: too many steps were needed.
        """
        attempts = _Attempts(self, spans.text, account, alias)
        try:
            return min(2, attempts.count(0, 0))
        except _TooMany:
            self._plan = self._plan or Plan(self.expression, self.items)
            return Count(self._plan, spans, account, alias).count()
        finally:
            spans.steps += self.few - attempts.left
            spans.shaped |= attempts.shaped


_RUNS = {
    FieldClass.ALPHA: re.compile("[A-Za-z]*"),
    FieldClass.NUMBER: re.compile("[0-9]*"),
}
# Of these classes, a text whose beginning is no text of the class is none either.
_PLAIN = frozenset((FieldClass.ALNUM, FieldClass.ALPHA, FieldClass.NUMBER))


class _TooMany(Exception):
    """More attempts would be needed than are allowed."""


class _Attempts:
    """The readings of one text for one account and one alias, tried one after the other."""

    __slots__ = ("account", "alias", "code", "expression", "items", "left", "shaped", "text", "values")

    def __init__(self, matcher: Matcher, text: str, account: str, alias: str) -> None:
        self.expression = matcher.expression
        self.items = matcher.items
        self.left = matcher.few
        self.text = text
        self.account = account
        self.alias = alias
        self.code = ""
        self.shaped = False
        self.values: list[str] = []

    def count(self, number: int, at: int) -> int:
        """Count the readings that verify, where the tokens before ``number`` took the text before ``at``.

        Both count from 0.

        Raises:
            _TooMany: the attempts are used up.
        """
        text = self.text
        expression = self.expression
        last = len(expression) - 1
        while number <= last:
            token = expression[number]
            if type(token) is Literal:
                literal = token.text
            elif type(token) is NameField:
                literal = self.account if token.kind is NameKind.ACCOUNT else self.alias
            else:
                break
            if not text.startswith(literal, at):
                return 0
            at += len(literal)
            number += 1
        else:
            if at != len(text):
                return 0
            self.shaped = True
            return int(code_fits(self.code, self.items, self.values, self.account, self.alias))
        self.left -= 1
        if self.left < 0:
            raise _TooMany
        if number == last:
            return self._take(number, at, len(text)) or 0
        following = expression[number + 1]
        if type(following) is Identifier:
            # Only letters beside digits: one ends where the other starts.
            assert type(token) is Identifier
            run = _RUNS[token.field_class].match(text, at)
            assert run is not None
            return self._take(number, at, run.end()) or 0
        if type(following) is Literal:
            literal = following.text
        else:
            assert type(following) is NameField
            literal = self.account if following.kind is NameKind.ACCOUNT else self.alias
        total = 0
        end = text.find(literal, at + 1)
        while end >= 0:
            found = self._take(number, at, end)
            if found is None:
                break
            total += found
            end = text.find(literal, end + 1)
        return total

    def _take(self, number: int, at: int, end: int) -> int | None:
        """Count with ``text[at:end]`` for a field; None where neither it nor anything longer can be of the class."""
        if end <= at:
            return 0
        token = self.expression[number]
        value = self.text[at:end]
        if type(token) is CodeField:
            self.code = value
            return self.count(number + 1, end)
        assert type(token) is Identifier
        if not RULES[token.field_class].fits(value):
            return None if token.field_class in _PLAIN else 0
        self.values.append(value)
        found = self.count(number + 1, end)
        self.values.pop()
        return found
