"""Reads a large log by several processes: each counts the recipients in some parts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from typing import NamedTuple

from trualias.commands.child_processes import EndedProcess, computed_by_several
from trualias.commands.log_file import BLOCK, LogFile, UnreadableLog
from trualias.commands.maillog import Recipients
from trualias.commands.recipient_counts import CountedLines, LogSummary

_LARGEST_PART = 128 * BLOCK
"""32 MiB. With parts of half the size, each of which has most of the recipients, a log takes a tenth longer to read."""


class _Result(NamedTuple):
    """The counts of a part of a log."""

    counted: CountedLines
    summary: LogSummary
    cut_lines: int


Read = Callable[[Callable[[], None]], LogSummary]
"""A function that counts the recipients of a log, and calls its argument after each block or part."""


@contextmanager
def reading(
    log: LogFile, recipients: Recipients, most_processes: int | None = None, largest_part: int = _LARGEST_PART
) -> Iterator[Read]:
    """Yield the function that counts the recipients of a log, by several processes if the log has several parts.

    The result does not depend on the number of processes, nor does the content: they read the open file, also if it is
    renamed or removed meanwhile. By default there are as many as ``computed_by_several`` starts.
    """
    parts = [log]
    if log.size is not None and log.size > largest_part:
        # Pairs of equal parts, so that two or four processes end at the same time.
        pairs = ceil(log.size / (2 * largest_part))
        parts = log.parts(ceil(log.size / (2 * pairs * BLOCK)) * BLOCK)

    def count(part: LogFile) -> _Result | UnreadableLog:
        recipients.take()  # what this process counted before, in the first part
        try:
            summary = recipients.read(part.blocks())
        except UnreadableLog as error:
            return error
        return _Result(recipients.take(), summary, part.cut_lines)

    with computed_by_several(count, parts, most_processes) as results:
        if results is None:
            yield lambda advance: recipients.read(log.blocks(), advance)
        else:
            yield lambda advance: _gather(log, parts, results, recipients, advance)


def _gather(
    log: LogFile,
    parts: Sequence[LogFile],
    results: Iterable[_Result | UnreadableLog],
    recipients: Recipients,
    advance: Callable[[], None],
) -> LogSummary:
    """Add the counts of all parts, in the order of the log; raises UnreadableLog."""
    total = LogSummary()
    try:
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, UnreadableLog):
                raise result
            recipients.add(result.counted)
            total.add(result.summary)
            log.cut_lines += result.cut_lines
            part.skip()
            advance()
    except EndedProcess as end:
        raise UnreadableLog(f"{log.name}: cannot be read: a process that reads it {end}") from None
    return total
