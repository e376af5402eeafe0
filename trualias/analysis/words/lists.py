"""Word lists: the shipped one, and files of the administrator."""

from importlib.resources import files

from attrs import frozen

from trualias.analysis.word_classes import Words
from trualias.messages import escaped

_SHIPPED = "names.txt"

_MOST_OCTETS = 64 << 20
"""Octets of the longest list that is read: some million words."""


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
        UnusableWordList: the file cannot be read, is too long, is not UTF-8 or has no word.
    """
    shown = escaped(path)
    try:
        with open(path, "rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
        if len(octets) > _MOST_OCTETS:
            raise UnusableWordList(f"{shown}: is longer than {_MOST_OCTETS >> 20} MiB")
        words = _parse(octets.decode("utf-8-sig"))
    except OSError as error:
        raise UnusableWordList(f"{shown}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableWordList(f"{shown}: this is not UTF-8 text") from error
    if not words:
        raise UnusableWordList(f"{shown}: there is no word in it; write one a line")
    return WordList(f"{len(words)} words of {shown}", Words(words))


def _parse(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
