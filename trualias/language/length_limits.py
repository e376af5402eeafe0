"""The lengths from which on a part of a configuration is refused before it is parsed."""

from __future__ import annotations

import re
from collections.abc import Callable

from trualias.language.splitter import Piece

LONGEST = 1_000_000
"""Characters of the longest word of a statement, and of the longest line of a setting. No word as long can match an
address; one of 24 million holds the interpreter for 0.3 s, and a setting as long takes two seconds."""

_LONG_WORD = re.compile(rf"[^\s,;()]{{{LONGEST + 1}}}").search
_WINDOW = 65_536
"""Characters that are searched for a long word between two calls of ``pause``."""


def excess(text: str, piece: Piece, pause: Callable[[], None]) -> tuple[int, str] | None:
    """Return an offset and a message if a statement has a word, or a setting a line, that is too long to be read."""
    if piece.kind == "setting":
        if piece.end - piece.start > LONGEST:
            return piece.start, f"a setting has more than {LONGEST:,} characters"
        return None
    for start in range(piece.start, piece.end - LONGEST, _WINDOW):
        if found := _LONG_WORD(text, start, min(piece.end, start + _WINDOW + LONGEST)):
            return found.start(), f"a word has more than {LONGEST:,} characters"
        pause()
    return None
