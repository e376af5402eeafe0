"""The messages for syntax errors: what was found, what was expected, and the likely fix."""

from __future__ import annotations

from lark import UnexpectedInput, UnexpectedToken

from trualias.language.source import PolicyError, Source
from trualias.language.splitter import COMMENT_HINT, WORD, Piece
from trualias.messages import did_you_mean, one_of, quoted

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
    "ANSWER": "an account, NOTHING, DEBUG",
}


_RARE = "RETIRED"
"""The word that is named last: it can follow any item, and what is missing is mostly a comma."""


def _follows_hash(text: str, start: int, offset: int) -> bool:
    """Return whether the word before an offset starts like a comment, in a line that is no comment."""
    before = text[start:offset].rstrip()
    line = before[before.rfind("\n") + 1 :].split()
    return line[-1:] != line[:1] and line[-1].startswith("#") and not line[0].startswith("#")


def syntax_error(source: Source, text: str, base: int, piece: Piece, error: UnexpectedInput) -> PolicyError:
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
