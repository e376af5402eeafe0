"""The statements of the language, parsed by Lark from the grammar in ``grammar.lark``.

It is written for comparison with ``trualias.language.statement_parser`` alone: it takes four times as long, and 30 ms
to begin.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, v_args

from trualias.language.expressions import UnknownWord, parse_expression
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
    Statement,
)
from trualias.messages import did_you_mean, one_of, quoted

STARTS = ("setting", "account", "expect", "refuse", "deliver", "end")

_CLASSES = {field_class.value: field_class for field_class in FieldClass}


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Any]):
    """Builds the nodes of a statement that starts at the offset ``base`` of the text."""

    def __init__(self, base: int) -> None:
        super().__init__()
        self.base = base
        self.unknown_words: list[UnknownWord] = []

    def _offset(self, token: Token) -> int:
        assert token.start_pos is not None
        return self.base + token.start_pos

    def setting(self, name: Token, value: Token | None) -> Setting:
        end = self._offset(name) + len(name.rstrip())
        return Setting(
            " ".join(name.split()),
            value.rstrip() if value else "",
            self._offset(name),
            self._offset(value) if value else end,
        )

    def names(self, *names: Token) -> NameList:
        return NameList(map(str, names), map(self._offset, names))

    domains = names

    def call(self, function: Token, *arguments: Token | None) -> Call:
        given = [Argument(str(argument), self._offset(argument)) for argument in arguments if argument]
        return Call(str(function), tuple(given), self._offset(function))

    def code_literal(self, text: Token) -> CodeLiteral:
        return CodeLiteral(str(text), self._offset(text))

    def claim(self, *parts: Any) -> tuple[Any, ...]:
        return parts

    def account(self, claim: tuple[Any, ...], *items_and_end: Item | Token | None) -> Account:
        accounts, using, aliased, domains, expression, last = claim
        *items, retired = items_and_end
        items_offset = self.base + last.end_pos
        start = accounts[0].offset
        field_class = FieldClass.IDENT
        if using is not None and using in _CLASSES:
            field_class = _CLASSES[using]
        elif using is not None:
            known = list(_CLASSES)
            message = f"unknown class {quoted(using)}; expected {one_of(known)}{did_you_mean(using, known)}"
            self.unknown_words.append((self._offset(using), message))
        tokens, of_expression = parse_expression(str(expression))
        self.unknown_words += [(self._offset(expression) + at, message) for at, message in of_expression]
        return Account(
            accounts,
            field_class,
            aliased if isinstance(aliased, NameList) else NO_NAMES,
            tokens,
            tuple([_from(items_offset, cast(Item, item)) for item in items]),
            domains or NO_NAMES,
            retired is not None,
            start,
            self._offset(expression) - start,
            items_offset - start,
        )

    def end(self, word: Token) -> End:
        return End(self._offset(word))

    def refuse(self, *addresses: Token) -> Refuse:
        return Refuse(self.names(*addresses), self._offset(addresses[0]))

    def deliver(self, account: Token, domains: NameList | None, *targets: Token) -> Deliver:
        (name,) = self.names(account)
        return Deliver(name, domains or NO_NAMES, self.names(*targets), name.offset)

    def expect(self, *words: Token) -> Expect:
        *addresses, answer = words
        keywords = {member.value: member for member in ExpectedAnswer}
        wanted = keywords.get(str(answer)) or Name(str(answer), self._offset(answer))
        return Expect(self.names(*addresses), wanted, self._offset(addresses[0]))


def _from(start: int, item: Item) -> Item:
    """Return an item whose offsets count from the start of the items."""
    match item:
        case Call(function, arguments, offset):
            moved = [Argument(argument.text, argument.offset - start) for argument in arguments]
            return Call(function, tuple(moved), offset - start)
        case CodeLiteral(text, offset):
            return CodeLiteral(text, offset - start)


class NaiveParser:
    """A parser of single statements."""

    def __init__(self) -> None:
        grammar = files("trualias.test").joinpath("grammar.lark").read_text("utf-8")
        self._lark = Lark(grammar, parser="lalr", start=list(STARTS), maybe_placeholders=True)

    def parse(self, kind: str, text: str, base: int) -> tuple[Statement, tuple[UnknownWord, ...]]:
        """Parse a statement that begins at the offset ``base`` of the file; return it, and its unknown words.

        Raises ``lark.UnexpectedToken``, whose offset counts from the start of the text.
        """
        builder = _TreeBuilder(base)
        statement = cast(Statement, builder.transform(self._lark.parse(text, kind)))
        return statement, tuple(builder.unknown_words)
