"""The wording of messages: quoted words, alternatives, likely spellings, numbers with their nouns."""

from collections.abc import Sequence
from difflib import get_close_matches

_LONGEST_WORD = 64


def visible(character: str) -> str:
    """Replace a character that a terminal would obey or hide: errors are shown in terminals and logs."""
    return character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}"


def printable(text: str, most: int = _LONGEST_WORD) -> str:
    """Make a text from outside printable for a message; the end of one longer than ``most`` characters is left out."""
    return "".join(map(visible, text if len(text) <= most else f"{text[:most]}..."))


def quoted(word: str) -> str:
    """Quote a word of a configuration for a message; the end of a very long one is left out."""
    return f"'{printable(word)}'"


def escaped(text: str) -> str:
    """Escape the characters of an untrusted text that a terminal or a log might interpret, such as a line break."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def did_you_mean(found: str, known: Sequence[str]) -> str:
    """Return ``; did you mean 'X'?`` for a misspelled known word, and an empty text for any other word."""
    if len(found) > _LONGEST_WORD:  # a comparison takes seconds for some megabytes
        return ""
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
