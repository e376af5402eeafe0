"""The part of an account statement before its items: its words, and the roles that these have.

Thousands of statements mostly have a few shapes, such as ``ACCOUNT name MATCHES expression WITH``. The role of a word
depends only on which of the words are keywords or separators, and which these are; and all words of a list have the
same. So Lark parses one sample of a shape, with two words of each list, and the words of all claims of the shape are
taken by their numbers.
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
"""The keywords and signs of a text, with an empty text for each other word and ``LIST`` for a list of such words."""

LIST = ",,"
SIGNS = frozenset(",;()*")
_WORD = re.compile(r"[^\s,;()]+|[,;()]")


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
    """The numbers of the groups of words, counted from 0, in each part of a claim."""

    accounts: tuple[int, ...]
    using: int | None
    aliases: tuple[int, ...]
    domains: tuple[int, ...]
    expression: int


def words_of(text: str, offset: int) -> list[Word] | None:
    """Return the words and signs of a text that begins at an offset; None if there may be a comment in it."""
    if "#" in text and "\n" in text:
        return None
    return [(word.group(), offset + word.start()) for word in _WORD.finditer(text)]


class ClaimWords:
    """The words of a claim in groups: a list, a single word, or a sign. Any word in capital letters is single."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.groups: list[Sequence[Word]] = []
        shape: list[str] = []
        at = 0
        while at < len(words):
            word, _ = words[at]
            end = at + 1
            if word in SIGNS or word.isupper():
                shape.append(word)
            else:
                while end + 1 < len(words) and words[end][0] == "," and _is_plain(words[end + 1][0]):
                    end += 2
                shape.append(LIST if end > at + 1 else "")
            self.groups.append(words[at:end:2])
            at = end
        self.shape = tuple(shape)

    @property
    def sample(self) -> str:
        """The text of a claim with this shape, in which a list has two words."""
        return " ".join([" , ".join([word for word, _ in group[:2]]) for group in self.groups])


def _is_plain(word: str) -> bool:
    return word not in SIGNS and not word.isupper()


class ClaimShapes:
    """The shapes of claims of which Lark has parsed a sample."""

    def __init__(self) -> None:
        self._roles: BoundedMemo[Shape, _Roles] = BoundedMemo()

    def add(self, words: ClaimWords, claim: Claim) -> None:
        """Enter the shape of some words, which are this claim."""
        numbers = {offset: number for number, group in enumerate(words.groups) for _, offset in group}
        accounts, aliases, domains = [
            tuple(dict.fromkeys([numbers[name.offset] for name in names]))
            for names in (claim.accounts, claim.aliases, claim.domains)
        ]
        using = None if claim.using is None else numbers[claim.using[1]]
        self._roles[words.shape] = _Roles(accounts, using, aliases, domains, numbers[claim.expression[1]])

    def read(self, words: ClaimWords) -> Claim | None:
        """Return the claim of some words; None if their shape is not known."""
        roles = self._roles.get(words.shape)
        if roles is None:
            return None
        groups = words.groups
        ((last, offset),) = groups[-1]
        return Claim(
            _names(groups, roles.accounts),
            None if roles.using is None else groups[roles.using][0],
            _names(groups, roles.aliases),
            _names(groups, roles.domains),
            groups[roles.expression][0],
            offset + len(last),
        )


def _names(groups: Sequence[Sequence[Word]], numbers: tuple[int, ...]) -> NameList:
    if not numbers:
        return NO_NAMES
    words = [word for number in numbers for word in groups[number]]
    return NameList([text for text, _ in words], [offset for _, offset in words])
