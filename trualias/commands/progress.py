"""A progress bar on a terminal, and none in a pipe."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
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
    from rich.markup import escape
    from rich.progress import Progress

    with _cursor_shown_at_the_end(stream), Progress(console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(escape(what), total=total)
        yield lambda part: bar.advance(task, part)


_CLEAR_AND_SHOW_CURSOR = b"\r\x1b[2K\x1b[?25h"


@contextmanager
def _cursor_shown_at_the_end(stream: TextIO) -> Iterator[None]:
    """Show the cursor, which rich hides, and remove the bar also if a signal ends the process meanwhile."""

    def end(number: int, frame: FrameType | None) -> None:
        # Not by the stream: the signal may have interrupted a write to it.
        with suppress(OSError):
            os.write(stream.fileno(), _CLEAR_AND_SHOW_CURSOR)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end)
                stack.callback(signal.signal, number, signal.SIG_DFL)
        yield
