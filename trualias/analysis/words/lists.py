"""Word lists: the shipped one, and files of the administrator."""

from importlib.resources import files
from pathlib import Path

from attrs import frozen

from trualias.analysis.word_classes import Words

_SHIPPED = "names.txt"


class UnusableWordList(Exception):
    """A file is not a word list; ``str()`` is the reason."""


@frozen(eq=False, repr=False)
class WordList:
    """Words, with a description of the list for messages."""

    name: str
    words: Words


def shipped_word_list() -> WordList:
    """Return the names of companies and sites that trualias ships."""
    words = _parse(files("trualias.analysis.words").joinpath(_SHIPPED).read_text("utf-8"))
    sites = sum("." in word for word in words)
    return WordList(f"{len(words) - sites} names of companies and {sites} of sites", Words(words))


def read_word_list(path: str) -> WordList:
    """Read a file of UTF-8 text with one word a line; a line that begins with ``#`` is a comment.

    Raises:
        UnusableWordList: the file cannot be read, is not UTF-8 or has no word.
    """
    try:
        words = _parse(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise UnusableWordList(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableWordList(f"{path}: this is not UTF-8 text") from error
    if not words:
        raise UnusableWordList(f"{path}: there is no word in it; write one a line")
    return WordList(f"{len(words)} words of {path}", Words(words))


def _parse(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
