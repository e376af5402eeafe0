"""Reads a large log by several processes: each counts the recipients in some parts of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from trualias.commands.log_file import BLOCK, LogFile, UnreadableLog
from trualias.commands.maillog import Recipients
from trualias.commands.recipient_counts import CountedLines, LogSummary

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

_PART = 128 * BLOCK
"""32 MiB. With parts of half the size, each of which has most of the recipients, a log takes a tenth longer to read."""

_MOST_PROCESSES = 8


class _Result(NamedTuple):
    """The counts of a part of a log."""

    counted: CountedLines
    summary: LogSummary
    cut_lines: int


class _Reader(NamedTuple):
    """A process that reads parts of a log, and the connection by which it sends a `_Result` or an error for each."""

    process: ForkProcess
    results: Connection[None, _Result | UnreadableLog]


Read = Callable[[Callable[[], None]], LogSummary]
"""A function that counts the recipients of a log, and calls its argument after each block or part."""


@contextmanager
def reading(
    log: LogFile, recipients: Recipients, most_processes: int | None = None, part_size: int = _PART
) -> Iterator[Read]:
    """Yield the function that counts the recipients of a log, by several processes if the log has several parts.

    The result does not depend on the number of processes: by default that of the processors, and at most 8. They start
    before the function is called, because a process with several threads, such as that of a progress bar, cannot fork
    safely. A process that already has several threads, or cannot start others, reads the log alone.
    """
    if most_processes is None:
        most_processes = min(_processors(), _MOST_PROCESSES)
    parts = log.parts(part_size) if most_processes > 1 and threading.active_count() == 1 else [log]
    with ExitStack() as stack:
        readers: list[_Reader] = []
        if len(parts) > 1:
            with suppress(OSError):  # too many processes or open files
                readers = stack.enter_context(_started(parts, recipients, min(most_processes, len(parts))))
        if readers:
            yield lambda advance: _gather(log, parts, readers, recipients, advance)
        else:
            yield lambda advance: recipients.read(log.blocks(), advance)


def _processors() -> int:
    """Return how many processors this process may use; 1 where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@contextmanager
def _started(parts: Sequence[LogFile], recipients: Recipients, number: int) -> Iterator[list[_Reader]]:
    """Start processes, and end them at the end; raises OSError where one cannot be started."""
    from multiprocessing import get_context

    context = get_context("fork")  # the processes read the open file, also if it is renamed or removed meanwhile
    readers: list[_Reader] = []
    with ExitStack() as stack:
        for first in range(number):
            results, sender = context.Pipe(duplex=False)
            stack.enter_context(results)
            with sender:
                inherited = [results, *(reader.results for reader in readers)]
                arguments = parts[first::number], recipients, sender, inherited
                process = context.Process(target=_send_counts, args=arguments, daemon=True)
                process.start()
            stack.callback(process.join)
            stack.callback(process.kill)
            readers.append(_Reader(process, results))
        yield readers


def _send_counts(
    parts: Sequence[LogFile],
    recipients: Recipients,
    sender: Connection[_Result | UnreadableLog, None],
    inherited: Sequence[Connection[None, _Result | UnreadableLog]],
) -> None:
    """Send the counts of each part, in a process of its own.

    It closes the other ends of the connections, so that a process ends when it sends to one that has ended.
    """
    for connection in inherited:
        connection.close()
    recipients.take()
    for part in parts:
        try:
            summary = recipients.read(part.blocks())
        except UnreadableLog as error:
            sender.send(error)
            return
        sender.send(_Result(recipients.take(), summary, part.cut_lines))


def _gather(
    log: LogFile,
    parts: Sequence[LogFile],
    readers: Sequence[_Reader],
    recipients: Recipients,
    advance: Callable[[], None],
) -> LogSummary:
    """Add the counts of all parts, in the order of the log; raises UnreadableLog."""
    total = LogSummary()
    for number, part in enumerate(parts):
        counted, summary, cut_lines = _receive(log, readers[number % len(readers)])
        recipients.add(counted)
        total.add(summary)
        log.cut_lines += cut_lines
        part.skip()
        advance()
    return total


def _receive(log: LogFile, reader: _Reader) -> _Result:
    try:
        result = reader.results.recv()
    except (EOFError, OSError):
        reader.process.join()
        code = reader.process.exitcode or 0
        end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        raise UnreadableLog(f"{log.name}: cannot be read: a process that reads it {end}") from None
    if isinstance(result, UnreadableLog):
        raise result
    return result
