"""The layout of a configuration: its text with each statement and comment on lines of its own, otherwise unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from trualias.language.parser import parse
from trualias.language.source import ConfigurationErrors, Source
from trualias.language.splitter import Piece, pieces
from trualias.language.tree import Setting

_WIDTH = 100
"""Characters of a line; only one with a longer word has more."""

_INDENT = "    "
_MOST_BLANK_LINES = 2

_COMMENT = r"(?P<comment>(?<=\n)[^\S\n]*#[^\n]*)"
_TOKENS = {
    "account": re.compile(rf"{_COMMENT}|[,;()]|[^\s,;()]+"),
    # An address may have parentheses where hooks take them out.
    "": re.compile(rf"{_COMMENT}|[,;]|[^\s,;]+"),
}
_LINE_STARTS = ("MATCHES", "WITH")


def format_text(
    text: str, name: str, read_setting: Callable[[Setting], Iterable[tuple[int, str]]] = lambda _: ()
) -> str:
    """Return the text of one file in the layout of the samples. Its statements are the same, and all comments are kept.

    An account statement has three lines, which begin with ACCOUNT, MATCHES and WITH, and a blank line before and after
    it. A long list goes on in indented lines. Of several blank lines, two are kept. The result of a result is the same.
    A statement keeps its own lines if one of the layout would begin another statement, as ``WITH x:y`` does.

    Raises ``ConfigurationErrors`` for text with errors of syntax, or of ``read_setting`` as for ``parse``; ``name``
    appears in them.
    """
    before = parse(Source(text, name), read_setting=read_setting)
    if before.errors:
        raise ConfigurationErrors(before.errors)
    formatted = "".join(f"{line}\n" for line in _lines(text))
    after = parse(Source(formatted, name))
    assert (after.statements, after.errors) == (before.statements, ())
    return formatted


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of the formatted text, without their ends."""
    out = _Output()
    at = 0
    for piece in pieces(text):
        _add_gap(out, text[at : piece.start], at == 0)
        if piece.kind == "account":
            out.separate()
        for line in _statement(text, piece):
            out.add(line)
        if piece.kind == "account":
            out.wants_blank = True
        at = piece.end
    _add_gap(out, text[at:], at == 0, is_last=True)
    return iter(out.lines)


class _Output:
    """The lines so far; blank ones are written before the next line, at most two, and none at the ends."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wants_blank = False
        self._blank = 0
        self._comments = 0  # the comment lines right before the next line

    def add(self, line: str) -> None:
        if not line:
            self._blank += 1
            self._comments = 0
            return
        blank = min(self._blank, _MOST_BLANK_LINES) or int(self.wants_blank)
        self.lines += [""] * (blank if self.lines else 0)
        self.lines.append(line)
        self._comments = self._comments + 1 if line.startswith("#") else 0
        self.wants_blank, self._blank = False, 0

    def separate(self) -> None:
        """Put a blank line before the next statement and the comments right before it."""
        at = len(self.lines) - self._comments
        if self._blank:
            return
        if at > 0 and self.lines[at - 1] and self._comments:
            self.lines.insert(at, "")
        elif not self._comments:
            self.wants_blank = True


def _add_gap(out: _Output, gap: str, is_first: bool, is_last: bool = False) -> None:
    """Add the comments and blank lines between two statements."""
    lines = [line.strip() for line in gap.split("\n")]
    # What is on the line of the statement before, and on that of the next.
    for line in lines[0 if is_first else 1 : None if is_last else -1]:
        out.add(line)


def _statement(text: str, piece: Piece) -> Iterator[str]:
    """Yield the lines of a statement."""
    whole = text[piece.start : piece.end]
    if piece.kind == "end":
        yield whole
    elif piece.kind == "setting":
        name, _, value = whole.partition(":")
        yield f"{' '.join(name.split())}: {value.strip()}".rstrip()
    else:
        lines = list(_wrap(_units(whole, piece.kind), _LINE_STARTS if piece.kind == "account" else ()))
        formatted = "\n".join(lines)
        is_kept = next(pieces(formatted)) != Piece(piece.kind, 0, len(formatted))
        yield from (line.rstrip() for line in whole.split("\n")) if is_kept else lines


def _units(statement: str, kind: str) -> Iterator[str]:
    """Yield the parts between which a line may end: comments, with a line break, and words with their punctuation.

    A call of a function is one part.
    """
    signs = ",;()" if kind == "account" else ",;"
    unit = before = ""
    depth = 0
    for match in _TOKENS.get(kind, _TOKENS[""]).finditer(statement):
        token = match.group()
        if match["comment"] is not None:
            yield from filter(None, [unit, token.strip() + "\n"])
            unit = before = ""
            continue
        elif token in signs or before == "(" or (before == "," and depth):
            unit += token
        else:
            yield from filter(None, [unit])
            unit = token
        before = token if token in signs else ""
        depth += (before == "(") - (before == ")")
    yield from filter(None, [unit])


def _wrap(units: Iterable[str], line_starts: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a statement: new ones at the words of ``line_starts`` in their order, and at the width."""
    waiting = list(line_starts)
    line, indent = "", ""
    for unit in units:
        starts = waiting[:1] == [unit]
        is_comment = unit.endswith("\n")
        # At the beginning of a line, a word with # would be a comment.
        is_too_long = len(line) + 1 + len(unit) > _WIDTH and not unit.startswith("#")
        if line and (starts or is_comment or is_too_long):
            yield line
            line = ""
        if is_comment:
            yield unit.rstrip("\n")
            continue
        if starts:
            waiting.pop(0)
            indent = ""
        line = f"{line} {unit}" if line else indent + unit
        indent = _INDENT
    yield line
