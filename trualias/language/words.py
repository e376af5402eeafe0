"""The words of a statement, read one after another, and what could stand at the place of one that does not fit."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable

from trualias.language.name_list import NameList
from trualias.language.splitter import MOST_BLANKS, skip

_PAUSED = 256
"""Words of a list between two calls of ``pause``: a call at each would take a tenth of the time of the list."""

Word = tuple[str, int]
"""A word, and its offset in the text."""

_BLANKS = rf"\s{{0,{MOST_BLANKS}}}+"
_WORD = re.compile(rf"{_BLANKS}([^\s,;()]+|[,;()])")
_ADDRESS = re.compile(rf"{_BLANKS}([^\s,;]+|[,;])")
_LISTED = re.compile(rf"{_BLANKS},{_BLANKS}([^\s,;()#][^\s,;()]*+)(?![()])").match
"""Matches a word after a comma, with no comment between them."""


class UnexpectedWord(Exception):
    """A word that does not fit. ``expected`` has the names of all that could stand at its offset in the text."""

    def __init__(self, offset: int, expected: frozenset[str]) -> None:
        super().__init__(offset, expected)
        self.offset = offset
        self.expected = expected


class Words:
    """The words and signs of a text, with one word of lookahead.

    The signs are the comma, the semicolon and, up to ``read_addresses``, the parentheses. White space and comment lines
    may stand between any two words.

    Args:
        text: of a statement, up to its semicolon.
        at: the offset to begin at.
        pause: called often while a long list, or comment, is read.

    """

    def __init__(self, text: str, at: int, pause: Callable[[], None] = lambda: None) -> None:
        self._text = text
        self._pause = pause
        self._pattern = _WORD
        self._signs = frozenset(",;()")
        self._expected: set[str] = set()
        self._advance(at)

    def read_addresses(self) -> None:
        """Read words from here on in which parentheses are characters as others, as in addresses that hooks know."""
        self._pattern = _ADDRESS
        self._signs = frozenset(",;")
        self._advance(self.end)

    def _advance(self, at: int) -> None:
        """Look at the next word after an offset."""
        self.end = at
        """The offset after the last word that was read."""
        found = self._pattern.match(self._text, at)
        if found is None or found[1][0] == "#":
            found = self._pattern.match(self._text, skip(self._text, at, self._pause))
        # The end of the text is an empty word, which only a statement without an end has.
        self._next, self._next_span = (found[1], found.span(1)) if found else ("", (len(self._text), len(self._text)))

    @property
    def rest(self) -> str:
        """The text after the last word that was read."""
        return self._text[self.end :]

    def has_next(self, word: str) -> bool:
        """Return whether a word is the next one."""
        return self._next == word

    def accept(self, word: str) -> bool:
        """Read the next word if it is a keyword or a sign; return whether it is."""
        if self._next == word:
            self._expected.clear()
            self._advance(self._next_span[1])
            return True
        self._expected.add(word if word.isalpha() else f"'{word}'")
        return False

    def require(self, word: str) -> None:
        """Read a keyword or a sign; raise ``UnexpectedWord`` if it is not the next word."""
        if not self.accept(word):
            raise UnexpectedWord(self._next_span[0], frozenset(self._expected))

    def read(self, *kinds: str, but_not: frozenset[str] = frozenset()) -> Word:
        """Read a word, and return it. ``kinds`` are the names of what it can be, for people.

        Raises:
            UnexpectedWord: the next word is a sign, or one of the keywords ``but_not``.
        """
        word = self._next
        if word in self._signs or word in but_not or not word:
            raise UnexpectedWord(self._next_span[0], frozenset({*self._expected, *kinds}))
        offset, end = self._next_span
        self._expected.clear()
        self._advance(end)
        return word, offset

    def read_list(self, base: int, kind: str, but_not: frozenset[str] = frozenset()) -> NameList:
        """Read words with commas between them, and return them; the text begins at the offset ``base`` of the file.

        ``kind`` and ``but_not`` are as for ``read``, which raises ``UnexpectedWord``.
        """
        texts: list[str] = []
        # Apart, since a pair for each of a million names takes 100 MB for a moment.
        offsets = array("I")
        while True:
            word, offset = self.read(kind, but_not=but_not)
            texts.append(word)
            offsets.append(base + offset)
            if len(texts) % _PAUSED == 0:
                self._pause()
            # By itself, the loop takes 1.7 times as long for a million names.
            end = self.end
            while (listed := _LISTED(self._text, end)) and listed[1] not in but_not:
                texts.append(listed[1])
                offsets.append(base + listed.start(1))
                end = listed.end()
                if len(texts) % _PAUSED == 0:
                    self._pause()
            if end > self.end:
                self._advance(end)
            if not self.accept(","):
                return NameList(texts, offsets)
