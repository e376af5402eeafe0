"""The part of an account statement before its items: its words, and the roles that these have.

Thousands of statements mostly have a few shapes, such as ``ACCOUNT name MATCHES expression WITH``. The role of a word
depends only on which of the words are keywords or separators, and which these are. So Lark parses one claim of a shape,
and the words of the others are taken by their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from trualias.language.memo import BoundedMemo
from trualias.language.name_list import NO_NAMES, NameList

Word = tuple[str, int]
"""A word, and its offset in the text."""

Shape = tuple[str, ...]
"""The keywords and commas of a claim, with an empty text for each other word."""

_WORD = re.compile(r"[^\s,;()]+|[,;()]")
SIGNS = frozenset(",;()*")
_LONGEST = 1_000
"""Characters of the longest claim that can share a shape: a long list of names has a shape of its own."""


@frozen
class Claim:
    """The words of an account statement up to WITH.

    ``aliases`` and ``domains`` may be empty. ``end`` is the offset in the text after WITH.
    """

    accounts: NameList
    using: Word | None
    aliases: NameList
    domains: NameList
    expression: Word
    end: int


@frozen
class _Roles:
    """The numbers of the words, counted from 0, in each part of a claim."""

    accounts: tuple[int, ...]
    using: int | None
    aliases: tuple[int, ...]
    domains: tuple[int, ...]
    expression: int


def words_of(text: str, offset: int) -> list[Word] | None:
    """Return the words and separators of a claim whose text begins at an offset; None if it can share no shape."""
    if len(text) > _LONGEST or ("#" in text and "\n" in text):  # there may be a comment
        return None
    return [(word.group(), offset + word.start()) for word in _WORD.finditer(text)]


def shape_of(words: Sequence[Word]) -> Shape:
    """Return the shape of a claim. Any word in capital letters counts as a keyword."""
    return tuple([word if word in SIGNS or word.isupper() else "" for word, _ in words])


class ClaimShapes:
    """The shapes of claims that Lark has parsed."""

    def __init__(self) -> None:
        self._roles: BoundedMemo[Shape, _Roles] = BoundedMemo()

    def add(self, words: Sequence[Word], claim: Claim) -> None:
        """Enter the shape of a claim, with the roles that its words have in it."""
        numbers = {offset: number for number, (_, offset) in enumerate(words)}
        accounts, aliases, domains = [
            tuple([numbers[name.offset] for name in names]) for names in (claim.accounts, claim.aliases, claim.domains)
        ]
        using = None if claim.using is None else numbers[claim.using[1]]
        self._roles[shape_of(words)] = _Roles(accounts, using, aliases, domains, numbers[claim.expression[1]])

    def read(self, words: Sequence[Word]) -> Claim | None:
        """Return the claim of some words; None if its shape is not known."""
        roles = self._roles.get(shape_of(words))
        if roles is None:
            return None
        last, offset = words[-1]
        return Claim(
            _names(words, roles.accounts),
            None if roles.using is None else words[roles.using],
            _names(words, roles.aliases),
            _names(words, roles.domains),
            words[roles.expression],
            offset + len(last),
        )


def _names(words: Sequence[Word], numbers: tuple[int, ...]) -> NameList:
    if not numbers:
        return NO_NAMES
    return NameList([words[number][0] for number in numbers], [words[number][1] for number in numbers])
