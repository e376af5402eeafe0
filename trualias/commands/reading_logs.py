"""Reads the logs that a command line names, with progress bars, and reports what could not be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from trualias.commands.log_file import LONGEST_LINE, LogFile, UnreadableLog
from trualias.commands.maillog import Recipients
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal, prompt_for_lines
from trualias.messages import number_of


def read_logs(recipients: Recipients, names: Sequence[str], terminal: Terminal) -> bool:
    """Count the recipients of all logs, and report what could not be read; return whether any log has a recipient.

    Raises:
        UnreadableLog: a log cannot be read, is damaged or ends too soon.
    """
    is_usable = False
    for name in names:
        with opened(name, terminal) as (log, advance):
            summary = recipients.read(log.blocks(), advance)
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
def opened(name: str, terminal: Terminal) -> Iterator[tuple[LogFile, Callable[[], None]]]:
    """Open a log, ``-`` for standard input; give it, and the function that moves its progress bar to where it is."""
    if name == "-":
        prompt_for_lines(terminal, "addresses, or lines of a log")
        yield LogFile(terminal.input, "standard input"), lambda: None
        return
    try:
        stream: BinaryIO = open(name, "rb")  # noqa: SIM115
    except OSError as error:
        raise UnreadableLog(f"{name}: cannot be read: {error.strerror}") from error
    with stream, progress(terminal.errors, f"reading {name}", os.fstat(stream.fileno()).st_size) as move_by:
        position = 0

        def advance() -> None:
            nonlocal position
            if stream.seekable():
                before, position = position, stream.tell()
                move_by(position - before)

        yield LogFile(stream, name), advance
