"""A progress bar on a terminal, and none in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO


@contextmanager
def progress(
    stream: TextIO,
    what: str,
    total: float | None,
    after: float = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[float], None]]:
    """Show a progress bar, and yield the function that advances it by a part of ``total``.

    The bar pulses where the total is None. It is shown once ``after`` seconds have passed, and removed at the end.
    """
    if not stream.isatty():
        yield lambda _part: None
        return
    with ExitStack() as stack:
        due = clock() + after
        shown: Callable[[float], None] | None = None
        done = 0.0

        def advance(part: float) -> None:
            nonlocal shown, done
            done += part
            if shown is not None:
                shown(part)
            elif clock() >= due:
                shown = stack.enter_context(_bar(stream, what, total))
                shown(done)

        if not after:
            advance(0)
        yield advance


@contextmanager
def _bar(stream: TextIO, what: str, total: float | None) -> Iterator[Callable[[float], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda part: bar.advance(task, part)
