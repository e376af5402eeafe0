"""The statistics of a server: seven collectors, their figures over the last minute, and these as text and JSON.

There is no clock here: durations are arguments, and ``Statistics.tick`` must be called once a second. All belongs to
the reactor's thread.
"""

import json
from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from math import fsum
from typing import Literal, NamedTuple

_MINUTE = 60

# For each quantity, the prefix of its figures in the text, and the format of its minimum and maximum.
_TEXT_STYLES = {"elapsed": ("e", ".4f"), "depth": ("d", "d"), "n_per_sec": ("n", "d")}


class ReplyKind(IntEnum):
    """The kinds of reply; each value is an index into ``Statistics.outcomes``, counted from 0."""

    SUCCESS = 0
    NOT_FOUND = 1
    BAD = 2
    STATS = 3


class Figures(NamedTuple):
    """The figures of one quantity over 60 complete seconds.

    ``minimum``, ``maximum`` and ``one``, which is the newest second, have the quantity's type; ``ten`` and ``sixty``
    are means.
    """

    minimum: float
    maximum: float
    one: float
    ten: float
    sixty: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Figures":
        """Compute the figures of 60 values, the newest last."""
        # The last digits of sum differ between versions of Python.
        return cls(min(seconds), max(seconds), seconds[-1], fsum(list(seconds)[-10:]) / 10, fsum(seconds) / _MINUTE)

    def text(self, prefix: str, extremes: str) -> str:
        """Return the figures as text; ``extremes`` is the format of the minimum and the maximum."""
        return (
            f"{prefix}min={self.minimum:{extremes}} {prefix}max={self.maximum:{extremes}} "
            f"{prefix}1={self.one:.4f} {prefix}10={self.ten:.4f} {prefix}60={self.sixty:.4f}"
        )


class Collector:
    """Counts events that are known only at their end: the requests of one outcome.

    ``ended``, the number of events, and ``elapsed``, the sum of their seconds, are of the running second. They are
    public, so that they can be incremented without a call.
    """

    __slots__ = ("_elapsed_means", "_numbers", "elapsed", "ended", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = 0
        self.elapsed = 0.0
        self._elapsed_means = deque([0.0] * _MINUTE, _MINUTE)
        self._numbers = deque([0] * _MINUTE, _MINUTE)

    def end(self, elapsed: float) -> None:
        """Count an event that took ``elapsed`` seconds."""
        self.ended += 1
        self.elapsed += elapsed

    def tick(self, idle: int) -> None:
        """Close the running second, and after it up to 60 ``idle`` seconds without events."""
        self._close(self.ended, idle)

    def figures(self) -> dict[str, Figures]:
        """Return the figures by their names in JSON, in the order of the text."""
        return {"elapsed": Figures.of(self._elapsed_means), "n_per_sec": Figures.of(self._numbers)}

    def _close(self, number: int, idle: int) -> None:
        self._elapsed_means.append(self.elapsed / self.ended if self.ended else 0.0)
        self._numbers.append(number)
        if idle:
            self._elapsed_means.extend([0.0] * idle)
            self._numbers.extend([0] * idle)
        self.ended = 0
        self.elapsed = 0.0


class DepthCollector(Collector):
    """Counts events whose begin and end are both known, and so the events in progress.

    ``begun``, ``ended``, ``abandoned`` and ``elapsed`` are of the running second, and public for the same reason.
    ``depth`` is the number of events in progress at the last tick.
    """

    __slots__ = ("_depths", "abandoned", "begun", "depth")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.begun = 0
        self.abandoned = 0
        self.depth = 0
        self._depths = deque([0] * _MINUTE, _MINUTE)

    def begin(self) -> None:
        """Count the begin of an event."""
        self.begun += 1

    def end(self, elapsed: float) -> None:
        """Count the end of an event that took ``elapsed`` seconds; does nothing if none is in progress."""
        # A broken connection may report the same end twice.
        if self.depth + self.begun > self.ended + self.abandoned:
            self.ended += 1
            self.elapsed += elapsed

    def abandon(self) -> None:
        """Drop an event that can no longer end, such as the wait for a request on a broken connection.

        The depth falls, and no elapsed time is counted; does nothing if no event is in progress.
        """
        if self.depth + self.begun > self.ended + self.abandoned:
            self.abandoned += 1

    def tick(self, idle: int) -> None:
        """Close the running second, and after it up to 60 ``idle`` seconds at the same depth."""
        # Ends that are incremented by a caller are not checked against the events in progress, hence the bound.
        self.depth = max(0, self.depth + self.begun - self.ended - self.abandoned)
        self._depths.append(self.depth)
        if idle:
            self._depths.extend([self.depth] * idle)
        self._close(self.begun, idle)
        self.begun = 0
        self.abandoned = 0

    def figures(self) -> dict[str, Figures]:
        """Return the figures by their names in JSON, in the order of the text."""
        without_depth = super().figures()
        return {
            "elapsed": without_depth["elapsed"],
            "depth": Figures.of(self._depths),
            "n_per_sec": without_depth["n_per_sec"],
        }


class Statistics:
    """The seven collectors of a server, with figures of the last 60 complete seconds, never of the running one.

    Seconds before the start count as idle. ``outcomes`` are the collectors of requests, in the order of ``ReplyKind``.
    """

    __slots__ = ("_collectors", "connections", "outcomes", "reads", "writes")

    enabled: Literal[True] = True

    def __init__(self) -> None:
        self.connections = DepthCollector("connections")
        self.reads = DepthCollector("reads")
        self.writes = DepthCollector("writes")
        self.outcomes = tuple(Collector(outcome.name.lower()) for outcome in ReplyKind)
        self._collectors: tuple[Collector, ...] = (self.connections, self.reads, self.writes, *self.outcomes)

    def tick(self, seconds: int = 1) -> None:
        """Close the running second.

        ``seconds`` is the time since the last call, at least 1. If it is more, calls were missed: all events belong to
        the first of these seconds, and the others were idle.

        Raises:
            ValueError: ``seconds`` is less than 1.
        """
        if seconds < 1:
            raise ValueError(f"seconds must be 1 or more, not {seconds}")
        idle = min(seconds - 1, _MINUTE)
        for collector in self._collectors:
            collector.tick(idle)

    def lines(self) -> list[str]:
        """Return one line of text for each collector, sorted by name, without reply codes."""
        return sorted(
            f"{collector.name}: "
            + " ".join(figures.text(*_TEXT_STYLES[quantity]) for quantity, figures in collector.figures().items())
            for collector in self._collectors
        )

    def json(self) -> str:
        """Return a JSON array on one line, the connections first, without a reply code."""
        return json.dumps(
            [
                {"name": collector.name}
                | {quantity: figures._asdict() for quantity, figures in collector.figures().items()}
                for collector in self._collectors
            ]
        )


class _NullCollector(Collector):
    __slots__ = ()

    def end(self, elapsed: float) -> None:
        pass


class _NullDepthCollector(DepthCollector):
    __slots__ = ()

    def begin(self) -> None:
        pass

    def end(self, elapsed: float) -> None:
        pass

    def abandon(self) -> None:
        pass


class NullStatistics:
    """Statistics that are switched off: collectors that count nothing, and no figures.

    For a ``Statistics | NullStatistics``, ``if statistics.enabled:`` selects the one that has ``lines`` and ``json``.
    """

    __slots__ = ("connections", "outcomes", "reads", "writes")

    enabled: Literal[False] = False

    def __init__(self) -> None:
        self.connections: DepthCollector = _NullDepthCollector("connections")
        self.reads: DepthCollector = _NullDepthCollector("reads")
        self.writes: DepthCollector = _NullDepthCollector("writes")
        self.outcomes: tuple[Collector, ...] = tuple(_NullCollector(outcome.name.lower()) for outcome in ReplyKind)
