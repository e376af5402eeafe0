"""Parses the text of a configuration into its syntax tree.

Statements share equal parts: the same text of an expression, or of all items, is one object while
it is in the cache, which has up to ``MOST`` entries. So later stages may cache by the identity of a part.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, cast

from attrs import frozen
from lark import Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.lexer import Token

from trualias.language.grammar import generated
from trualias.language.length_limits import excess
from trualias.language.memo import MOST, BoundedMemo
from trualias.language.name_list import Name, NameList
from trualias.language.source import MOST_ERRORS, PolicyError, Source
from trualias.language.splitter import COMMENT_HINT, WORD, Piece, pieces
from trualias.language.tree import (
    IDENTIFIER_CLASSES,
    Account,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    Deliver,
    End,
    Expect,
    ExpectedAnswer,
    Expression,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Refuse,
    Setting,
    Statement,
    Tree,
)
from trualias.language.tree import Token as ExpressionToken
from trualias.messages import did_you_mean, one_of, quoted

_FIELDS: dict[str, Callable[[int], ExpressionToken]] = {
    **{kind.value: partial(NameField, kind) for kind in NameKind},
    **{field_class.value: partial(Identifier, field_class) for field_class in IDENTIFIER_CLASSES},
    "code": CodeField,
}
_CLASSES = {field_class.value: field_class for field_class in FieldClass}

UnknownWord = tuple[int, str]
"""An unknown field or class in a text that fits the syntax: its offset, and a message."""


@lru_cache(MOST)
def _field(name: str, offset: int) -> ExpressionToken:
    return _FIELDS[name](offset)


@lru_cache(MOST)
def parse_expression(text: str) -> tuple[Expression, tuple[UnknownWord, ...]]:
    """Parse an expression; return its tokens, and its unknown words. Offsets count from its start.

    After more than ``MOST_ERRORS`` unknown words the rest is not parsed.
    Without the cache, loading 30,000 statements takes 20 percent longer.
    """
    tokens: list[ExpressionToken] = []
    unknown_words: list[UnknownWord] = []
    literal = ""
    literal_offset = 0
    for part in re.finditer(r"%%|%[^%]*%|[^%]+|%", text):
        if len(unknown_words) > MOST_ERRORS:
            break
        word = part.group()
        here = part.start()
        if word == "%":
            unknown_words.append((here, "this '%' has no partner; a percent sign is written '%%'"))
            continue
        if word == "%%" or word[0] != "%":
            literal_offset = literal_offset if literal else here
            literal += "%" if word == "%%" else word
            continue
        if literal:
            tokens.append(Literal(literal, literal_offset))
            literal = ""
        field = word[1:-1]
        if field not in _FIELDS:
            known = list(_FIELDS)
            unknown_words.append(
                (here, f"unknown field {quoted(word)}; expected {one_of(known)}{did_you_mean(field, known)}")
            )
            continue
        tokens.append(_field(field, here))
    if literal:
        tokens.append(Literal(literal, literal_offset))
    return tuple(tokens), tuple(unknown_words)


_Claim = Callable[[tuple[Item, ...], bool], Account]
"""Makes an account statement of its items, and whether it is retired, from all that comes before them."""


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Builds the nodes while Lark parses a statement that starts at the offset ``base`` of the text.

    The offsets of items count from ``items_start``, an offset in the statement.
    """

    def __init__(self) -> None:
        super().__init__()
        self.base = 0
        self.items_start = 0
        self.unknown_words: list[UnknownWord] = []

    def _offset(self, token: Token) -> int:
        assert token.start_pos is not None
        return self.base + token.start_pos

    def _item_offset(self, token: Token) -> int:
        assert token.start_pos is not None
        return token.start_pos - self.items_start

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

    def call(self, function: Token, *arguments: Token | None) -> Call:
        given = tuple([Argument(str(a), self._item_offset(a)) for a in arguments if a])
        return Call(str(function), given, self._item_offset(function))

    def code_literal(self, text: Token) -> CodeLiteral:
        return CodeLiteral(str(text), self._item_offset(text))

    def account(self, claim: _Claim, *items_and_end: Item | Token | None) -> Account:
        *items, retired = items_and_end
        return claim(cast(tuple[Item, ...], tuple(items)), retired is not None)

    def claim(
        self,
        accounts: NameList,
        using: Token | None,
        aliased: NameList | Token | None,
        domains: NameList | None,
        expression: Token,
        last: Token,
    ) -> _Claim:
        if using is not None and using not in _CLASSES:
            known = list(_CLASSES)
            suggestion = did_you_mean(using, known)
            self.unknown_words.append(
                (self._offset(using), f"unknown class {quoted(using)}; expected {one_of(known)}{suggestion}")
            )
        offset = self._offset(expression)
        tokens, unknown_words = parse_expression(str(expression))
        self.unknown_words += [(offset + at, message) for at, message in unknown_words]
        field_class = _CLASSES.get(using or "", FieldClass.IDENT)
        aliases = aliased if isinstance(aliased, NameList) else ()
        # Lark reduces the claim before it reads the items.
        assert last.end_pos is not None
        self.items_start = last.end_pos
        items_offset = self.base + last.end_pos
        return lambda items, retired: Account(
            *(accounts, field_class, aliases, tokens, items, domains or (), retired),
            *(accounts[0].offset, offset, items_offset),
        )

    def end(self, word: Token) -> End:
        return End(self._offset(word))

    def refuse(self, *addresses: Token) -> Refuse:
        return Refuse(self.names(*addresses), self._offset(addresses[0]))

    def domains(self, *domains: Token) -> NameList:
        return self.names(*domains)

    def deliver(self, account: Token, domains: NameList | None, *targets: Token) -> Deliver:
        (name,) = self.names(account)
        return Deliver(name, domains or (), self.names(*targets), name.offset)

    def expect(self, *words: Token) -> Expect:
        *addresses, answer = words
        keywords = {member.value: member for member in ExpectedAnswer}
        return Expect(
            self.names(*addresses),
            keywords.get(str(answer)) or Name(str(answer), self._offset(answer)),
            self._offset(addresses[0]),
        )


class _Reader(threading.local):
    """The generated parser, one for each thread, since the builder has the state of the statement being parsed.

    It caches the items of statements by their text. Without that, loading 30,000 statements takes 38 percent longer.
    """

    def __init__(self) -> None:
        self._build = _Build()
        self._lark = generated(self._build)
        self._find_with = re.compile(self._lark.get_terminal("WITH").pattern.to_regexp()).search
        self._items: BoundedMemo[str, tuple[tuple[Item, ...], bool]] = BoundedMemo()

    def read(self, text: str, piece: Piece, base: int) -> tuple[Statement, list[UnknownWord]]:
        """Parse one piece of a text that begins at the offset ``base``; return the statement, and its unknown words.

        Raises:
            UnexpectedInput: a syntax error; its offset counts from the start of the piece.
        """
        self._build.base = base + piece.start
        self._build.unknown_words = []
        if piece.kind == "account" and (account := self._read_with_cached_items(text, piece)):
            return account, self._build.unknown_words
        self._build.unknown_words = []
        whole = text[piece.start : piece.end] + piece.missing
        statement = cast(Statement, self._lark.parse(whole, piece.kind))
        if isinstance(statement, Account):
            self._items[text[statement.items_offset - base : piece.end]] = statement.items, statement.retired
        return statement, self._build.unknown_words

    def _read_with_cached_items(self, text: str, piece: Piece) -> Account | None:
        """Parse an account statement up to its WITH alone, with the items from the cache; None where it has none."""
        word = self._find_with(text, piece.start, piece.end)
        items = self._items.get(text[word.end() : piece.end]) if word else None
        if word is None or items is None:
            return None
        try:
            claim = cast(_Claim, self._lark.parse(text[piece.start : word.end()], "claim"))
        except UnexpectedInput:
            # The word is part of another word or of a comment, or the message needs the whole statement.
            return None
        return claim(*items)


_reader: _Reader | None = None


def _read(text: str, piece: Piece, base: int) -> tuple[Statement, list[UnknownWord]]:
    # Made when first needed: that takes a while, and not every program that imports this module parses.
    global _reader
    if _reader is None:
        _reader = _Reader()
    return _reader.read(text, piece, base)


@frozen
class Parsed:
    """The statements that could be read, and the errors of the others and of settings.

    ``partial`` are account statements with an unknown class or field: they are not in the tree, but the rest of them
    can be checked.
    """

    tree: Tree
    partial: tuple[Account, ...]
    errors: tuple[PolicyError, ...]


def parse(
    source: Source,
    pause: Callable[[], None] = lambda: None,
    read_setting: Callable[[Setting], Iterable[tuple[int, str]]] = lambda _: (),
    most_errors: int = MOST_ERRORS,
    base: int = 0,
) -> Parsed:
    """Parse the whole text of the file that begins at the offset ``base``.

    A statement with an error is left out of the tree, and the next one is parsed.
    ``pause`` is called at each statement, so that a long text need not keep other threads from their work.
    ``read_setting`` returns the errors of a setting: offsets in the text, and messages. Parsing stops after more than
    ``most_errors`` errors.
    """
    statements: list[Statement] = []
    partial: list[Account] = []
    errors: list[PolicyError] = []
    text = source.file(base)[0].text
    for piece in pieces(text):
        pause()
        if len(errors) > most_errors:
            break
        if piece.problem:
            errors.append(PolicyError(source, base + piece.start, piece.problem))
        if not piece.kind:
            continue
        if too_long := excess(text, piece, pause):
            errors.append(PolicyError(source, base + too_long[0], too_long[1]))
            continue
        try:
            statement, unknown_words = _read(text, piece, base)
        except UnexpectedInput as error:
            explained = _explain(source, text, base, piece, error)
            # Where the end is missing, that is reported already.
            if not piece.missing or explained.offset < base + piece.end:
                errors.append(explained)
            continue
        errors += [PolicyError(source, offset, message) for offset, message in unknown_words]
        if unknown_words:
            assert isinstance(statement, Account)  # no other statement has a class or an expression
            partial.append(statement)
        else:
            statements.append(statement)
        if isinstance(statement, Setting):
            errors += [PolicyError(source, offset, message) for offset, message in read_setting(statement)]
    return Parsed(Tree(tuple(statements)), tuple(partial), tuple(errors))


_EXPECTED = {
    "COMMA": "','",
    "SEMICOLON": "';'",
    "LPAR": "'('",
    "RPAR": "')'",
    "EVERY": "'*'",
    "NAME": "a name",
    "CLASS": "a class",
    "EXPRESSION": "an expression",
    "FUNCTION": "a function",
    "LITERAL": "a literal",
    "ARGUMENT": "an argument",
    "DOMAIN": "a domain",
    "ADDRESS": "an address",
    "ANSWER": "an account, NOTHING or DEBUG",
}


_RARE = "RETIRED"
"""The word that is named last: it can follow any item, and what is missing is mostly a comma."""


def _follows_hash(text: str, start: int, offset: int) -> bool:
    """Return whether the word before an offset starts like a comment, in a line that is no comment."""
    before = text[start:offset].rstrip()
    line = before[before.rfind("\n") + 1 :].split()
    return line[-1:] != line[:1] and line[-1].startswith("#") and not line[0].startswith("#")


def _explain(source: Source, text: str, base: int, piece: Piece, error: UnexpectedInput) -> PolicyError:
    """Return a syntax error with a message of what was found, what was expected, and the likely fix."""
    # Every character begins some word of the grammar, so there is always a token.
    assert isinstance(error, UnexpectedToken)
    assert error.token.start_pos is not None
    offset = piece.start + error.token.start_pos
    # The names of words that Lark leaves out of the tree start with an underscore.
    terminals = {name.removeprefix("_") for name in error.accepts or error.expected}
    expected = sorted(
        (_EXPECTED.get(name, name) for name in terminals), key=lambda text: (text == _RARE, text.startswith("'"), text)
    )
    word_match = WORD.match(text, offset, piece.end)  # none where the end is missing
    word = word_match.group() if word_match else ""
    hint = did_you_mean(word, [name for name in terminals if name not in _EXPECTED])
    if not hint and (word.startswith("#") or _follows_hash(text, piece.start, offset)):
        hint = COMMENT_HINT
    elif not hint and terminals == {"WITH"} and word not in ("", ",", ";"):
        hint = "; an expression has no white space inside"
    return PolicyError(source, base + offset, f"expected {one_of(expected)}, found {quoted(word)}{hint}")
