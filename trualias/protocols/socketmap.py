"""The protocol socketmap on Twisted: a netstring in, a netstring out (socketmap_table(5)).

The request names the map: ``table`` or ``virtual``, whichever of the two servers it is that is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.protocols.basic import NetstringReceiver

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

_PIECE = 1024
"""Bytes that are cut into netstrings at a time; the rest of what came waits for the client's next turn."""

_MAPS = {table.value: table for table in Table}

_NO_NETSTRING = "what it sent is no netstring; does it use tcp: where it is to use socketmap:?"

_NO_MAP = "none"
"""The server of a request that names none."""


class _Requests(NetstringReceiver):
    """Cuts a stream into netstrings; after a wrong one ``brokenPeer`` is true, and nothing more is to be received.

    It is its own transport, whose connection it loses then: the real one stays until what came before is answered.
    """

    MAX_LENGTH = wire.LONGEST_NETSTRING

    def __init__(self) -> None:
        self.complete: deque[bytes] = deque()
        self.makeConnection(self)

    def stringReceived(self, string: bytes) -> None:
        """Keep a request."""
        self.complete.append(string)

    def loseConnection(self) -> None:
        """Do nothing."""


class SocketmapProtocol(ClientProtocol):
    """The connection of one client that speaks socketmap."""

    factory: SocketmapFactory

    def __init__(self, factory: SocketmapFactory) -> None:
        super().__init__(factory)
        self._requests = _Requests()
        self._uncut = b""
        self._responders = factory.responders
        self._cache = factory.cache

    def feed(self, data: bytes) -> None:
        """Take in what the client sent, unless something wrong came before."""
        if not self._requests.brokenPeer:
            self._uncut += data

    def next_request(self) -> bytes | None:
        """Give what the next netstring holds."""
        return None if self.has_no_request() else self._requests.complete.popleft()

    def has_no_request(self) -> bool:
        """Tell whether there is no other request that is complete."""
        requests = self._requests
        while not requests.complete and self._uncut:
            piece = self._uncut[:_PIECE]
            self._uncut = self._uncut[_PIECE:]
            requests.dataReceived(piece)
            if requests.brokenPeer:
                self._clients.refusal_log.tell(self._transport.getPeer(), _NO_NETSTRING)
                self._uncut = b""
                self._ended = True
                # It is answered as what an empty netstring is: as no request.
                requests.complete.append(b"")
        return not requests.complete

    def reply_to(self, request: bytes) -> Reply:
        """Work out the reply to a request."""
        asked = wire.read_map_request(request)
        if isinstance(asked, wire.BadRequest):
            return self._responders[_NO_MAP].make(wire.MAP_MALFORMED, ReplyKind.BAD, RequestOutcome.BAD)
        table = _MAPS.get(asked.map_name)
        if table is None:
            return self._responders[_NO_MAP].make(wire.MAP_UNKNOWN, ReplyKind.BAD, RequestOutcome.BAD)
        responder = self._responders[asked.map_name]
        if asked.key is None:
            return responder.make(wire.MAP_NOT_FOUND, ReplyKind.NOT_FOUND, NotFoundReason.NO_MATCH)
        snapshot = self._current.snapshot
        self._cache.use(snapshot)
        return responder.reply(request, asked.key, snapshot.tables[table], self._cache)


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
        self.responders = {
            name: Responder(wire.NETSTRINGS, self.request_counters(WireProtocol.SOCKETMAP, name))
            for name in (*_MAPS, _NO_MAP)
        }

    def client(self) -> SocketmapProtocol:
        """Make the protocol for one client."""
        return SocketmapProtocol(self)
