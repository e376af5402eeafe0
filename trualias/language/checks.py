"""The rules that a configuration's account statements must keep; every breach is reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from attrs import frozen

from trualias.language.fields import RULES, fits
from trualias.language.functions import FUNCTIONS, ArgumentError, ArgumentScope, unknown_function
from trualias.language.memo import BoundedMemo
from trualias.language.rule import CodeItem, Rule, folding
from trualias.language.source import PolicyError, Source
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
    Name,
    NameField,
    NameKind,
    expression_text,
)
from trualias.messages import quoted

_PAUSE_EVERY = 50


def check(
    source: Source,
    statements: Sequence[Account],
    case_sensitive: bool,
    pause: Callable[[], None] = lambda: None,
    partial: Sequence[Account] = (),
) -> tuple[tuple[Rule, ...], tuple[PolicyError, ...]]:
    """Check all account statements of a text; gives the sound ones, and all errors.

    Of the ``partial`` ones, whose expression or class could not be understood, only the rest is checked.
    """
    fold = folding(case_sensitive)
    shared = _Shared(statements, fold)
    rules: list[Rule] = []
    errors: list[PolicyError] = [
        PolicyError(source, statement.items_offset + offset, message)
        for statement in partial
        for offset, message in _items_are_known(statement)
    ]
    for number, statement in enumerate(statements):
        if number % _PAUSE_EVERY == 0:
            pause()
        form = shared.form(statement)
        found = list(_names_fit(statement, pause))
        found += [(statement.expression_offset + offset, message) for offset, message in form.expression_breaches]
        found += [(statement.items_offset + offset, message) for offset, message in form.item_breaches]
        found += _is_unambiguous(source, statement, form, shared)
        if found:
            errors += [PolicyError(source, offset, message) for offset, message in found]
        else:
            accounts, aliases = _distinct(statement.accounts, fold), _distinct(statement.aliases, fold)
            rules.append(Rule(statement, accounts, aliases, form.expression, form.items))
    return tuple(rules), tuple(errors)


def _distinct(names: Sequence[Name], fold: Callable[[str], str]) -> tuple[str, ...]:
    if len(names) < 2:
        return tuple([name.text for name in names])
    by_text: dict[str, str] = {}
    for name in names:
        by_text.setdefault(fold(name.text), name.text)
    return tuple(by_text.values())


_Breach = tuple[int, str]


def _names_fit(statement: Account, pause: Callable[[], None]) -> Iterator[_Breach]:
    rule = RULES[statement.using]
    for number, name in enumerate((*statement.accounts, *statement.aliases)):
        if number % 1000 == 999:
            pause()
        text = name.text
        if not (text.isascii() and rule.fits(text)):
            takes = [kind.value for kind in FieldClass if fits(kind, name.text)]
            mend = f"; it would be one of USING {takes[0]}" if takes else ""
            yield name.offset, f"{quoted(text)} is not a name of class {statement.using.value} ({rule.meaning}){mend}"


def _expression_is_sound(statement: Account) -> Iterator[_Breach]:
    expression = statement.expression
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
    """The first character of a literal that no local part can hold."""
    return next((character for character in text if character not in ATEXT_AND_DOT), "")


def _cannot_hold(character: str) -> str:
    return f"a local part cannot hold {quoted(character)} (RFC 5322, atext and '.')"


def _alpha_beside_number(left: object, right: object) -> bool:
    return (
        isinstance(left, Identifier)
        and isinstance(right, Identifier)
        and {left.field_class, right.field_class} == {FieldClass.ALPHA, FieldClass.NUMBER}
    )


def _understand_items(statement: Account, readable: ArgumentScope) -> tuple[tuple[CodeItem, ...], tuple[_Breach, ...]]:
    items: list[CodeItem] = []
    breaches = list(_items_are_known(statement))
    for item in statement.items:
        match item:
            case CodeLiteral():
                items.append(item)
            case Call(function) if function in FUNCTIONS:
                try:
                    items.append(readable.resolve_call(item))
                except ArgumentError as error:
                    breaches.append((error.offset, error.message))
    return tuple(items), tuple(breaches)


def _items_are_known(statement: Account) -> Iterator[_Breach]:
    for item in statement.items:
        match item:
            case CodeLiteral(text, offset):
                if text in FUNCTIONS:
                    yield offset, f"'{text}' is a function; write {FUNCTIONS[text].form}"
                elif invalid := _invalid_character(text):
                    yield offset + text.index(invalid), _cannot_hold(invalid)
            case Call(function, _, offset) if function not in FUNCTIONS:
                yield offset, unknown_function(function)


@frozen(eq=False)
class _Form:
    """What a statement says besides its names, understood; what of it is wrong counts its places as the tree does.

    ``shown`` are the names that the expression shows. ``twins`` are the statements with the same expression, unless it
    shows a name: then it may stand in several.
    """

    expression: Expression
    expression_breaches: tuple[_Breach, ...]
    items: tuple[CodeItem, ...]
    item_breaches: tuple[_Breach, ...]
    shown: frozenset[NameKind]
    twins: list[Account]


class _Shared:
    """What the statements have in common: their forms, and what the rules about several need to know."""

    def __init__(self, statements: Sequence[Account], fold: Callable[[str], str]) -> None:
        self.fold = fold
        self.accounts_of_alias: defaultdict[str, set[str]] = defaultdict(set)
        self._by_expression: defaultdict[str, list[Account]] = defaultdict(list)
        self._forms: BoundedMemo[tuple[int, int, FieldClass, bool], _Form] = BoundedMemo()
        self._items: BoundedMemo[tuple[int, ArgumentScope], tuple[tuple[CodeItem, ...], tuple[_Breach, ...]]] = (
            BoundedMemo()
        )
        for statement in statements:
            if not any(isinstance(token, NameField) for token in statement.expression):
                self._twins(statement).append(statement)
            accounts = {fold(name.text) for name in statement.accounts} if statement.aliases else set()
            for alias in statement.aliases:
                self.accounts_of_alias[fold(alias.text)] |= accounts

    def _twins(self, statement: Account) -> list[Account]:
        return self._by_expression[self.fold(expression_text(statement.expression))]

    def form(self, statement: Account) -> _Form:
        """Understand a statement, unless another one with the same expression and items is understood already."""
        # The parser mostly makes one object of equal ones; to compare them would cost more than it saves.
        key = id(statement.expression), id(statement.items), statement.using, bool(statement.aliases)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = self._understood(statement)
        return form

    def _understood(self, statement: Account) -> _Form:
        expression = statement.expression
        if not statement.aliases and _ALIAS in expression:
            expression = tuple([_ACCOUNT if token == _ALIAS else token for token in expression])
        shown = frozenset([token.kind for token in expression if isinstance(token, NameField)])
        identifiers = tuple([token.field_class for token in expression if isinstance(token, Identifier)])
        readable = ArgumentScope(identifiers, statement.using, bool(statement.aliases))
        key = id(statement.items), readable
        understood = self._items.get(key)
        if understood is None:
            understood = self._items[key] = _understand_items(statement, readable)
        breaches = tuple(_expression_is_sound(statement))
        return _Form(expression, breaches, *understood, shown, [] if shown else self._twins(statement))


_ACCOUNT = NameField(NameKind.ACCOUNT)
_ALIAS = NameField(NameKind.ALIAS)


def _is_unambiguous(source: Source, statement: Account, form: _Form, shared: _Shared) -> Iterator[_Breach]:
    shown = form.shown
    offset = statement.expression_offset
    fold = shared.fold
    several = len(_distinct(statement.accounts, fold)) > 1
    aliases = len(_distinct(statement.aliases, fold))
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
    for alias in statement.aliases if len(shown) < 2 else ():
        if len(shared.accounts_of_alias[fold(alias.text)]) > 1:
            yield (
                alias.offset,
                f"the alias {quoted(alias.text)} also belongs to another account, so the expression must have "
                "%account% and %alias%",
            )
    if not shown and len(form.twins) > 1:
        other = next(twin for twin in form.twins if twin is not statement)
        needed = "%account% or %alias%" if aliases else "%account%"
        yield (
            offset,
            f"the same expression stands in line {source.position(other.expression_offset)[0]}; "
            f"it must have {needed}, or differ",
        )
