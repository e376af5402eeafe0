"""The clients of a process, whatever they speak: how many there may be, from where, and what they are counted in."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IReactorTime

from trualias.configuration import Configuration
from trualias.configuration.settings import Network, Settings, unmapped
from trualias.monitoring.counters import Counters
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.protocols.refusal_log import RefusalLog

_THIS_MACHINE: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Client(Protocol):
    """One client's connection."""

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Tell new statistics of what is under way."""

    def leave(self) -> None:
        """Answer what the client has sent until now, and then end the connection."""

    def abort(self) -> None:
        """End the connection now."""


class Clients:
    """All clients. ``refused_by_limit`` and ``refused_by_network`` count those who were turned away.

    ``tallies`` count their requests for the metrics; None where there are no metrics. ``refusals`` tell the log.
    """

    def __init__(self, limit: int = Settings().connections, counters: Counters | None = None) -> None:
        self.limit = limit
        self.counters = counters
        self.refusal_log = RefusalLog()
        self.refused_by_limit = 0
        self.refused_by_network = 0
        self._allowed = _THIS_MACHINE
        self.statistics: Statistics | NullStatistics = NullStatistics()
        self._open: set[Client] = set()
        self._ended: Deferred[None] | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def __bool__(self) -> bool:
        """Say that this is something, also where there is no client."""
        return True

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Count with other statistics from now on, which are told of the connections that there are."""
        self.statistics = statistics
        for client in self._open:
            client.report_in_progress(statistics)

    def configure(self, configuration: Configuration) -> None:
        """Let the settings ALLOW and CONNECTIONS take effect on those who connect from now on."""
        self._allowed = configuration.settings.allow or _THIS_MACHINE
        self.limit = configuration.settings.connections

    def admit(self, client: IAddress | None) -> bool:
        """Tell whether one more may connect; where not, the log says why."""
        if not self.is_allowed(client):
            return False
        if len(self._open) >= self.limit:
            self.refused_by_limit += 1
            self.refusal_log.tell(client, f"there are {self.limit} already")
            return False
        return True

    def is_allowed(self, client: object) -> bool:
        """Tell whether a client comes from where it may; where not, the log says so, and it is counted.

        File permissions say so of unix sockets.
        """
        match client:
            case IPv4Address() | IPv6Address():
                # A socket for both kinds of addresses shows IPv4 clients so: ::ffff:192.0.2.1.
                host = unmapped(ip_address(client.host))
            case _:
                return True
        if any(host in network for network in self._allowed):
            return True
        self.refused_by_network += 1
        self.refusal_log.tell(client, "it is in no network of ALLOW")
        return False

    def opened(self, client: Client) -> None:
        """Take note of a connection."""
        self._open.add(client)
        self.statistics.connections.begin()

    def closed(self, client: Client) -> None:
        """Forget a connection."""
        self._open.discard(client)
        if self._ended is not None and not self._open:
            ended, self._ended = self._ended, None
            ended.callback(None)

    def leave(self) -> None:
        """Answer what the clients have sent until now, and then end the connections."""
        for client in tuple(self._open):
            client.leave()

    def abort(self) -> None:
        """End the connections now."""
        for client in tuple(self._open):
            client.abort()

    def ended(self) -> Deferred[None]:
        """Return what fires once there is no client any more; to be asked for once."""
        if not self._open:
            return succeed(None)
        self._ended = Deferred()
        return self._ended


class GracefulShutdownService(Service):
    """Ends the connections when the server stops, after what was asked before that is answered."""

    name = "farewell"

    GRACE = 0.1
    """Seconds for requests that are on their way to be read."""

    PATIENCE = 1.5
    """Seconds for clients to take their replies."""

    def __init__(self, reactor: IReactorTime, clients: Clients) -> None:
        self._reactor = reactor
        self._clients = clients

    def stopService(self) -> Deferred[None]:
        """Let go of the clients; the Deferred fires when none is left."""
        super().stopService()
        calls = [
            self._reactor.callLater(self.GRACE, self._clients.leave),
            self._reactor.callLater(self.PATIENCE, self._clients.abort),
        ]

        def cancel(_: None) -> None:
            for call in calls:
                if call.active():
                    call.cancel()

        return self._clients.ended().addCallback(cancel)
