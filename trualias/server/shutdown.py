"""The end of the connections when the server stops."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from trualias.protocols.clients import Clients


class GracefulShutdownService(Service):
    """On shutdown, answers pending requests, then closes the connections."""

    name = "shutdown"

    GRACE = 0.1
    """Seconds for requests that are on their way to arrive."""

    PATIENCE = 1.5
    """Seconds for clients to take their replies."""

    def __init__(self, reactor: IReactorTime, clients: Clients) -> None:
        self._reactor = reactor
        self._clients = clients

    def stopService(self) -> Deferred[None]:
        """Return a Deferred that fires when all connections are closed."""
        super().stopService()
        calls = [
            self._reactor.callLater(self.GRACE, self._clients.finish_pending),
            self._reactor.callLater(self.PATIENCE, self._clients.abort),
        ]

        def cancel(_: None) -> None:
            for call in calls:
                if call.active():
                    call.cancel()

        return self._clients.all_closed().addCallback(cancel)
