"""The part of an account statement before its items: its words, and the roles that these have.

Thousands of statements mostly have a few shapes, such as ``ACCOUNT name MATCHES expression WITH``. The role of a word
depends only on which of the words are keywords or separators, and which these are; and all words of a list have the
same. So Lark parses one sample of a shape, with two words of each list, and the words of all claims of the shape are
taken by their numbers.
"""

from __future__ import annotations

import re
from array import array
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
WORD = re.compile(r"[^\s,;()]+|[,;()]")


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


def may_have_comment(text: str) -> bool:
    """Return whether a text of words may have a comment in it."""
    return "#" in text and "\n" in text


def words_of(text: str) -> list[Word]:
    """Return the words and signs of a text, with their offsets in it."""
    return [(word.group(), word.start()) for word in WORD.finditer(text)]


class ClaimWords:
    """The words of a claim in groups: a list, a single word, or a sign. Any word in capital letters is single.

    ``groups`` has the numbers of the words of each, without the commas of a list. The claim begins at ``offset`` in the
    text of the file.
    """

    def __init__(self, text: str, offset: int) -> None:
        # Apart, since a pair for each of a million names takes 100 MB for a moment.
        self._texts: list[str] = []
        self._offsets = array("I")
        for word in WORD.finditer(text):
            self._texts.append(word.group())
            self._offsets.append(offset + word.start())
        self.groups: list[range] = []
        shape: list[str] = []
        at = 0
        texts = self._texts
        while at < len(texts):
            end = at + 1
            if _is_plain(texts[at]):
                while end + 1 < len(texts) and texts[end] == "," and _is_plain(texts[end + 1]):
                    end += 2
                shape.append(LIST if end > at + 1 else "")
            else:
                shape.append(texts[at])
            self.groups.append(range(at, end, 2))
            at = end
        self.shape = tuple(shape)

    @property
    def sample(self) -> str:
        """The text of a claim with this shape, in which a list has two words."""
        return " ".join([" , ".join([self._texts[number] for number in group[:2]]) for group in self.groups])

    def group_numbers(self) -> dict[int, int]:
        """Return the number of its group for each word's offset."""
        return {self._offsets[number]: group for group, numbers in enumerate(self.groups) for number in numbers}

    def word(self, group: int) -> Word:
        """Return the first word of a group."""
        number = self.groups[group][0]
        return self._texts[number], self._offsets[number]

    def names(self, groups: Sequence[int]) -> NameList:
        """Return the words of some groups."""
        if not groups:
            return NO_NAMES
        numbers = [number for group in groups for number in self.groups[group]]
        return NameList([self._texts[number] for number in numbers], [self._offsets[number] for number in numbers])


def _is_plain(word: str) -> bool:
    return word not in SIGNS and not word.isupper()


class ClaimShapes:
    """The shapes of claims of which Lark has parsed a sample."""

    def __init__(self) -> None:
        self._roles: BoundedMemo[Shape, _Roles] = BoundedMemo()

    def add(self, words: ClaimWords, claim: Claim) -> None:
        """Enter the shape of some words, which are this claim."""
        numbers = words.group_numbers()
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
        last, offset = words.word(-1)
        return Claim(
            words.names(roles.accounts),
            None if roles.using is None else words.word(roles.using),
            words.names(roles.aliases),
            words.names(roles.domains),
            words.word(roles.expression),
            offset + len(last),
        )
