"""Output of the commands: colours on a terminal, plain lines in a pipe.

Rich takes a tenth of a second to import, so it is imported where it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TextIO, TypeVar

from trualias.messages import escaped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from trualias.configuration import Configuration

_WIDE = 10_000
"""The width, in columns, of a pipe or file, where no line must be wrapped or cut."""

_NARROWEST = 10
"""The least width, in columns, to which a text is folded."""


class Output:
    """A stream for texts: coloured and folded by rich on a terminal, unchanged in a pipe or file.

    A pipe or file does without rich, whose import takes 0.03 s, and each line 0.1 ms: 12 s for 30,000 warnings.
    """

    def __init__(self, stream: TextIO) -> None:
        self.rich = _console(stream) if stream.isatty() else None
        self._stream = stream

    def print(self, text: str = "", style: str | None = None, *, folded: bool = True, hanging: int = 2) -> None:
        """Print a text without markup, and a newline.

        The lines into which a line is folded are indented by ``hanging`` columns more than itself. Without ``folded``,
        as where columns matter, the terminal folds it.
        """
        if self.rich is None:
            self._stream.write(f"{text}\n")
        else:
            whole = "\n".join(_folded(text, self.rich, hanging)) if folded else text
            self.rich.print(whole, style=style, soft_wrap=True)


def _console(stream: TextIO) -> Console:
    """Return a console of rich that writes text without markup and highlighting: unchanged in a pipe, else folded."""
    from rich.console import Console

    is_terminal = stream.isatty()
    width = None if is_terminal else _WIDE
    return Console(file=stream, width=width, soft_wrap=not is_terminal, highlight=False, markup=False, emoji=False)


def _folded(text: str, to: Console, hanging: int) -> Iterator[str]:
    """Yield the lines of a text, folded to the width of a console."""
    from rich.cells import cell_len
    from rich.text import Text

    for line in text.split("\n"):
        content = line.lstrip(" ")
        indent = " " * (len(line) - len(content))
        if len(indent) + cell_len(content) <= to.width:
            yield line
            continue
        parts = Text(content).wrap(to, max(to.width - len(indent) - hanging, _NARROWEST))
        for number, part in enumerate(parts):
            yield f"{indent}{' ' * hanging if number else ''}{part.plain.rstrip(' ')}"


def table_of(*columns: str) -> Table:
    """Return a table without borders, which is also readable in a pipe."""
    from rich.table import Table

    made = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in made.columns:
        column.overflow = "fold"
    return made


def show(stream: TextIO, rows: Table) -> None:
    """Print a table; in a pipe without trailing spaces."""
    to = _console(stream)
    with to.capture() as captured:
        to.print(rows)
    text = captured.get()
    stream.write(text if to.is_terminal else re.sub(" +$", "", text, flags=re.MULTILINE))


def write_rows(stream: TextIO, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads, on a terminal as a table of rich; nothing without rows."""
    if not rows:
        return
    if stream.isatty():
        _show_rows(stream, heads, [heads, *rows])
    else:
        _write_rows(stream, [heads, *rows], [0] * len(heads))


def show_rows(stream: TextIO, rows: Sequence[Sequence[str]]) -> None:
    """Print rows without heads, on a terminal as a table of rich."""
    if stream.isatty():
        _show_rows(stream, [""] * len(rows[0]), rows)
    else:
        _write_rows(stream, rows, [0] * len(rows[0]))


_Item = TypeVar("_Item")

Columns = Mapping[str, tuple[int, Callable[[_Item], str]]]
"""Columns by their heads: the least width of a terminal that shows one, and the text of an item in it."""

_BATCH = 1_000
"""Rows that are aligned together: a million items are never held in memory."""


def write_items(stream: TextIO, columns: Columns[_Item], items: Iterable[_Item]) -> None:
    """Print items, one a row, with the columns for which there is room; in a pipe or file with all of them.

    Without items nothing is printed.
    """
    is_terminal = stream.isatty()
    width = _console(stream).width if is_terminal else _WIDE
    shown = {head: text for head, (least, text) in columns.items() if width >= least}
    rest, heads = iter(items), list(shown)
    widths = [0] * len(heads)
    rows = [heads]
    while batch := list(islice(rest, _BATCH)):
        rows += [[escaped(text(item)) for text in shown.values()] for item in batch]
        if is_terminal:
            _show_rows(stream, heads, rows)
        else:
            widths = _write_rows(stream, rows, widths)
        rows = []


def _show_rows(stream: TextIO, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table of rich, whose first row may be the heads."""
    table = table_of(*heads)
    table.show_header = rows[0] is heads
    for row in rows:
        if row is not heads:
            table.add_row(*row)
    show(stream, table)


def _write_rows(stream: TextIO, rows: Sequence[Sequence[str]], least: Sequence[int]) -> list[int]:
    """Write aligned rows, and return the widths of the columns: rich takes 0.3 ms for a row.

    No column is narrower than in ``least``.
    """
    from rich.cells import cell_len

    widths = [
        max(before, *map(cell_len, column)) for before, column in zip(least, zip(*rows, strict=True), strict=True)
    ]
    for row in rows:
        cells = (text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True))
        stream.write("  ".join(cells).rstrip(" ") + "\n")
    return widths


def place(configuration: Configuration, offset: int) -> dict[str, object]:
    """Return the line of an offset for JSON, and its file if that is an included one."""
    path = configuration.file(offset)
    return {**({} if path == configuration.name else {"file": path}), "line": configuration.line(offset)}


def write_json(stream: TextIO, value: Mapping[str, object] | Sequence[object]) -> None:
    """Write a value as one indented JSON text."""
    stream.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_json_array(stream: TextIO, values: Iterable[Mapping[str, object]]) -> None:
    """Write values as `write_json` writes a list of them, one after the other."""
    before = "[\n  "
    for value in values:
        text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")  # strings have no line breaks
        stream.write(f"{before}{text}")
        before = ",\n  "
    stream.write("[]\n" if before.startswith("[") else "\n]\n")
