"""Addresses spelled in words, to be read aloud."""

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


def spell(parts: Sequence[str], code_index: int, domain: str | None) -> str:
    """Spell an address: runs of small letters as words, the code and all other characters one by one.

    The local part is given in parts; the one at ``code_index``, counted from 0, is the code.
    """
    words: list[str] = []
    for index, part in enumerate(parts):
        if index == code_index:
            for character in part:
                words += _words(character)
        else:
            words += _words(part)
    if domain is not None:
        words += ["at", *_words(domain)]
    return " ".join(words)


def _words(text: str) -> Iterator[str]:
    for part in re.findall("[a-z]+|.", text):
        if part.isupper():
            yield f"capital {part.lower()}"
        else:
            yield _NUMBERS[int(part)] if part.isdigit() else _SIGNS.get(part, part)
