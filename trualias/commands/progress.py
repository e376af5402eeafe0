"""A progress bar on a terminal, and none in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def progress(stream: TextIO, what: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a progress bar, and yield the function that advances it by a part of ``total``.

    The bar is removed at the end.
    """
    if not stream.isatty():
        yield lambda _part: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda part: bar.advance(task, part)
