"""Builds the nodes of the syntax tree from the words of a statement."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from lark import Transformer, v_args
from lark.lexer import Token

from trualias.language.claims import Claim
from trualias.language.expressions import UnknownWord, parse_expression
from trualias.language.memo import MOST
from trualias.language.name_list import NO_NAMES, Name, NameList
from trualias.language.tree import (
    Account,
    Argument,
    Call,
    CodeLiteral,
    Deliver,
    End,
    Expect,
    ExpectedAnswer,
    FieldClass,
    Item,
    Refuse,
    Setting,
)
from trualias.messages import did_you_mean, one_of, quoted

_CLASSES = {field_class.value: field_class for field_class in FieldClass}

MakeAccount = Callable[[tuple[Item, ...], bool], Account]
"""Makes an account statement of its items, and whether it is retired, from all that comes before them."""


# Statements that differ mostly have some equal items at the same offsets. Without these caches, one of 30,000
# statements of different shapes takes 900 octets more.


@lru_cache(MOST)
def shared_call(function: str, offset: int, *arguments: tuple[str, int]) -> Call:
    """Return a call; each argument is a text and its offset."""
    return Call(function, tuple([Argument(text, at) for text, at in arguments]), offset)


@lru_cache(MOST)
def shared_literal(text: str, offset: int) -> CodeLiteral:
    """Return a literal among the items."""
    return CodeLiteral(text, offset)


def account_maker(claim: Claim, unknown_words: list[UnknownWord]) -> MakeAccount:
    """Return the function that makes an account statement, of all that comes before the items.

    Unknown words of the claim are added to those before.
    """
    field_class = FieldClass.IDENT
    if claim.using is not None:
        using, offset = claim.using
        if using in _CLASSES:
            field_class = _CLASSES[using]
        else:
            known = list(_CLASSES)
            message = f"unknown class {quoted(using)}; expected {one_of(known)}{did_you_mean(using, known)}"
            unknown_words.append((offset, message))
    expression, offset = claim.expression
    tokens, of_expression = parse_expression(expression)
    unknown_words += [(offset + at, message) for at, message in of_expression]
    start = claim.accounts[0].offset
    expression_at, items_at = offset - start, claim.end - start
    return lambda items, retired: Account(
        *(claim.accounts, field_class, claim.aliases, tokens, items, claim.domains, retired),
        *(start, expression_at, items_at),
    )


@v_args(inline=True)
class TreeBuilder(Transformer[Token, Any]):
    """Builds the nodes while Lark parses a statement that starts at the offset ``base`` of the text.

    The offsets of items count from ``items_start``, an offset in the statement. ``last_claim`` is the claim that was
    parsed last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.base = 0
        self.items_start = 0
        self.last_claim: Claim | None = None
        self.unknown_words: list[UnknownWord] = []

    def _offset(self, token: Token) -> int:
        assert token.start_pos is not None
        return self.base + token.start_pos

    def _item_offset(self, token: Token) -> int:
        assert token.start_pos is not None
        return token.start_pos - self.items_start

    def setting(self, name: Token, value: Token | None) -> Setting:
        """Build a setting."""
        end = self._offset(name) + len(name.rstrip())
        return Setting(
            " ".join(name.split()),
            value.rstrip() if value else "",
            self._offset(name),
            self._offset(value) if value else end,
        )

    def names(self, *names: Token) -> NameList:
        """Build the names of accounts or aliases."""
        return NameList(map(str, names), map(self._offset, names))

    def call(self, function: Token, *arguments: Token | None) -> Call:
        """Build an item that is a call."""
        given = [(str(argument), self._item_offset(argument)) for argument in arguments if argument]
        return shared_call(str(function), self._item_offset(function), *given)

    def code_literal(self, text: Token) -> CodeLiteral:
        """Build an item that is a literal."""
        return shared_literal(str(text), self._item_offset(text))

    def account(self, make_account: MakeAccount, *items_and_end: Item | Token | None) -> Account:
        """Build an account statement."""
        *items, retired = items_and_end
        return make_account(cast(tuple[Item, ...], tuple(items)), retired is not None)

    def claim(
        self,
        accounts: NameList,
        using: Token | None,
        aliased: NameList | Token | None,
        domains: NameList | None,
        expression: Token,
        last: Token,
    ) -> MakeAccount:
        """Build the function that makes an account statement."""
        assert last.end_pos is not None
        # Lark reduces the claim before it reads the items.
        self.items_start = last.end_pos
        self.last_claim = Claim(
            accounts,
            None if using is None else (str(using), self._offset(using)),
            aliased if isinstance(aliased, NameList) else NO_NAMES,
            domains or NO_NAMES,
            (str(expression), self._offset(expression)),
            self.base + last.end_pos,
        )
        return account_maker(self.last_claim, self.unknown_words)

    def end(self, word: Token) -> End:
        """Build the last statement."""
        return End(self._offset(word))

    def refuse(self, *addresses: Token) -> Refuse:
        """Build a ``REFUSE`` statement."""
        return Refuse(self.names(*addresses), self._offset(addresses[0]))

    def domains(self, *domains: Token) -> NameList:
        """Build the domains after ``AT``."""
        return self.names(*domains)

    def deliver(self, account: Token, domains: NameList | None, *targets: Token) -> Deliver:
        """Build a ``DELIVER`` statement."""
        (name,) = self.names(account)
        return Deliver(name, domains or (), self.names(*targets), name.offset)

    def expect(self, *words: Token) -> Expect:
        """Build an ``EXPECT`` statement."""
        *addresses, answer = words
        keywords = {member.value: member for member in ExpectedAnswer}
        return Expect(
            self.names(*addresses),
            keywords.get(str(answer)) or Name(str(answer), self._offset(answer)),
            self._offset(addresses[0]),
        )
