"""Places in the text of a configuration, and the errors that point at them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate

from attrs import frozen

from trualias.messages import visible


@frozen(eq=False, slots=False)
class Source:
    """A text and the name (usually the path) of the file that it came from."""

    text: str
    name: str

    def position(self, offset: int) -> tuple[int, int]:
        """Turn an offset, counted from 0, into line and column, both counted from 1."""
        offset = min(offset, len(self.text))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Give the text of a line, counted from 1, without its end."""
        return self.text[self._starts[number - 1] : self._starts[number] - 1].rstrip("\r")

    @cached_property
    def _starts(self) -> list[int]:
        """The offsets at which the lines start, and one where the line after the last would."""
        lengths = (len(line) + 1 for line in self.text.split("\n"))
        return list(accumulate(lengths, initial=0))


class PolicyError(Exception):
    """One thing that is wrong in a configuration, and where.

    ``line`` and ``column`` count from 1. ``str()`` gives ``file:line:column: message``, the line itself and a caret
    under the place; of a file without text, ``file: message``.
    """

    def __init__(self, source: Source, offset: int, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.offset = offset
        self.message = message

    @cached_property
    def _position(self) -> tuple[int, int]:
        return self.source.position(self.offset)

    @property
    def line(self) -> int:
        """The line of the place, counted from 1."""
        return self._position[0]

    @property
    def column(self) -> int:
        """The column of the place, in characters, counted from 1."""
        return self._position[1]

    def __str__(self) -> str:
        if not self.source.text:
            return f"{self.source.name}: {self.message}"
        excerpt, before = _excerpt(self.source.line(self.line), self.column - 1)
        # Tabs stay tabs, so that the caret stands under its place whatever their width.
        indent = "".join("\t" if character == "\t" else " " for character in excerpt[:before])
        return f"{self.source.name}:{self.line}:{self.column}: {self.message}\n{excerpt}\n{indent}^"


_LONGEST_LINE = 200


def _excerpt(text: str, column: int) -> tuple[str, int]:
    """Make a line fit to be shown; gives it, and where in it the column is. Both columns count from 0.

    A very long line is cut around the column: a list of 100,000 accounts is one line, too.
    """
    start = max(0, column - _LONGEST_LINE // 2) if len(text) > _LONGEST_LINE else 0
    shown = [visible(character) for character in text[start : start + _LONGEST_LINE]]
    return "".join(shown), column - start


class ConfigurationErrors(Exception):
    """All that is wrong in a configuration, in the order of the file. ``str()`` is the complete text for people."""

    def __init__(self, errors: Iterable[PolicyError]) -> None:
        self.errors: tuple[PolicyError, ...] = tuple(sorted(errors, key=lambda error: error.offset))
        super().__init__(len(self.errors))

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))
