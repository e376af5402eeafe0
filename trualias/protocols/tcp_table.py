"""The line protocol on Twisted: one line in, one reply out, in order, for whatever bytes come."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from trualias.configuration.settings import WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, NotFoundReason
from trualias.monitoring.counters import RequestOutcome
from trualias.monitoring.statistics import ReplyKind
from trualias.protocols import wire
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.reply import Reply
from trualias.protocols.responder import Responder

_LINGER = 2.0
"""Seconds for a client to take the last reply before its connection ends."""


class TableProtocol(ClientProtocol):
    """The connection of one client that speaks the line protocol."""

    factory: TableFactory

    def __init__(self, factory: TableFactory) -> None:
        super().__init__(factory)
        self._table = factory.table
        self._cache = factory.cache
        self._responder = factory.responder
        self._buffer = b""
        self._searched = 0  # bytes of the buffer in which there is no line feed
        self._lingering: IDelayedCall | None = None  # ends the connection of a client whose bytes are thrown away

    def dataReceived(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        if self._ready is not None and not self._buffer:
            # What nearly always comes: one whole request.
            cache = self._cache
            snapshot = self._current.snapshot
            if cache.identity is not snapshot.identity:
                cache.use(snapshot)
            reply = cache.recent.get(data)
            if reply is not None or 0 <= data.find(b"\n") == len(data) - 1 <= wire.LONGEST_REQUEST:
                self._answer(data, last=True, reply=reply)
                return
        super().dataReceived(data)

    def finish(self) -> None:
        """Answer what has come, and then end the connection."""
        if self._lingering is not None:
            self._close_when_written()
        else:
            super().finish()

    def writeConnectionLost(self) -> None:
        """Nobody reads any more; but where we closed our half ourselves, the client may still be sending."""
        if self._lingering is None:
            super().writeConnectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count what can no longer end, and forget the rest."""
        super().connectionLost(reason)
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()

    def feed(self, data: bytes) -> None:
        """Take in what the client sent, unless its bytes are thrown away."""
        if self._lingering is None:
            self._buffer += data

    def next_request(self) -> bytes | None:
        """Give the next line, with its end."""
        end = self._buffer.find(b"\n", self._searched)
        if max(end, len(self._buffer) if end < 0 else 0) > wire.LONGEST_REQUEST:
            self._refuse_the_rest()
            return None
        if end < 0:
            self._searched = len(self._buffer)
            return None
        request = self._buffer[: end + 1]
        self._buffer = self._buffer[end + 1 :]
        self._searched = 0
        return request

    def has_no_request(self) -> bool:
        """Tell whether there is no other request that is complete."""
        return not self._buffer or b"\n" not in self._buffer

    def reply_to(self, request: bytes) -> Reply:
        """Work out the reply to a request."""
        key = wire.fast_key(request)
        if key is not None:
            return self._reply_to_key(request, key)
        make = self._responder.make
        asked = wire.read_request(request)
        if isinstance(asked, wire.Get):
            if asked.key is None:
                return make(wire.NOT_FOUND, ReplyKind.NOT_FOUND, NotFoundReason.NO_MATCH)
            return self._reply_to_key(request, asked.key)
        if isinstance(asked, wire.BadRequest):
            return make(wire.refused(asked), ReplyKind.BAD, RequestOutcome.BAD)
        statistics = self._clients.statistics
        if not statistics.enabled:
            return make(wire.NO_STATISTICS, ReplyKind.BAD, RequestOutcome.BAD)
        if asked is wire.Command.STATS:
            return make(wire.statistics_lines(statistics.lines()), ReplyKind.STATS, RequestOutcome.STATS)
        return make(wire.statistics_json(statistics.json()), ReplyKind.STATS, RequestOutcome.STATS)

    def _reply_to_key(self, request: bytes, key: str) -> Reply:
        snapshot = self._current.snapshot
        self._cache.use(snapshot)
        return self._responder.reply(request, key, snapshot.tables[self._table], self._cache)

    def _refuse_the_rest(self) -> None:
        """Answer a request that is too long, and throw away what may still come of it.

        To close at once would reset the connection, since there are bytes that nobody read, and the reply could be
        lost on its way.
        """
        self._buffer = b""
        self._ended = True
        received = self._clock()
        self._clients.statistics.reads.end(received - cast(float, self._ready))
        reply = self._responder.make(wire.refused(wire.BadRequest.TOO_LONG), ReplyKind.BAD, RequestOutcome.BAD)
        self.send(reply, received, received)
        self._stop_waiting()
        self._lingering = self.factory.reactor.callLater(_LINGER, self._transport.abortConnection)
        if self._offered is None:
            self._end_gently()

    def _end_gently(self) -> None:
        """Close our side of the connection; the client's end, or the linger's, ends it."""
        if self._write_some is not None:
            self._transport.resumeProducing()
            self._transport.loseWriteConnection()
        else:
            self._close_when_written()

    def _reply_taken(self, now: float) -> None:
        if self._lingering is not None:
            self._end_gently()
        else:
            super()._reply_taken(now)


class TableFactory(ClientFactory):
    """Builds the protocol for each client that speaks the line protocol, for one table."""

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
        self.responder = Responder(wire.LINES, self.request_counters(WireProtocol.TCP_TABLE, table.value))

    def client(self) -> TableProtocol:
        """Make the protocol for one client."""
        return TableProtocol(self)
