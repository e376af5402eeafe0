"""A checked account statement, and its expression and code items for given names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from trualias.language.functions import BoundCall, CodeText
from trualias.language.tree import (
    Account,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
    Token,
)

CodeItem = CodeLiteral | BoundCall

Names = Mapping[NameKind, str]
"""The text of each kind of name."""

BoundItem = CodeText | BoundCall
"""An item of a code for given names: its contribution where that is constant, otherwise the call."""


@frozen(eq=False, repr=False, weakref_slot=False)  # there can be very many
class Rule:
    """An account statement that keeps every rule.

    ``accounts`` and ``aliases`` have each name once, as first spelled. Without listed aliases the expression shows
    ``%account%`` where the text says ``%alias%``, which means the same. ``domains`` are folded; None for all, and for
    the local-part table, which knows none.
    """

    statement: Account
    accounts: tuple[str, ...]
    aliases: tuple[str, ...]
    expression: Expression
    items: tuple[CodeItem, ...]
    domains: frozenset[str] | None = None

    @property
    def any_domain(self) -> str | None:
        """One of the domains, always the same; None for a statement for all."""
        return None if self.domains is None else min(self.domains)

    def holds_in(self, domain: str | None) -> bool:
        """Return whether the statement is for a folded domain; None is the local-part table."""
        return self.domains is None or domain in self.domains

    @property
    def identifiers(self) -> tuple[FieldClass, ...]:
        """The classes of the expression's identifiers, from left to right."""
        return tuple([token.field_class for token in self.expression if isinstance(token, Identifier)])


def _unchanged(text: str) -> str:
    return text


def folding(case_sensitive: bool) -> Callable[[str], str]:
    """Return the function that makes texts comparable; local parts are ASCII, so lower case is enough."""
    return _unchanged if case_sensitive else str.lower


def fill(expression: Expression, names: Names) -> Expression:
    """Replace the fields of the given names by literals, token for token; fields of other names stay."""
    return tuple(
        [
            Literal(names[token.kind], token.offset) if isinstance(token, NameField) and token.kind in names else token
            for token in expression
        ]
    )


def bind(expression: Expression, names: Names) -> Expression:
    """Replace the fields of the given names by literals, and join adjacent literals; fields of other names stay.

    No literal of the result is empty. A joined literal has the offset of its first part.
    """
    tokens: list[Token] = []
    text = ""
    offset = 0
    for token in expression:
        if isinstance(token, Literal):
            here: str | None = token.text
        else:
            here = names.get(token.kind) if isinstance(token, NameField) else None
        if here is not None:
            offset = offset if text else token.offset
            text += here
            continue
        if text:
            tokens.append(Literal(text, offset))
            text = ""
        tokens.append(token)
    if text:
        tokens.append(Literal(text, offset))
    return tuple(tokens)


def bind_items(items: tuple[CodeItem, ...], names: Names) -> tuple[BoundItem, ...]:
    """Replace each item that the given names make constant by its contribution; calls that read anything else stay.

    The result has one entry for each item.
    """
    return tuple([_bind_item(item, names) for item in items])


def _bind_item(item: CodeItem, names: Names) -> BoundItem:
    if isinstance(item, CodeLiteral):
        return item.text
    if isinstance(item.reads, NameKind) and item.reads in names:
        return item.evaluate(names[item.reads])
    return item
