"""Parses the text of a configuration into its syntax tree.

Statements share equal parts: the same text of an expression, of an item or of all items, is one object while
it is in the cache, which has up to ``MOST`` entries. So later stages may cache by the identity of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from trualias.language.length_limits import excess
from trualias.language.source import MOST_ERRORS, PolicyError, Source
from trualias.language.splitter import pieces
from trualias.language.statement_parser import parse_statement
from trualias.language.syntax_errors import syntax_error
from trualias.language.tree import Account, Setting, Statement
from trualias.language.words import UnexpectedWord


class Parsed(NamedTuple):
    """The statements that could be read, in the order of the file, and the errors of the others and of settings.

    ``partial`` are account statements with an unknown class or field: they are not among the statements, but the rest
    of them can be checked.
    """

    statements: tuple[Statement, ...]
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

    A statement with an error is left out, and the next one is parsed.
    ``pause`` is called at each statement, and often within a long one, so that a long text need not keep other threads
    from their work.
    ``read_setting`` returns the errors of a setting: offsets in the text, and messages. Parsing stops after more than
    ``most_errors`` errors.
    """
    statements: list[Statement] = []
    partial: list[Account] = []
    errors: list[PolicyError] = []
    text = source.file(base)[0].text
    for piece in pieces(text, pause):
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
            whole = text[piece.start : piece.end] + piece.missing
            statement, unknown_words = parse_statement(piece.kind, whole, base + piece.start, pause)
        except UnexpectedWord as error:
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
    return Parsed(tuple(statements), tuple(partial), tuple(errors))
