"""The protocol socketmap on Twisted: one netstring in, one netstring out (socketmap_table(5)).

A request names its map, which is one of the tables, on either of the two servers.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from trualias.configuration.setting_values import WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, NotFoundReason
from trualias.monitoring.counters import RequestOutcome
from trualias.monitoring.statistics import ReplyKind
from trualias.protocols import wire
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.reply import Reply
from trualias.protocols.responder import Responder

_MAPS = {table.value.encode("ascii"): table for table in Table}

_NO_NETSTRING = "what it sent is no netstring; does it use tcp: where it is to use socketmap:?"

_NO_MAP = "none"
"""The server, in the metrics, of a request that names no map."""


class SocketmapProtocol(ClientProtocol):
    """The connection of one client that speaks socketmap."""

    factory: SocketmapFactory
    splitter = wire.NetstringSplitter

    def __init__(self, factory: SocketmapFactory) -> None:
        super().__init__(factory)
        self._responders = factory.responders

    def reply_to_whole(self, data: bytes) -> Reply | None:
        """Return the reply to data that are one netstring in the form that nearly all have."""
        parsed = wire.fast_map_request(data)
        if parsed is None:
            return None
        name, key = parsed
        table = _MAPS.get(name)
        if table is None:
            return None
        return self._responders[table].reply(data, key, self._current.snapshot.tables[table], self._cache)

    def reply_to(self, request: bytes) -> Reply:
        """Return the reply to a request, which is given as a netstring."""
        parsed = wire.parse_map_request(request)
        if isinstance(parsed, wire.BadRequest):
            return self._bad_request(wire.MAP_MALFORMED)
        table = _MAPS.get(parsed.map_name)
        if table is None:
            return self._bad_request(wire.MAP_UNKNOWN)
        responder = self._responders[table]
        if parsed.key is None:
            return responder.make(wire.MAP_NOT_FOUND, ReplyKind.NOT_FOUND, NotFoundReason.NO_MATCH)
        snapshot = self._current.snapshot
        self._cache.use(snapshot)
        known = self._cache.get(request)
        return known or responder.reply(request, parsed.key, snapshot.tables[table], self._cache)

    def refuse(self, bad_request: wire.BadRequest) -> None:
        """Answer input that is no netstring, and nothing after it."""
        self._clients.refusal_log.refused(self._transport.getPeer(), _NO_NETSTRING)
        self._discard_input()
        self._offer_last(self._bad_request(wire.MAP_MALFORMED), self._clock())

    def _bad_request(self, octets: bytes) -> Reply:
        return self.factory.no_map.make(octets, ReplyKind.BAD, RequestOutcome.BAD)


class SocketmapFactory(ClientFactory):
    """Builds the protocol for each client that speaks socketmap."""

    def __init__(
        self,
        reactor: IReactorTime,
        current: CurrentSnapshot,
        clock: Callable[[], float],
        clients: Clients | None = None,
    ) -> None:
        super().__init__(reactor, current, clock, clients)
        self.responders = {table: self._responder(table.value) for table in Table}
        self.no_map = self._responder(_NO_MAP)

    def _responder(self, name: str) -> Responder:
        counters = self.request_counters(WireProtocol.SOCKETMAP, name)
        return Responder(wire.NETSTRINGS, counters, self.clients.address_warnings)

    def client(self) -> SocketmapProtocol:
        """Return a protocol for one client."""
        return SocketmapProtocol(self)
