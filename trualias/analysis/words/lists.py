"""Reads lists of words."""

from importlib.resources import files
from pathlib import Path

from attrs import frozen

from trualias.analysis.code_distribution import Words

_SHIPPED = "names.txt"


class Unreadable(Exception):
    """A list of words cannot be used; ``str()`` says why."""


@frozen(eq=False)
class WordList:
    """Words, and what to call them in front of people."""

    name: str
    words: Words


def shipped() -> WordList:
    """The names of companies and sites that come with trualias."""
    words = _words(files("trualias.analysis.words").joinpath(_SHIPPED).read_text("utf-8"))
    sites = sum("." in word for word in words)
    return WordList(f"{len(words) - sites} names of companies and {sites} of sites", Words(words))


def read_word_list(path: str) -> WordList:
    """Read words from a file of UTF-8 text, one a line; a line that begins with ``#`` is a comment.

    Raises:
        Unreadable: it cannot be read, is not UTF-8 or has no word.
    """
    try:
        words = _words(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}: this is not UTF-8 text") from error
    if not words:
        raise Unreadable(f"{path}: there is no word in it; write one a line")
    return WordList(f"{len(words)} words of {path}", Words(words))


def _words(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
