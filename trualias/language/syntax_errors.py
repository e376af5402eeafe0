"""The messages for syntax errors: what was found, what was expected, and the likely fix."""

from __future__ import annotations

from trualias.language.source import PolicyError, Source
from trualias.language.splitter import COMMENT_HINT, WORD, Piece
from trualias.language.words import UnexpectedWord
from trualias.messages import did_you_mean, one_of, quoted

_RARE = "RETIRED"
"""The word that is named last: it can follow any item, and what is missing is mostly a comma."""


def _follows_hash(text: str, start: int, offset: int) -> bool:
    """Return whether the word before an offset starts like a comment, in a line that is no comment."""
    before = text[start:offset].rstrip()
    line = before[before.rfind("\n") + 1 :].split()
    return line[-1:] != line[:1] and line[-1].startswith("#") and not line[0].startswith("#")


def syntax_error(source: Source, text: str, base: int, piece: Piece, error: UnexpectedWord) -> PolicyError:
    """Return a syntax error with a message of what was found, what was expected, and the likely fix."""
    offset = piece.start + error.offset
    expected = sorted(error.expected, key=lambda term: (term == _RARE, term.startswith("'"), term))
    word_match = WORD.match(text, offset, piece.end)  # none where the end is missing
    word = word_match.group() if word_match else ""
    hint = did_you_mean(word, [term for term in expected if term.isupper() and term.isalpha()])
    if not hint and (word.startswith("#") or _follows_hash(text, piece.start, offset)):
        hint = COMMENT_HINT
    elif not hint and expected == ["WITH"] and word not in ("", ",", ";"):
        hint = "; an expression has no white space inside"
    return PolicyError(source, base + offset, f"expected {one_of(expected)}, found {quoted(word)}{hint}")
