"""How commands show things to people: colours on a terminal, plain lines in a pipe.

Rich takes a tenth of a second to import, so that it is imported where it is used, not at the top of a command's module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 10_000
"""Columns of what is no terminal: nothing is wrapped or cut there, so that other programs can read it."""


def console(stream: TextIO) -> Console:
    """Make a console that writes text as it is: no markup, no guesses at what might be worth a colour."""
    from rich.console import Console

    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, soft_wrap=True, highlight=False, markup=False, emoji=False)


def table_of(*columns: str) -> Table:
    """Make a table without lines, which reads well in a pipe, too."""
    from rich.table import Table

    made = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in made.columns:
        column.overflow = "fold"
    return made


def show(to: Console, rows: Table) -> None:
    """Print a table; in a pipe without spaces at the ends of lines."""
    with to.capture() as captured:
        to.print(rows)
    text = captured.get()
    to.file.write(text if to.is_terminal else re.sub(" +$", "", text, flags=re.MULTILINE))


def write_json(stream: TextIO, value: Mapping[str, object] | Sequence[object]) -> None:
    """Write a value for programs: one JSON text, indented, so that people can read it, too."""
    stream.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def shown(text: str) -> str:
    """Give a text that came from outside so that no character of it can do anything to a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
