"""The line protocol on Twisted: one line in, one reply out, in order, whatever bytes come (tcp_table(5))."""

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
from trualias.protocols.states import OPENED, READING

_NETSTRING = "what it sent is a netstring; does it use socketmap: where it is to use tcp:?"


class TableProtocol(ClientProtocol):
    """The connection of one client that speaks the line protocol."""

    factory: TableFactory
    splitter = wire.LineSplitter
    initial_state = OPENED

    def __init__(self, factory: TableFactory) -> None:
        super().__init__(factory)
        self._table = factory.table
        self._responder = factory.responder

    def begin(self) -> None:
        """Refuse a client of socketmap by its first bytes: it may send no line feed, and wait for a reply."""
        is_netstring = wire.begins_netstring(self._input.buffer)
        if is_netstring is None:
            return
        self._state = READING
        if is_netstring:
            self._clients.refusal_log.refused(self._transport.getPeer(), _NETSTRING)
            self._end_with(self._responder.make(wire.MAP_AT_LINES, ReplyKind.BAD, RequestOutcome.BAD))

    def reply_to_whole(self, data: bytes) -> Reply | None:
        """Return the reply to data that are one line in the form that nearly all have."""
        key = wire.fast_key(data)
        if key is None:
            return None
        return self._responder.reply(data, key, self._current.snapshot.tables[self._table], self._cache)

    def reply_to(self, request: bytes) -> Reply:
        """Return the reply to a request, which is given with its line feed."""
        make = self._responder.make
        parsed = wire.parse_request(request)
        if isinstance(parsed, wire.Get):
            if parsed.key is None:
                return make(wire.NOT_FOUND, ReplyKind.NOT_FOUND, NotFoundReason.NO_MATCH)
            return self._reply_to_key(request, parsed.key)
        if isinstance(parsed, wire.BadRequest):
            return self._reply_to_bad_request(parsed)
        statistics = self._clients.statistics
        if not statistics.enabled:
            return make(wire.NO_STATISTICS, ReplyKind.BAD, RequestOutcome.BAD)
        if parsed is wire.Command.STATS:
            return make(wire.statistics_lines(statistics.lines()), ReplyKind.STATS, RequestOutcome.STATS)
        return make(wire.statistics_json(statistics.json()), ReplyKind.STATS, RequestOutcome.STATS)

    def refuse(self, bad_request: wire.BadRequest) -> None:
        """Answer a request that is too long, then discard the input."""
        self._end_with(self._reply_to_bad_request(bad_request))

    def _reply_to_key(self, request: bytes, key: str) -> Reply:
        snapshot = self._current.snapshot
        self._cache.use(snapshot)
        known = self._cache.get(request)
        return known or self._responder.reply(request, key, snapshot.tables[self._table], self._cache)

    def _reply_to_bad_request(self, bad_request: wire.BadRequest) -> Reply:
        return self._responder.make(wire.refused(bad_request), ReplyKind.BAD, RequestOutcome.BAD)


class TableFactory(ClientFactory):
    """Builds the protocol for each client of one table that speaks the line protocol."""

    def __init__(
        self,
        reactor: IReactorTime,
        current: CurrentSnapshot,
        table: Table,
        clock: Callable[[], float],
        clients: Clients | None = None,
    ) -> None:
        super().__init__(reactor, current, clock, clients)
        self.table = table
        counters = self.request_counters(WireProtocol.TCP_TABLE, table.value)
        self.responder = Responder(wire.LINES, counters, self.clients.address_warnings)

    def client(self) -> TableProtocol:
        """Return a protocol for one client."""
        return TableProtocol(self)
