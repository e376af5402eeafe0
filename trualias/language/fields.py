"""The classes that a field may have: which characters, and which texts."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

from trualias.language.tree import FieldClass

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"


@frozen(eq=False)
class FieldRule:
    """What the texts of a class are.

    ``fits`` takes text of ASCII characters only. ``regular`` tells that a text of which any part is not of the class is
    not of it either. ``meaning`` says for people what the class takes.
    """

    alphabet: frozenset[str]
    shortest: int
    fits: Callable[[str], object]
    regular: bool
    meaning: str


RULES: dict[FieldClass, FieldRule] = {
    FieldClass.ALNUM: FieldRule(frozenset(_LETTERS + _DIGITS), 1, str.isalnum, True, "ASCII letters and digits"),
    FieldClass.ALPHA: FieldRule(frozenset(_LETTERS), 1, str.isalpha, True, "ASCII letters"),
    FieldClass.NUMBER: FieldRule(frozenset(_DIGITS), 1, str.isdigit, True, "digits"),
    FieldClass.IDENT: FieldRule(
        frozenset(_LETTERS + _DIGITS + "_"),
        1,
        re.compile(r"(?!_)\w+(?<!_)", re.ASCII).fullmatch,
        False,
        "letters, digits and '_', a letter or digit first and last",
    ),
    FieldClass.FQDN: FieldRule(
        frozenset(_LETTERS + _DIGITS + "-."),
        3,
        re.compile(r"(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?<!-)", re.ASCII).fullmatch,
        False,
        "two or more labels joined by dots, a letter or digit first and last",
    ),
}


def fits(field_class: FieldClass, text: str) -> bool:
    """Tell whether any text, also one that is not ASCII, is one of the class."""
    return text.isascii() and bool(RULES[field_class].fits(text))
