"""The health of a server process, as an HTTP page."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from attrs import frozen

from trualias.web.http import Response


class HealthSource(Protocol):
    """A part of the process that can be unhealthy, or healthy with a remark."""

    def problem(self) -> str | None:
        """Describe the problem that makes the process unhealthy; None if there is none."""

    def remarks(self) -> Sequence[str]:
        """Return what an administrator should know although the process is healthy.

        An example is ``started from the kept copy of 2026-01-31 08:00:00``.
        """


class Listener(Protocol):
    """An endpoint that may or may not be listened on."""

    description: str

    @property
    def listening(self) -> bool:
        """True if clients can connect."""


@frozen(eq=False, repr=False)
class ListenerHealth:
    """The health of the listeners: good if all listen.

    The configuration plays no part: a process without one does not start.
    """

    listeners: Sequence[Listener]

    def problem(self) -> str | None:
        """Name the endpoints that are not listened on; None if there are none."""
        closed = [listener.description for listener in self.listeners if not listener.listening]
        return f"not listening on {', '.join(closed)}" if closed else None

    def remarks(self) -> Sequence[str]:
        """Return no remarks."""
        return ()


@frozen(eq=False, repr=False)
class HealthPage:
    """Answers 200 and ``ok``, 200 and ``ok, but`` with the remarks, or 503 and the problems."""

    sources: Sequence[HealthSource]

    def render(self, accept: str) -> Response:
        """Return one line."""
        problems = [problem for source in self.sources if (problem := source.problem()) is not None]
        if problems:
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, f"{'; '.join(problems)}\n".encode())
        remarks = [remark for source in self.sources for remark in source.remarks()]
        text = f"ok, but {'; '.join(remarks)}" if remarks else "ok"
        return Response(HTTPStatus.OK, f"{text}\n".encode())
