"""The checks of a configuration's account statements; every mistake is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple

from trualias.language.argument_scope import ArgumentError, ArgumentScope
from trualias.language.fields import RULES, fits
from trualias.language.functions import FUNCTIONS, unknown_function
from trualias.language.memo import BoundedMemo
from trualias.language.name_list import NameList
from trualias.language.other_statements import OtherStatements
from trualias.language.pauses import with_pauses
from trualias.language.rule import CodeItem, Rule, folding
from trualias.language.source import MOST_ERRORS, PolicyError, Source
from trualias.language.tree import (
    ATEXT_AND_DOT,
    Account,
    Call,
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
    expression_text,
)
from trualias.messages import quoted


def check(
    source: Source,
    statements: Sequence[Account],
    case_sensitive: bool,
    pause: Callable[[], None] = lambda: None,
    partial: Sequence[Account] = (),
    most_errors: int = MOST_ERRORS,
) -> tuple[tuple[Rule, ...], tuple[PolicyError, ...]]:
    """Check all account statements of a text; return the valid ones, and the errors.

    Of the ``partial`` ones, which have an unknown class or field, only the items are checked. ``pause`` is called at
    each statement, and at each name of a list. The check stops after more than ``most_errors`` errors.
    """
    fold = folding(case_sensitive)
    others = OtherStatements(statements, fold, pause)
    resolver = _Resolver()
    rules: list[Rule] = []
    errors: list[PolicyError] = [
        PolicyError(source, statement.items_offset + offset, message)
        for statement in partial
        for offset, message in islice(_unknown_items(statement), most_errors + 1)
    ]
    for statement in statements:
        pause()
        if len(errors) > most_errors:
            break
        content = resolver.resolve(statement)
        accounts, aliases = _distinct(statement.accounts, fold, pause), _distinct(statement.aliases, fold, pause)
        faults = ((statement.expression_offset + offset, message) for offset, message in _faults(statement.expression))
        found_errors = chain(
            _invalid_names(statement, pause),
            faults,
            ((statement.items_offset + offset, message) for offset, message in content.item_errors),
            _ambiguities(source, statement, len(accounts), len(aliases), content.shown, others, pause),
        )
        found = list(islice(found_errors, most_errors + 1))
        if found:
            errors += [PolicyError(source, offset, message) for offset, message in found]
        else:
            domains = others.domains(statement) or None
            rules.append(Rule(statement, accounts, aliases, content.expression, content.items, domains))
    return tuple(rules), tuple(errors)


def _distinct(names: NameList, fold: Callable[[str], str], pause: Callable[[], None]) -> tuple[str, ...]:
    """Return each name once, as first spelled."""
    if len(names.texts) < 2:
        return names.texts
    by_text: dict[str, str] = {}
    for text in with_pauses(names.texts, pause):
        by_text.setdefault(fold(text), text)
    return names.texts if len(by_text) == len(names.texts) else tuple(by_text.values())


_Error = tuple[int, str]
"""An offset and a message."""


def _invalid_names(statement: Account, pause: Callable[[], None]) -> Iterator[_Error]:
    rule = RULES[statement.using]
    for names in (statement.accounts, statement.aliases):
        for number, text in enumerate(names.texts):
            pause()
            if not (text.isascii() and rule.fits(text)):
                classes = [field_class.value for field_class in FieldClass if fits(field_class, text)]
                fix = f"; it would be one of USING {classes[0]}" if classes else ""
                if "@" in text:
                    fix = "; the domains of a statement stand after AT"
                message = f"{quoted(text)} is not a name of class {statement.using.value} ({rule.meaning}){fix}"
                yield names[number].offset, message


def _faults(expression: Expression) -> Iterator[_Error]:
    """Yield the errors of an expression by itself."""
    codes = [token for token in expression if isinstance(token, CodeField)]
    if not codes:
        yield expression[0].offset, "the expression has no %code%"
    for code in codes[1:]:
        yield code.offset, "the expression has more than one %code%"
    for token in expression:
        if isinstance(token, Literal) and (invalid := _invalid_character(token.text)):
            before = token.text[: token.text.index(invalid)]
            # A percent sign is written as two.
            yield token.offset + len(before) + before.count("%"), _cannot_hold(invalid)
    for left, right in pairwise(expression):
        if isinstance(left, Literal) or isinstance(right, Literal) or _alpha_beside_number(left, right):
            continue
        yield (
            right.offset,
            f"no literal between {expression_text((left,))} and {expression_text((right,))}; "
            "only %alpha% and %number% may stand side by side",
        )


def _invalid_character(text: str) -> str:
    """Return the first character of a literal that no local part can hold, or an empty text."""
    return next((character for character in text if character not in ATEXT_AND_DOT), "")


def _cannot_hold(character: str) -> str:
    return f"a local part cannot hold {quoted(character)} (RFC 5322, atext and '.')"


def _alpha_beside_number(left: object, right: object) -> bool:
    return (
        isinstance(left, Identifier)
        and isinstance(right, Identifier)
        and {left.field_class, right.field_class} == {FieldClass.ALPHA, FieldClass.NUMBER}
    )


def _resolve_items(statement: Account, scope: ArgumentScope) -> tuple[tuple[CodeItem, ...], tuple[_Error, ...]]:
    items: list[CodeItem] = []
    errors = list(islice(_unknown_items(statement), MOST_ERRORS + 1))
    for item in statement.items:
        if len(errors) > MOST_ERRORS:
            break
        match item:
            case CodeLiteral():
                items.append(item)
            case Call(function) if function in FUNCTIONS:
                try:
                    items.append(scope.resolve_call(item))
                except ArgumentError as error:
                    errors.append((error.offset, error.message))
    return tuple(items), tuple(errors)


def _unknown_items(statement: Account) -> Iterator[_Error]:
    for item in statement.items:
        match item:
            case CodeLiteral(text, offset):
                if text in FUNCTIONS:
                    yield offset, f"'{text}' is a function; write {FUNCTIONS[text].form}"
                elif invalid := _invalid_character(text):
                    yield offset + text.index(invalid), _cannot_hold(invalid)
            case Call(function, _, offset) if function not in FUNCTIONS:
                yield offset, unknown_function(function)


class _Content(NamedTuple):
    """The expression and items of a statement, resolved; ``shown`` are the names that the expression shows."""

    expression: Expression
    items: tuple[CodeItem, ...]
    item_errors: tuple[_Error, ...]
    shown: frozenset[NameKind]


class _Resolver:
    """Resolves expressions and items."""

    def __init__(self) -> None:
        self._items: BoundedMemo[tuple[int, ArgumentScope], tuple[tuple[CodeItem, ...], tuple[_Error, ...]]] = (
            BoundedMemo()
        )

    def resolve(self, statement: Account) -> _Content:
        """Resolve the expression and the items of a statement."""
        expression = statement.expression
        shown = frozenset([token.kind for token in expression if isinstance(token, NameField)])
        if not statement.aliases and NameKind.ALIAS in shown:
            expression = tuple([_ACCOUNT if token == _ALIAS else token for token in expression])
            shown = frozenset([NameKind.ACCOUNT])
        identifiers = tuple([token.field_class for token in expression if isinstance(token, Identifier)])
        scope = ArgumentScope(identifiers, statement.using, bool(statement.aliases))
        # The parser shares equal items. Without this, checking 30,000 statements takes half as long again.
        key = id(statement.items), scope
        resolved = self._items.get(key)
        if resolved is None:
            resolved = self._items[key] = _resolve_items(statement, scope)
        return _Content(expression, *resolved, shown)


_ACCOUNT = NameField(NameKind.ACCOUNT)
_ALIAS = NameField(NameKind.ALIAS)


def _ambiguities(
    source: Source,
    statement: Account,
    accounts: int,
    aliases: int,
    shown: frozenset[NameKind],
    others: OtherStatements,
    pause: Callable[[], None],
) -> Iterator[_Error]:
    """Yield the errors of a statement whose addresses could belong to several accounts.

    ``accounts`` and ``aliases`` are the numbers of different ones, ``shown`` the names that the expression shows. A
    retired statement is compared with no other.
    """
    offset = statement.expression_offset
    several = accounts > 1
    if several and aliases:
        if len(shown) < 2:
            yield offset, "several accounts with aliases: the expression must have %account% and %alias%"
        return
    if several and not shown:
        yield offset, "several accounts: the expression must have %account%"
        return
    if aliases > 1 and NameKind.ALIAS not in shown:
        yield offset, "several aliases: the expression must have %alias%"
        return
    if statement.retired:
        return
    for alias in statement.aliases if len(shown) < 2 else ():
        pause()
        if others.has_other_account(statement, alias):
            yield (
                alias.offset,
                f"the alias {quoted(alias.text)} also belongs to another account, so the expression must have "
                "%account% and %alias%",
            )
    if not shown and (other := others.same_expression(statement)):
        needed = "%account% or %alias%" if aliases else "%account%"
        yield (
            offset,
            f"the same expression stands in {source.line_text(other.expression_offset, offset)}; "
            f"it must have {needed}, or differ",
        )
