"""The wording of messages: quoted words, alternatives, likely spellings, numbers with their nouns."""

import unicodedata
from collections.abc import Sequence

_LONGEST_WORD = 64


def visible(character: str) -> str:
    """Replace a character that a terminal would obey or hide: errors are shown in terminals and logs."""
    return character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}"


def printable(text: str, most: int = _LONGEST_WORD) -> str:
    """Make a text from outside printable for a message; the end of one longer than ``most`` characters is left out."""
    return "".join(map(visible, text if len(text) <= most else f"{text[:most]}..."))


def quoted(word: str) -> str:
    """Quote a word of a configuration for a message; the end of a very long one is left out.

    The first character that is invisible, or that looks like another one, is named with its place and code point, such
    as ``(character 2 is U+043E CYRILLIC SMALL LETTER O)`` after the word.
    """
    found = next(((at, sign) for at, sign in enumerate(word[:_LONGEST_WORD], 1) if _is_deceptive(sign)), None)
    if found is None:
        return f"'{printable(word)}'"
    at, sign = found
    name = f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
    return f"'{printable(word)}' ({name})" if len(word) == 1 else f"'{printable(word)}' (character {at} is {name})"


def _is_deceptive(character: str) -> bool:
    """Return whether a character is not seen, or can be taken for one of ASCII.

    Of the characters outside ASCII, the Latin letters with accents are what they look like: those below U+017F, but for
    the dotless i.
    """
    if character.isascii():
        return visible(character) != character
    is_plain = character < "\N{LATIN SMALL LETTER LONG S}" and character.isalpha()
    return not is_plain or character == "\N{LATIN SMALL LETTER DOTLESS I}"


def escaped(text: str) -> str:
    """Escape the characters of an untrusted text that a terminal or a log might interpret, such as a line break."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def did_you_mean(found: str, known: Sequence[str]) -> str:
    """Return ``; did you mean 'X'?`` for a misspelled known word, and an empty text for any other word."""
    if len(found) > _LONGEST_WORD:  # a comparison takes seconds for some megabytes
        return ""
    from difflib import get_close_matches  # takes longer to import than the rest of this module

    by_upper = {word.upper(): word for word in known}
    close = get_close_matches(found.upper(), list(by_upper), n=1, cutoff=0.6)
    return f"; did you mean '{by_upper[close[0]]}'?" if close else ""


def one_of(words: Sequence[str]) -> str:
    """Return alternatives as a list: ``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def number_of(count: int, one: str, several: str = "", zero: str = "0") -> str:
    """Return a number with its noun: ``1 word``, ``2 words``; ``several`` is a plural that takes more than an s."""
    return f"{count or zero} {one if count == 1 else several or one + 's'}"


def others_since(count: int) -> str:
    """Return the end of a message that stands for others too: ``(2 others since the last such line)`` after a space."""
    return f" ({number_of(count, 'other')} since the last such line)" if count else ""
