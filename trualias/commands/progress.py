"""A bar that shows how far a command is, for a person at a terminal; in a pipe there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def progress(stream: TextIO, what: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a bar while something is done; gives the function that moves it on by a part of *total*.

    It vanishes at the end.
    """
    if not stream.isatty():
        yield lambda _part: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda part: bar.advance(task, part)
