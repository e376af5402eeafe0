"""Reads the logs that a command line names, with progress bars, and reports what could not be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from trualias.commands.log_file import LONGEST_LINE, LogFile, UnreadableLog
from trualias.commands.maillog import Recipients
from trualias.commands.parallel_reading import reading
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal, prompt_for_lines
from trualias.messages import escaped, number_of


def read_logs(recipients: Recipients, names: Sequence[str], terminal: Terminal) -> bool:
    """Count the recipients of all logs, and report what could not be read; return whether any log has a recipient.

    Raises:
        UnreadableLog: a log cannot be read, is damaged or ends too soon.
    """
    is_usable = False
    for name in names:
        with opened(name, terminal) as log, reading(log, recipients) as read, shown_progress(log, terminal) as advance:
            summary = read(advance)
        if summary.known:
            is_usable = True
        else:
            terminal.errors.write(f"no recipient found in {log.name}\n")
        if summary.unknown:
            lines = number_of(summary.unknown, "line names", "lines name")
            terminal.errors.write(f"{log.name}: {lines} a recipient in an unknown form, counted as tried\n")
        if log.cut_lines:
            lines = number_of(log.cut_lines, "line is", "lines are")
            limit = LONGEST_LINE // 1024
            terminal.errors.write(f"{log.name}: {lines} longer than {limit} KiB; the rest was skipped\n")
    if not is_usable:
        terminal.errors.write("expected logs of Postfix, Exim or Sendmail, or lists of addresses, one a line\n")
    return is_usable


@contextmanager
def opened(name: str, terminal: Terminal) -> Iterator[LogFile]:
    """Open a log, ``-`` for standard input.

    Raises:
        UnreadableLog: it cannot be opened.
    """
    if name == "-":
        prompt_for_lines(terminal, "addresses, or lines of a log")
        yield LogFile(terminal.input, "standard input")
        return
    shown = escaped(name)
    try:
        stream: BinaryIO = open(name, "rb")  # noqa: SIM115
    except OSError as error:
        raise UnreadableLog(f"{shown}: cannot be read: {error.strerror}") from error
    with stream:
        yield LogFile(stream, shown, os.fstat(stream.fileno()).st_size)


@contextmanager
def shown_progress(log: LogFile, terminal: Terminal) -> Iterator[Callable[[], None]]:
    """Show a progress bar for a file, and yield the function that moves it to where the file is read."""
    if log.size is None:
        yield lambda: None
        return
    with progress(terminal.errors, f"reading {log.name}", log.size) as move_by:
        position = 0

        def advance() -> None:
            nonlocal position
            before, position = position, log.position
            move_by(position - before)

        yield advance
