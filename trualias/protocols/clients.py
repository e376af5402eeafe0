"""The clients of a process, in all its protocols: their limit, their networks, and the counts of their requests."""

from __future__ import annotations

from bisect import bisect_left
from ipaddress import ip_address, ip_network
from typing import Protocol

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress

from trualias.configuration import Configuration
from trualias.configuration.networks import Network, unmapped
from trualias.configuration.settings import Settings
from trualias.monitoring.counters import BOUNDS, Counters
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.protocols.refusal_log import RefusalLog
from trualias.protocols.reply import Reply
from trualias.protocols.responder import AddressWarnings

_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Client(Protocol):
    """One client's connection."""

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Begin the connection in new statistics, and its read or write that is in progress."""

    def finish_pending(self) -> None:
        """Answer what the client has sent so far, then end the connection."""

    def abort(self) -> None:
        """End the connection now."""


class Clients:
    """All clients of a process.

    ``refused_by_limit`` and ``refused_by_network`` count refused connections, ``refusal_log`` logs them.
    ``address_warnings`` log ambiguous addresses. ``counters`` count requests for the metrics; None without metrics.
    """

    def __init__(self, limit: int = Settings().connections, counters: Counters | None = None) -> None:
        self.limit = limit
        self.counters = counters
        self.refusal_log = RefusalLog()
        self.address_warnings = AddressWarnings()
        self.refused_by_limit = 0
        self.refused_by_network = 0
        self._allowed = _LOOPBACK
        self.statistics: Statistics | NullStatistics = NullStatistics()
        self._open: set[Client] = set()
        self._all_closed: Deferred[None] | None = None

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def __bool__(self) -> bool:
        """Return True, also without any connection."""
        return True

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Count in other statistics from now on, beginning with what is in progress."""
        self.statistics = statistics
        for client in self._open:
            client.report_in_progress(statistics)

    def configure(self, configuration: Configuration) -> None:
        """Apply the settings ALLOW and CONNECTIONS to new connections."""
        self._allowed = configuration.settings.allow or _LOOPBACK
        self.limit = configuration.settings.connections

    def admit(self, address: IAddress | None) -> bool:
        """Return whether a client may connect; count and log a refusal."""
        if not self.is_allowed(address):
            return False
        if len(self._open) >= self.limit:
            self.refused_by_limit += 1
            self.refusal_log.refused(address, f"there are {self.limit} already")
            return False
        return True

    def is_allowed(self, address: object) -> bool:
        """Return whether a client's network is allowed; count and log a refusal.

        Unix sockets are always allowed: access to them is a matter of file permissions.
        """
        match address:
            case IPv4Address() | IPv6Address():
                # A socket of both address families shows IPv4 clients as ::ffff:192.0.2.1.
                host = unmapped(ip_address(address.host))
            case _:
                return True
        if any(host in network for network in self._allowed):
            return True
        self.refused_by_network += 1
        self.refusal_log.refused(address, "it is in no network of ALLOW")
        return False

    def opened(self, client: Client) -> None:
        """Add a connection."""
        self._open.add(client)
        self.statistics.connections.begin()

    def closed(self, client: Client) -> None:
        """Remove a connection."""
        self._open.discard(client)
        if self._all_closed is not None and not self._open:
            all_closed, self._all_closed = self._all_closed, None
            all_closed.callback(None)

    def record(self, reply: Reply, waited: float, elapsed: float, written: float | None) -> None:
        """Count a reply that is sent, in the statistics and for the metrics. All times are in seconds.

        ``waited`` is the wait for the request, ``elapsed`` the time from the whole request to the sent reply.
        ``written`` is the time that the client took for the reply, None if it has not taken it yet; if it has, the wait
        for the next request begins.
        """
        # Increments without calls: each call would cost as much as three of them.
        statistics = self.statistics
        reads = statistics.reads
        reads.ended += 1
        reads.elapsed += waited
        writes = statistics.writes
        writes.begun += 1
        if written is not None:
            writes.ended += 1
            writes.elapsed += written
            reads.begun += 1
        outcome = statistics.outcomes[reply.kind]
        outcome.ended += 1
        outcome.elapsed += elapsed
        counters = reply.counters
        if counters is not None:
            counters.elapsed += elapsed
            reply.buckets[bisect_left(BOUNDS, elapsed)] += 1
            if reply.wrong_codes:
                for wrong_code in reply.wrong_codes:
                    wrong_code[0] += 1

    def finish_pending(self) -> None:
        """Answer what the clients have sent so far, then end the connections."""
        for client in tuple(self._open):
            client.finish_pending()

    def abort(self) -> None:
        """End all connections now."""
        for client in tuple(self._open):
            client.abort()

    def all_closed(self) -> Deferred[None]:
        """Return a Deferred that fires when no connection is open; to be called once."""
        if not self._open:
            return succeed(None)
        self._all_closed = Deferred()
        return self._all_closed
