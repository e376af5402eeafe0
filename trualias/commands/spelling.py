"""Addresses in words, to be read aloud to somebody who writes them down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SIGNS = {
    "!": "exclamation mark",
    "#": "hash",
    "$": "dollar",
    "%": "percent",
    "&": "ampersand",
    "'": "apostrophe",
    "*": "star",
    "+": "plus",
    "-": "dash",
    "/": "slash",
    "=": "equals",
    "?": "question mark",
    "^": "caret",
    "_": "underscore",
    "`": "backtick",
    "{": "opening brace",
    "|": "bar",
    "}": "closing brace",
    "~": "tilde",
    ".": "dot",
}


def spelled(pieces: Sequence[str], code_at: int, domain: str | None) -> str:
    """Spell an address: words as words, the code and whatever is no letter one by one.

    ``pieces`` are the texts of the local part, of which that at ``code_at``, counted from 0, is the code.
    """
    words: list[str] = []
    for number, piece in enumerate(pieces):
        if number == code_at:
            for character in piece:
                words += _words(character)
        else:
            words += _words(piece)
    if domain is not None:
        words += ["at", *_words(domain)]
    return " ".join(words)


def _words(text: str) -> Iterator[str]:
    for part in re.findall("[a-z]+|.", text):
        if part.isupper():
            yield f"capital {part.lower()}"
        else:
            yield _NUMBERS[int(part)] if part.isdigit() else _SIGNS.get(part, part)
