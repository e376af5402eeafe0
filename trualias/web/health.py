"""The health of a server process, as an HTTP page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen
from twisted.web.http import OK, SERVICE_UNAVAILABLE, Request

from trualias.web.site import Page


class Listener(Protocol):
    """An endpoint that may or may not be listened on."""

    description: str

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""


@frozen(eq=False)
class Health:
    """The health of a process: good if it listens on all endpoints.

    The configuration plays no part: a process without one does not start.
    """

    listeners: Sequence[Listener]

    def problem(self) -> str | None:
        """Describe the problem; None if there is none."""
        closed = [listener.description for listener in self.listeners if not listener.listening]
        return f"not listening on {', '.join(closed)}" if closed else None


class HealthPage(Page):
    """Answers 200 and ``ok``, or 503 and the problem."""

    def __init__(self, health: Health) -> None:
        super().__init__()
        self._health = health

    def render_GET(self, request: Request) -> bytes:
        """Set the status and the headers, and return one line."""
        problem = self._health.problem()
        request.setResponseCode(OK if problem is None else SERVICE_UNAVAILABLE)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        request.setHeader(b"cache-control", b"no-store")
        return f"{problem or 'ok'}\n".encode()
