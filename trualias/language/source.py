"""Positions in the text of a configuration, and the errors that point at them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property

from attrs import field, frozen

from trualias.errors import NoUsableConfiguration
from trualias.messages import number_of, printable, visible


@frozen(eq=False, repr=False, slots=False)
class Source:
    """A text, and the name (usually the path) of its file; and the texts of the files that it includes, if any.

    Offsets count through all of them: those of an included file begin after the last one of the file before.
    """

    text: str
    name: str
    _included: list[Source] = field(init=False, factory=list)
    _bases: list[int] = field(init=False, factory=list)  # the offset at which each included file begins
    # The offsets at which the first lines start, as far as they were needed; behind the last line, that of a next one.
    # One call for all lines would hold the interpreter, and with it the lookups, for 50 ms in a text of 24 MiB.
    _starts: list[int] = field(init=False, factory=lambda: [0])

    def include(self, text: str, name: str) -> int:
        """Add the text of an included file; return the offset at which it begins."""
        last = self._included[-1] if self._included else self
        base = (self._bases[-1] if self._bases else 0) + len(last.text) + 1
        self._included.append(Source(text, name))
        self._bases.append(base)
        return base

    @property
    def files(self) -> tuple[Source, ...]:
        """The file and then the files that it includes, each as a source of its own offsets."""
        return (self, *self._included)

    def file(self, offset: int) -> tuple[Source, int]:
        """Return the file of an offset, and the offset in it."""
        number = bisect_right(self._bases, offset)
        return (self._included[number - 1], offset - self._bases[number - 1]) if number else (self, offset)

    @property
    def starts(self) -> tuple[tuple[str, int], ...]:
        """The name of each file, and the offset at which it begins."""
        return tuple([(file.name, base) for file, base in zip(self.files, (0, *self._bases), strict=True)])

    def line_text(self, offset: int, seen_from: int | None = None) -> str:
        """Return ``line 3``; or ``line 3 of NAME`` for an offset in another file than that of ``seen_from``.

        Without ``seen_from``, the file is named if there are several.
        """
        file, _ = self.file(offset)
        is_clear = not self._included if seen_from is None else file is self.file(seen_from)[0]
        other = "" if is_clear else f" of {printable(file.name, _LONGEST_NAME)}"
        return f"line {self.position(offset)[0]}{other}"

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column in its file, both counted from 1, of an offset counted from 0."""
        file, offset = self.file(offset)
        if file is not self:
            return file.position(offset)
        offset = min(offset, len(self.text))
        while self._starts[-1] <= offset:
            self._find_next_line()
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its end."""
        while len(self._starts) <= number:
            self._find_next_line()
        return self.text[self._starts[number - 1] : self._starts[number] - 1].rstrip("\r")

    def _find_next_line(self) -> None:
        newline = self.text.find("\n", self._starts[-1])
        self._starts.append((newline if newline >= 0 else len(self.text)) + 1)


class PolicyError(Exception):
    """An error in a configuration.

    ``offset`` counts from 0, through all files of the source. ``str()`` gives ``file:line:column: message``, the line
    itself and a caret under the column; of a file without text, ``file: message``.
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
    def name(self) -> str:
        """The name of the file that the error is in."""
        return self.source.file(self.offset)[0].name

    @property
    def line(self) -> int:
        """The line, counted from 1."""
        return self._position[0]

    @property
    def column(self) -> int:
        """The column in characters, counted from 1."""
        return self._position[1]

    def __str__(self) -> str:
        name = printable(self.name, _LONGEST_NAME)
        file, _ = self.source.file(self.offset)
        if not file.text:
            return f"{name}: {self.message}"
        excerpt, before = _excerpt(file.line(self.line), self.column - 1)
        # Tabs stay tabs, so that the caret stands under its column whatever their width.
        indent = "".join("\t" if character == "\t" else " " for character in excerpt[:before])
        return f"{name}:{self.line}:{self.column}: {self.message}\n{excerpt}\n{indent}^"


_LONGEST_LINE = 200
_LONGEST_NAME = 4096
"""PATH_MAX of Linux."""


def _excerpt(text: str, column: int) -> tuple[str, int]:
    """Return a printable line, and the column in it. Both columns count from 0.

    A very long line is cut around the column: a list of 100,000 accounts may be one line.
    """
    start = max(0, column - _LONGEST_LINE // 2) if len(text) > _LONGEST_LINE else 0
    shown = [visible(character) for character in text[start : start + _LONGEST_LINE]]
    return "".join(shown), column - start


MOST_ERRORS = 1_000
"""Errors after which the reading of a configuration stops: it is another file that was copied over it."""

_MOST_SHOWN = 20
"""Errors that a text for people has."""


class ConfigurationErrors(NoUsableConfiguration):
    """The errors of a configuration, in the order of the file. ``str()`` is the text for people.

    Of more than ``most`` errors the first are kept; then ``is_truncated`` is true, and there may be even more, since
    reading stops at that many.
    """

    def __init__(self, errors: Iterable[PolicyError], most: int = MOST_ERRORS) -> None:
        found = sorted(errors, key=lambda error: error.offset)
        self.errors: tuple[PolicyError, ...] = tuple(found[:most])
        self.is_truncated = len(found) > most
        super().__init__(len(self.errors))

    @property
    def shown(self) -> tuple[PolicyError, ...]:
        """The first errors, as many as a text for people has."""
        return self.errors[:_MOST_SHOWN]

    @property
    def count(self) -> str:
        """The number of errors with its noun, such as ``at least 1000 errors``."""
        return self._number(len(self.errors), "error")

    @property
    def rest(self) -> str:
        """The number of errors that are not shown, such as ``7 more errors``; empty if there are none."""
        rest = len(self.errors) - len(self.shown)
        return self._number(rest, "more error") if rest or self.is_truncated else ""

    def _number(self, count: int, noun: str) -> str:
        return ("at least " if self.is_truncated else "") + number_of(count, noun)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.shown), *filter(None, [self.rest])])
