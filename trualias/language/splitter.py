"""Splits the text of a configuration into its statements, so that one mistake does not hide the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trualias.messages import did_you_mean, one_of, quoted

COMMENT_HINT = "; a comment stands on lines of its own"


def comment_hint(value: str) -> str:
    """Return the hint about comments if a setting's value, which has an error, seems to end with one."""
    return COMMENT_HINT if re.search(r"(?:^|\s)#", value) else ""


_STARTS = ("ACCOUNT", "EXPECT", "REFUSE", "DELIVER")
_END = "END"


class Piece(NamedTuple):
    """A statement's offsets in the text. ``kind`` is empty for text that is no statement.

    ``problem`` is an error of the statement as a whole, ``missing`` the end that it should have.
    """

    kind: str
    start: int
    end: int
    problem: str = ""
    missing: str = ""


MOST_BLANKS = 4096
"""Characters that one match may pass over: a longer one would hold the interpreter, and with it the lookups, for up to
two seconds in a file of 24 MiB."""

_BLANKS = re.compile(rf"\s{{0,{MOST_BLANKS}}}")
_INDENT = rf"[^\S\n]{{0,{MOST_BLANKS}}}"
_COMMENT = re.compile(rf"{_INDENT}#")
WORD = re.compile(rf"[^\s;,():]{{1,{MOST_BLANKS}}}|\S")
_ASCII_WORD = re.compile(rf"[^\s;,():](?:[^ \t\n\r\f\v;,():]{{0,{MOST_BLANKS}}}[^\s;,():])?")
_SETTING = re.compile(rf"{_INDENT}[A-Za-z][A-Za-z0-9 \t_-]{{0,{MOST_BLANKS}}}:")
_END_LINE = re.compile(rf"{_INDENT}{_END}{_INDENT}(?=\n|\Z)")
_STATEMENT_LINE = re.compile(rf"{_INDENT}(?:{'|'.join(_STARTS)})(?![^\s,;()])")


def pieces(text: str, pause: Callable[[], None] = lambda: None) -> Iterator[Piece]:
    """Yield the statements of a text, up to the first text after ``END``, which is an error.

    ``pause`` is called at each comment line, and at each line of a statement but the last.
    """
    at = 0
    while True:
        at = skip(text, at, pause, at == 0)
        if at >= len(text):
            return
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        word_match = WORD.match(text, at)
        assert word_match is not None
        word = word_match.group()
        if _SETTING.match(text, at, line_end):
            yield Piece("setting", at, line_end)
            at = line_end
        elif word in _STARTS:
            end, ended = _statement_end(text, word_match.end(), pause)
            problem = "" if ended else f"this {word} statement has no ';' at its end"
            yield Piece(word.lower(), at, end, problem, "" if ended else "\n;")
            at = end
        elif word == _END and _END_LINE.match(text, text.rfind("\n", 0, at) + 1):
            yield Piece("end", at, word_match.end())
            rest = skip(text, word_match.end(), pause)
            if rest < len(text):
                line = text.count("\n", 0, at) + 1
                yield Piece(
                    "", rest, len(text), f"only blank lines and comments may follow END, which is in line {line}"
                )
            return
        elif word == _END:
            yield Piece("", at, line_end, "END must be the only word of its line")
            at = line_end
        else:
            # Other blanks than those of ASCII are part of the word here: they may be what is wrong with it.
            found = _ASCII_WORD.match(text, at, line_end)
            word = found.group() if found else word
            suggestion = did_you_mean(word, _STARTS)
            hint = suggestion or did_you_mean(word, [_END]) or (COMMENT_HINT if word[0] == "#" else "")
            problem = f"expected a setting (NAME: value), {one_of((*_STARTS, _END))}, found {quoted(word)}{hint}"
            end = _statement_end(text, word_match.end(), pause)[0] if suggestion else line_end
            yield Piece("", at, end, problem)
            at = end


def skip(text: str, at: int, pause: Callable[[], None], is_line_start: bool = False) -> int:
    """Return the offset after white space and comment lines. A comment begins at ``at`` only if a line does.

    ``pause`` is called at each comment line.
    """
    while True:
        blanks = _BLANKS.match(text, at)
        assert blanks is not None
        is_line_start = is_line_start or "\n" in blanks.group()
        at = blanks.end()
        if is_line_start and text.startswith("#", at):
            pause()
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
        elif blanks.end() - blanks.start() < MOST_BLANKS:
            return at


def _statement_end(text: str, at: int, pause: Callable[[], None]) -> tuple[int, bool]:
    """Return the end of a statement, and whether it is a ``;``; without one, it ends before the next statement's line.

    A line ``END`` is the next statement unless a ``;`` follows: then ``END`` is a name. ``at`` is the offset after the
    first word.
    """
    first_end_line = None
    while True:
        newline = text.find("\n", at)
        line_end = len(text) if newline < 0 else newline
        semicolon = text.find(";", at, line_end)
        if semicolon >= 0:
            return semicolon + 1, True
        pause()
        at = line_end + 1
        while at < len(text) and _COMMENT.match(text, at):
            pause()
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline + 1
        if at >= len(text) or _SETTING.match(text, at) or _STATEMENT_LINE.match(text, at):
            return min(at, len(text)) if first_end_line is None else first_end_line, False
        if first_end_line is None and _END_LINE.match(text, at):
            first_end_line = at
