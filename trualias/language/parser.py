"""Parses the text of a configuration into its syntax tree.

Statements share equal parts: the same text of an expression, of an item or of all items, is one object while
it is in the cache, which has up to ``MOST`` entries. So later stages may cache by the identity of a part.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from typing import cast

from attrs import frozen
from lark import UnexpectedInput

from trualias.language.claims import Claim, ClaimShapes, ClaimWords, may_have_comment, words_of
from trualias.language.expressions import UnknownWord
from trualias.language.grammar import generated
from trualias.language.item_shapes import Items, ItemShapes
from trualias.language.length_limits import excess
from trualias.language.memo import BoundedMemo
from trualias.language.source import MOST_ERRORS, PolicyError, Source
from trualias.language.splitter import Piece, pieces
from trualias.language.syntax_errors import syntax_error
from trualias.language.tree import Account, Setting, Statement, Tree
from trualias.language.tree_builder import TreeBuilder, account_maker


class _Reader(threading.local):
    """The generated parser, one for each thread, since the builder has the state of the statement being parsed.

    It caches the items of statements by their text, and the shapes of claims and items. Without the first two, loading
    30,000 statements takes more than half as long again; without the last, twice as long where all items differ. A long
    list of names takes a fifth of the time that Lark would take.
    """

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._lark = generated(self._builder)
        self._find_with = re.compile(self._lark.get_terminal("WITH").pattern.to_regexp()).search
        self._shapes = ClaimShapes()
        self._item_shapes = ItemShapes()
        self._items: BoundedMemo[str, Items] = BoundedMemo()

    def read(self, text: str, piece: Piece, base: int) -> tuple[Statement, list[UnknownWord]]:
        """Parse one piece of a text that begins at the offset ``base``; return the statement, and its unknown words.

        Raises:
            UnexpectedInput: a syntax error; its offset counts from the start of the piece.
        """
        self._builder.base = base + piece.start
        self._builder.unknown_words = []
        if piece.kind == "account" and (account := self._read_by_parts(text, piece)):
            return account, self._builder.unknown_words
        self._builder.unknown_words = []
        whole = text[piece.start : piece.end] + piece.missing
        statement = cast(Statement, self._lark.parse(whole, piece.kind))
        return statement, self._builder.unknown_words

    def _read_by_parts(self, text: str, piece: Piece) -> Account | None:
        """Read the claim and the items of an account statement apart.

        Return None where a comment is in it, or where it has an error, whose message needs the whole statement.
        """
        word = self._find_with(text, piece.start, piece.end)
        if word is None:
            return None
        try:
            items = self._read_items(text[word.end() : piece.end])
            claim = self._read_claim(text[piece.start : word.end()]) if items is not None else None
        except UnexpectedInput:
            return None
        if items is None or claim is None:
            return None
        self._builder.unknown_words = []  # without those of the sample
        return account_maker(claim, self._builder.unknown_words)(*items)

    def _read_items(self, text: str) -> Items | None:
        """Return the items of a text; None if there may be a comment in it."""
        items = self._items.get(text)
        if items is None and not may_have_comment(text):
            words = words_of(text)
            items = self._item_shapes.read(words)
            if items is None:
                statement = cast(Account, self._lark.parse(_CLAIM + text, "account"))
                items = statement.items, statement.retired
                self._item_shapes.add(words, items)
            self._items[text] = items
        return items

    def _read_claim(self, text: str) -> Claim | None:
        """Return the claim of a text; None if there may be a comment in it."""
        if may_have_comment(text):
            return None
        words = ClaimWords(text, self._builder.base)
        claim = self._shapes.read(words)
        if claim is None:
            sample = words.sample
            self._lark.parse(sample, "claim")
            assert self._builder.last_claim is not None
            self._shapes.add(ClaimWords(sample, self._builder.base), self._builder.last_claim)
            claim = self._shapes.read(words)
        return claim


_CLAIM = "ACCOUNT a MATCHES %code% WITH"
"""A claim to parse items after."""


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
            explained = syntax_error(source, text, base, piece, error)
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
