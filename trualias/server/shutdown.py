"""The end of the connections when the server stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from trualias.protocols.clients import Clients


class GracefulShutdownService(Service):
    """On shutdown, answers pending requests, then closes the connections.

    ``last`` are called when all are closed, and return a Deferred each that fires when their work is done.
    """

    name = "shutdown"

    GRACE = 0.1
    """Seconds for requests that are on their way to arrive."""

    PATIENCE = 1.5
    """Seconds for clients to take their replies."""

    def __init__(
        self, reactor: IReactorTime, clients: Clients, last: Iterable[Callable[[], Deferred[None]]] = ()
    ) -> None:
        self._last = tuple(last)
        self._reactor = reactor
        self._clients = clients

    def stopService(self) -> Deferred[None]:
        """Return a Deferred that fires when all connections are closed, and what comes last is done."""
        super().stopService()
        calls = [
            self._reactor.callLater(self.GRACE, self._clients.finish_pending),
            self._reactor.callLater(self.PATIENCE, self._clients.abort),
        ]

        def end(_: None) -> Deferred[None]:
            for call in calls:
                if call.active():
                    call.cancel()
            return gatherResults([function() for function in self._last]).addCallback(lambda _: None)

        return self._clients.all_closed().addCallback(end)
