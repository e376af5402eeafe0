"""The classes of identifiers and names: their characters, and their texts."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

from trualias.language.tree import ATEXT_AND_DOT, FieldClass

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_ALNUM = frozenset(_LETTERS + _DIGITS)
_ATEXT = ATEXT_AND_DOT - {"."}


@frozen(eq=False, repr=False)
class FieldRule:
    """Which texts are of a class.

    A text is of a class if and only if the reversed text is. ``fits`` takes text of ASCII characters only. ``shortest``
    is the length of the shortest texts, ``edges`` the characters that a text may begin and end with. ``regular``: a
    text with any part that is not of the class is not of it either. ``has_labels``: the texts are labels joined by
    dots. ``meaning`` describes the class to people.
    """

    alphabet: frozenset[str]
    edges: frozenset[str]
    shortest: int
    fits: Callable[[str], object]
    meaning: str
    regular: bool = True
    has_labels: bool = False


RULES: dict[FieldClass, FieldRule] = {
    FieldClass.ALNUM: FieldRule(_ALNUM, _ALNUM, 1, str.isalnum, "ASCII letters and digits"),
    FieldClass.ALPHA: FieldRule(frozenset(_LETTERS), frozenset(_LETTERS), 1, str.isalpha, "ASCII letters"),
    FieldClass.NUMBER: FieldRule(frozenset(_DIGITS), frozenset(_DIGITS), 1, str.isdigit, "digits"),
    FieldClass.IDENT: FieldRule(
        _ALNUM | {"_"},
        _ALNUM,
        1,
        re.compile(r"(?!_)\w+(?<!_)", re.ASCII).fullmatch,
        "letters, digits and '_', a letter or digit first and last",
        regular=False,
    ),
    FieldClass.FQDN: FieldRule(
        _ALNUM | {"-", "."},
        _ALNUM,
        3,
        re.compile(r"(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?<!-)", re.ASCII).fullmatch,
        "two or more labels joined by dots, a letter or digit first and last",
        regular=False,
        has_labels=True,
    ),
    FieldClass.MAILBOX: FieldRule(
        ATEXT_AND_DOT,
        _ATEXT,
        1,
        re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch,
        "a dot-atom of RFC 5322: letters, digits and !#$%&'*+-/=?^_`{|}~, with single dots between them",
        regular=False,
    ),
}


def fits(field_class: FieldClass, text: str) -> bool:
    """Return whether any text, also one that is not ASCII, is of the class."""
    return text.isascii() and bool(RULES[field_class].fits(text))
