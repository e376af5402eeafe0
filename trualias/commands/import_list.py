"""Lists of addresses: one a line, or in a column of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

from trualias.commands.csv_cells import without_guard
from trualias.commands.log_file import LogFile
from trualias.commands.memory import Refused
from trualias.commands.reading_logs import opened, shown_progress
from trualias.commands.terminal import Terminal
from trualias.messages import escaped, quoted


def listed_addresses(name: str, column: str | None, terminal: Terminal) -> Iterator[str]:
    """Yield the addresses of a list, ``-`` for standard input, or of one of its columns; without empty ones.

    Raises:
        Refused: there is no such column, or there are several and none is named, or the file is not text in UTF-8.
        UnreadableLog: the file cannot be read.
    """
    with opened(name, terminal) as file, shown_progress(file, terminal) as advance:
        lines = _lines(file, advance)
        for number, text in enumerate(lines if column is None else _column(lines, column)):
            address = text.strip()
            if number == 0 and column is None and (names := _columns(address)):
                raise Refused(f"its lines have several columns; name that of the addresses by --column: {names}")
            if address:
                yield address


def _lines(file: LogFile, advance: Callable[[], None]) -> Iterator[str]:
    before = 0
    for block in file.blocks():
        try:
            yield from block.decode("utf-8").splitlines(keepends=True)
        except UnicodeDecodeError as error:
            number = before + block.count(b"\n", 0, error.start) + 1
            raise Refused(f"{file.name}: line {number} is not UTF-8 text; nothing is imported") from None
        before += block.count(b"\n")
        advance()


def _columns(line: str) -> str:
    """Return the columns that a line has, if there are several."""
    if not any(sign in line for sign in ",;\t"):
        return ""
    return ", ".join(escaped(name.strip()) for name in next(csv.reader([line], delimiter=_delimiter(line))))


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _column(lines: Iterator[str], name: str) -> Iterator[str]:
    """Yield the cells of a column of a CSV file, whose first line names the columns."""
    first = next(lines, "")
    delimiter = _delimiter(first)
    names = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    if name not in names:
        raise Refused(f"there is no column {quoted(name)}; the columns are {', '.join(map(escaped, names)) or 'none'}")
    at = names.index(name)
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            yield without_guard(row[at].strip()) if at < len(row) else ""
    except csv.Error as error:
        raise Refused(f"it is not CSV: {error}") from None
