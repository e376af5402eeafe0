"""One checked statement, made ready to be compared with addresses.

Nearly every address can be read in a few ways only, and these are tried one after the other. Where there are more,
readings are counted without being enumerated (``counting.py``); both give the same answer.

Texts and names come here already folded (lower case where ``CASE SENSITIVE`` is no).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import assert_never

from attrs import evolve

from trualias.language.fields import RULES, FieldRule
from trualias.language.memo import MOST
from trualias.language.rule import CodeItem, Rule
from trualias.language.spans import Spans
from trualias.language.tree import (
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
)
from trualias.matching.codes import CompiledItem, alphabet, code_fits, compile_items
from trualias.matching.counting import CountingPlan, ReadingCounter

FEW = 24
"""How many cuts of an address are tried before counting, which costs as much as about that many."""


def _folded_expression(expression: Expression, fold: Callable[[str], str]) -> Expression:
    """The expression with everything that it spells made comparable; itself, where it is so already."""
    if all(fold(token.text) == token.text for token in expression if isinstance(token, Literal)):
        return expression
    return tuple([Literal(fold(token.text)) if isinstance(token, Literal) else token for token in expression])


@lru_cache(MOST)
def _ready(
    items: tuple[CodeItem, ...], fold: Callable[[str], str]
) -> tuple[tuple[CodeItem, ...], tuple[CompiledItem, ...]]:
    """The items with everything that they spell made comparable, themselves where they are so already; and terms."""
    folded = tuple([_folded_item(item, fold) for item in items])
    ready = items if folded == items else folded
    return ready, compile_items(ready)


def _folded_item(item: CodeItem, fold: Callable[[str], str]) -> CodeItem:
    if isinstance(item, CodeLiteral):
        text = fold(item.text)
        return item if text == item.text else CodeLiteral(text)
    default = fold(item.default)
    return item if default == item.default else evolve(item, default=default)


_Field = tuple[FieldRule | None, str, bool]
"""A part of an address that is to be found: an identifier or (None) the code; the literal behind it; and whether that
literal can begin within the field, so that the field may end at any place where it stands."""


_Token = str | int | FieldRule | None
_Fields = tuple[_Field, ...]


class _Shape:
    """An expression as attempts need it.

    Where it shows no name, or one at its very beginning, as most do, it is ready: ``lead`` is that name (0 the account,
    1 the alias, -1 none), ``head`` the literal before the first field, and ``fields`` the rest. Otherwise ``fields`` is
    None, and ``filled`` makes it for given names.
    """

    __slots__ = ("_items", "_tokens", "fields", "head", "lead")

    def __init__(self, expression: Expression, items: tuple[CodeItem, ...]) -> None:
        self._items = items
        tokens: list[_Token] = []
        for token in expression:
            match token:
                case Literal(text):
                    tokens.append(text)
                case NameField(kind):
                    tokens.append(_ACCOUNT if kind is NameKind.ACCOUNT else _ALIAS)
                case Identifier(field_class):
                    tokens.append(RULES[field_class])
                case CodeField():
                    tokens.append(None)
                case _:
                    assert_never(token)
        self._tokens: Sequence[_Token] = tokens
        self.lead = -1
        self.head = ""
        self.fields: _Fields | None = None
        first, *rest = tokens
        if not any(isinstance(token, int) for token in rest):
            if isinstance(first, int):
                self.lead = first
            self.head, self.fields = self.filled("", "")
            self._tokens = ()

    def filled(self, account: str, alias: str) -> tuple[str, _Fields]:
        """The literal before the first field, and the fields, with these names in place of theirs."""
        names = (account, alias)
        head = ""
        fields: list[tuple[FieldRule | None, str]] = []
        for token in self._tokens:
            if token is None or isinstance(token, FieldRule):
                fields.append((token, ""))
                continue
            text = names[token] if isinstance(token, int) else token
            if fields:
                rule, literal = fields[-1]
                fields[-1] = rule, literal + text
            else:
                head += text
        return head, tuple(
            [(rule, literal, bool(literal) and self._may_hold(rule, literal[0])) for rule, literal in fields]
        )

    def _may_hold(self, rule: FieldRule | None, character: str) -> bool:
        """Tell whether a character may be a part of an identifier, or of the code."""
        if rule is not None:
            return character in rule.alphabet
        return any(character in alphabet(item) for item in self._items)


# Where the names stand among the values of a reading, before those of its identifiers.
_ACCOUNT = 0
_ALIAS = 1


class Matcher:
    """A statement's readings of addresses.

    ``expression`` and ``items`` are the statement's, folded. ``few`` is the number of attempts after which readings
    are counted instead of tried. A ``twin`` is the matcher of a statement with the same expression and items, and has
    already what both need.
    """

    __slots__ = ("_compiled", "_plan", "_shape", "expression", "few", "items", "rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str], few: int = FEW, twin: Matcher | None = None) -> None:
        self.rule = rule
        self.few = few
        self.items: tuple[CodeItem, ...]
        self._compiled: tuple[CompiledItem, ...]
        self.items, self._compiled = (twin.items, twin._compiled) if twin else _ready(rule.items, fold)
        self.expression: Expression = twin.expression if twin else _folded_expression(rule.expression, fold)
        self._shape: _Shape = twin._shape if twin else _Shape(self.expression, self.items)
        # Made when first needed, which is seldom.
        self._plan: CountingPlan | None = None

    def count(self, spans: Spans, account: str, alias: str) -> int:
        """How many readings of a text verify for one account and one alias: 0, 1, or 2 for any more.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        shape = self._shape
        text = spans.text
        at = 0
        values = [account, alias]
        if shape.lead >= 0:
            name = values[shape.lead]
            if not text.startswith(name):
                return 0
            at = len(name)
        head = shape.head
        fields = shape.fields
        if fields is None:
            head, fields = shape.filled(account, alias)
        if not text.startswith(head, at):
            return 0
        spans.left = self.few
        try:
            found = self._try(spans, fields, 0, at + len(head), values, "")
        except _TooMany:
            self._plan = self._plan or CountingPlan(self.expression, self.items)
            found = ReadingCounter(self._plan, spans, account, alias).count()
        spans.steps += self.few - spans.left
        return found if found < 2 else 2

    def _try(self, spans: Spans, fields: _Fields, number: int, at: int, values: list[str], code: str) -> int:
        """Count the readings that verify, where the fields before ``number`` took the text before ``at``.

        Both count from 0; ``values`` are the names and what identifiers took, ``code`` what the code took.

        Raises:
            _TooMany: the attempts are used up.
        """
        text = spans.text
        last = len(fields) - 1
        while number <= last:
            rule, literal, branches = fields[number]
            if literal:
                end = text.find(literal, at + 1)
                if branches and end >= 0 and text.find(literal, end + 1) >= 0:
                    return self._try_each(spans, fields, number, at, values, code)
            else:
                end = len(text) if number == last else _run_end(rule, text, at)
            spans.left -= 1
            if spans.left < 0:
                raise _TooMany
            if end <= at:
                return 0
            value = text[at:end]
            if rule is None:
                code = value
            elif rule.fits(value):
                values.append(value)
            else:
                return 0
            at = end + len(literal)
            number += 1
        if at != len(text):
            return 0
        spans.shaped = True
        return 1 if code_fits(code, self._compiled, values) else 0

    def _try_each(self, spans: Spans, fields: _Fields, number: int, at: int, values: list[str], code: str) -> int:
        """Count for each end that a field may have: where the literal behind it stands."""
        text = spans.text
        rule, literal, _ = fields[number]
        total = 0
        end = text.find(literal, at + 1)
        while end >= 0:
            spans.left -= 1
            if spans.left < 0:
                raise _TooMany
            value = text[at:end]
            if rule is None:
                total += self._try(spans, fields, number + 1, end + len(literal), values.copy(), value)
            elif rule.fits(value):
                total += self._try(spans, fields, number + 1, end + len(literal), [*values, value], code)
            elif rule.regular:
                # Nor can anything longer be of the class.
                return total
            end = text.find(literal, end + 1)
        return total


_LETTERS = re.compile("[A-Za-z]*")
_DIGITS = re.compile("[0-9]*")


def _run_end(rule: FieldRule | None, text: str, at: int) -> int:
    """Where letters end that have digits behind them, or digits before letters."""
    run = (_LETTERS if rule is RULES[FieldClass.ALPHA] else _DIGITS).match(text, at)
    assert run is not None
    return run.end()


class _TooMany(Exception):
    """More attempts would be needed than are allowed."""
