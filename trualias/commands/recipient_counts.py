"""How often recipients were in logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from attrs import define


@define
class RecipientCounts:
    """How often a recipient was in the logs.

    ``received`` counts mails that were delivered, ``tried`` all other times: refused, deferred, bounced. ``first`` and
    ``last`` are the times of the oldest and the newest line as numbers YYYYMMDDhhmmss in the time zone of the log, 0
    where none has a time.
    """

    received: int = 0
    tried: int = 0
    last: int = 0
    first: int = 0

    def add(self, other: RecipientCounts) -> None:
        """Add the counts of other lines."""
        self.received += other.received
        self.tried += other.tried
        self.last = max(self.last, other.last)
        self.first = min(self.first or other.first, other.first or self.first)

    def __reduce__(self) -> tuple[type[RecipientCounts], tuple[int, int, int, int]]:
        """Return what pickle needs. Without this it takes more than twice as long."""
        return RecipientCounts, (self.received, self.tried, self.last, self.first)


@define
class LogSummary:
    """How many lines of a log name a recipient: in a known form, or in another, where it counts as tried."""

    known: int = 0
    unknown: int = 0

    def add(self, other: LogSummary) -> None:
        """Add the lines of another part of the log."""
        self.known += other.known
        self.unknown += other.unknown


class CountedLines(NamedTuple):
    """Lines of a log that were counted, with the values that `trualias.commands.maillog.Recipients` has after them."""

    lines: int
    counts: dict[str, RecipientCounts]
    reached: dict[str, dict[str, RecipientCounts]]


def add_counts(sums: dict[str, RecipientCounts], more: Mapping[str, RecipientCounts]) -> None:
    """Add the counts of lines that follow those of the sums; new names keep their counts and their order."""
    for name, counts in more.items():
        if (total := sums.setdefault(name, counts)) is not counts:
            total.add(counts)
