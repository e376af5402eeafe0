"""The line protocol on Twisted: one line in, one reply out, in order, for whatever bytes come.

A reply goes straight to the socket where it can, since registering with the reactor for each costs more than the whole
lookup. Where the socket does not take all of it, the protocol reads no more until it has: a client that asks and never
reads costs the server nothing but its place.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import cast

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPullProducer,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias import wire
from trualias.answering import Fault, ask
from trualias.log import logger
from trualias.lookup import Ambiguous, Found, Lookup, NotFound, OverBudget, Replies, Snapshot, Snapshots
from trualias.places import Kind
from trualias.statistics import Collector, NullStatistics, Statistics

_log = logger(__name__)

_TURN = 40
"""Requests of one client that are answered before the others have their turn."""

_LINGER = 2.0
"""Seconds for a client to take the last reply before its connection ends."""


# The first bytes of replies.
_FOUND = ord("2")
_NOT_FOUND = ord("5")


@implementer(IHalfCloseableProtocol, IPullProducer, IPushProducer)
class TableProtocol(Protocol):
    """One client's connection."""

    factory: TableFactory

    def __init__(self, factory: TableFactory) -> None:
        self.factory = factory
        self._clock = factory.clock
        self._snapshots = factory.snapshots
        self._replies_of = factory.replies_of
        self._write_some: Callable[[bytes], object] | None = None
        self._buffer = b""
        self._searched = 0  # bytes of the buffer in which there is no line feed
        self._accepted = 0.0
        self._ready: float | None = None  # when the wait for a request began; None while none is waited for
        self._offered: float | None = None  # when the reply was offered that is not yet taken; None where there is none
        self._full = False  # a transport that has to be written to in the ordinary way wants no more
        self._turn: IDelayedCall | None = None  # goes on with requests that are more than one turn has
        self._ended = False  # no more requests come, or are wanted
        self._lingering: IDelayedCall | None = None  # ends the connection of a client whose bytes are thrown away

    def connectionMade(self) -> None:
        """Begin to wait for a request."""
        self._transport = cast(Connection, self.transport)
        # A transport that wraps another one, or encrypts, must be written to in the ordinary way.
        transport: object = self.transport
        if isinstance(transport, Connection) and not getattr(transport, "TLS", False):
            self._write_some = self._transport.writeSomeData
        else:
            self._transport.registerProducer(self, True)
        self._accepted = self._clock()
        self.factory.opened(self)
        self._wait(self._accepted)

    def dataReceived(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        if self._ready is not None and not self._buffer:
            # What nearly always comes: one whole request.
            reply = self._replies_of(self._snapshots.current).recent.get(data)
            if reply is not None or 0 <= data.find(b"\n") == len(data) - 1 <= wire.LONGEST_REQUEST:
                self._answer(data, reply)
                return
        if self._lingering is not None:
            return
        self._buffer += data
        if self._ready is not None:
            self._work()

    def readConnectionLost(self) -> None:
        """The client sends no more, but may wait for replies, as Exim does."""
        self._ended = True
        if self._ready is not None or self._lingering is not None:
            self._work()

    def writeConnectionLost(self) -> None:
        """Nobody reads any more."""
        self._transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count what can no longer end, and forget the rest."""
        statistics = self.factory.statistics
        self._stop_waiting()
        if self._offered is not None:
            statistics.writes.abandon()
            self._offered = None
        statistics.connections.end(self._clock() - self._accepted)
        self._ended = True
        self._buffer = b""
        for call in (self._turn, self._lingering):
            if call is not None and call.active():
                call.cancel()
        self._turn = None
        self.factory.closed(self)

    def _wait(self, now: float) -> None:
        self._ready = now
        self.factory.statistics.reads.begin()

    def _stop_waiting(self) -> None:
        if self._ready is not None:
            self.factory.statistics.reads.abandon()
            self._ready = None

    def _work(self) -> None:
        """Answer what is in the buffer, until this client's turn is over or it has to read first."""
        for _ in range(_TURN):
            end = self._buffer.find(b"\n", self._searched)
            if max(end, len(self._buffer) if end < 0 else 0) > wire.LONGEST_REQUEST:
                self._refuse_the_rest()
                return
            if end < 0:
                self._searched = len(self._buffer)
                if self._ended:
                    self._transport.loseConnection()
                return
            request = self._buffer[: end + 1]
            self._buffer = self._buffer[end + 1 :]
            self._searched = 0
            self._answer(request)
            if self._ready is None:
                return
        self._transport.pauseProducing()
        self._stop_waiting()
        self._turn = self.factory.reactor.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        self._turn = None
        self._wait(self._clock())
        self._read_on()
        self._work()

    def _read_on(self) -> None:
        if not self._ended:
            self._transport.resumeProducing()

    def _answer(self, request: bytes, reply: bytes | None = None) -> None:
        """Reply to a request, given with its end; ``reply`` is the one that was given before, where it is known.

        The statistics are counted without calls, which would cost as much as all the rest.
        """
        clock = self._clock
        received = clock()
        statistics = self.factory.statistics
        reads = statistics.reads
        reads.ended += 1
        reads.elapsed += received - cast(float, self._ready)
        offered = received
        if reply is None:
            outcome, reply = self._reply(request, statistics)
            offered = clock()
        else:
            outcome = _outcome_of(reply, statistics)
        self._send(reply, outcome, received, offered)

    def _reply(self, request: bytes, statistics: Statistics | NullStatistics) -> tuple[Collector, bytes]:
        """Work out the reply to a request, and as what it counts."""
        match wire.read_request(request):
            case wire.Get(key):
                reply = wire.NOT_FOUND if key is None else self._look_up(request, key)
                return _outcome_of(reply, statistics), reply
            case wire.Misfit() as misfit:
                return statistics.bad, wire.refused(misfit)
            case wire.Command() as command:
                if not statistics.enabled:
                    return statistics.bad, wire.NO_STATISTICS
                if command is wire.Command.STATS:
                    return statistics.stats, wire.statistics_lines(statistics.lines())
                return statistics.stats, wire.statistics_json(statistics.json())

    def _look_up(self, request: bytes, key: str) -> bytes:
        snapshot = self._snapshots.current
        replies = self._replies_of(snapshot)
        known = replies.get(request)
        if known is not None:
            return known
        match ask(self.factory.lookup_of(snapshot), key):
            case NotFound():
                replies.keep(request, wire.NOT_FOUND)
                return wire.NOT_FOUND
            case Found(value, _, readings):
                reply = _found(value)
                if readings == 1 and reply is not wire.FAULT:
                    replies.keep(request, reply)
                return reply
            case Ambiguous(_, value):
                return wire.NOT_FOUND if value is None else _found(value)
            case OverBudget() | Fault():
                return wire.FAULT

    def _send(self, reply: bytes, outcome: Collector, received: float, offered: float) -> None:
        """Offer a reply to the transport. All times are the clock's."""
        statistics = self.factory.statistics
        writes = statistics.writes
        writes.begun += 1
        if self._write_some is not None:
            taken = self._write_some(reply)
        else:
            self._transport.write(reply)
            taken = None if self._full else len(reply)
        now = self._clock()
        outcome.ended += 1
        outcome.elapsed += now - received
        if taken == len(reply):
            writes.ended += 1
            writes.elapsed += now - offered
            statistics.reads.begun += 1
            self._ready = now
        else:
            self._ready = None
            self._hand_over(reply, taken, offered)

    def _hand_over(self, reply: bytes, taken: object, offered: float) -> None:
        """Leave the rest of a reply to the transport, and read no more until the client has taken it."""
        self._transport.pauseProducing()
        if self._write_some is not None:
            # Where the connection broke the transport says so instead of a number, and again when it is written to.
            self._transport.write(reply[taken:] if isinstance(taken, int) else reply)
            # A producer that is pulled is asked for more when all is taken, and once here, before the reply counts.
            self._transport.registerProducer(self, False)
        self._offered = offered

    def pauseProducing(self) -> None:
        """The transport wants no more for now."""
        self._full = True

    def stopProducing(self) -> None:
        """The connection is lost; ``connectionLost`` tells so, too."""

    def resumeProducing(self) -> None:
        """The transport has taken all: go on."""
        self._full = False
        if self._offered is None:
            return
        now = self._clock()
        self.factory.statistics.writes.end(now - self._offered)
        self._offered = None
        if self._write_some is not None:
            self._transport.unregisterProducer()
        if self._lingering is not None:
            self._end_gently()
            return
        self._wait(now)
        self._read_on()
        self._work()

    def _refuse_the_rest(self) -> None:
        """Answer a request that is too long, and throw away what may still come of it.

        To close at once would reset the connection, since there are bytes that nobody read, and the reply could be
        lost on its way.
        """
        self._buffer = b""
        self._ended = True
        received = self._clock()
        statistics = self.factory.statistics
        statistics.reads.end(received - cast(float, self._ready))
        self._send(wire.refused(wire.Misfit.TOO_LONG), statistics.bad, received, received)
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
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def recount(self, statistics: Statistics | NullStatistics) -> None:
        """Tell new statistics of what is under way."""
        statistics.connections.begin()
        if self._ready is not None:
            statistics.reads.begin()
        if self._offered is not None:
            statistics.writes.begin()


def _found(value: str) -> bytes:
    try:
        return wire.found(value)
    except wire.ReplyTooLong as error:
        _log.error("a value was not answered: {error}", error=str(error))
        return wire.FAULT


def _outcome_of(reply: bytes, statistics: Statistics | NullStatistics) -> Collector:
    first = reply[0]
    if first == _FOUND:
        return statistics.success
    return statistics.not_found if first == _NOT_FOUND else statistics.bad


class TableFactory(Factory):
    """Builds the protocol for each client.

    Args:
        reactor: for delays.
        snapshots: holds the snapshot in force.
        kind: which of the two servers this is.
        clock: tells seconds, for durations.
        connection_limit: how many clients there may be at once; more are refused.

    """

    noisy = False

    def __init__(
        self,
        reactor: IReactorTime,
        snapshots: Snapshots,
        kind: Kind,
        clock: Callable[[], float],
        connection_limit: int = 1000,
    ) -> None:
        self.reactor = reactor
        self.snapshots = snapshots
        self.clock = clock
        self.connection_limit = connection_limit
        name = {Kind.TABLE: "table", Kind.VIRTUAL: "virtual"}[kind]
        self.lookup_of: Callable[[Snapshot], Lookup] = attrgetter(name)
        self.replies_of: Callable[[Snapshot], Replies] = attrgetter(f"{name}_replies")
        self._statistics: Statistics | NullStatistics = NullStatistics()
        self._open: set[TableProtocol] = set()

    @property
    def statistics(self) -> Statistics | NullStatistics:
        """What is counted goes here; other statistics are told of the connections that there are."""
        return self._statistics

    @statistics.setter
    def statistics(self, statistics: Statistics | NullStatistics) -> None:
        self._statistics = statistics
        for connection in self._open:
            connection.recount(statistics)

    def buildProtocol(self, addr: IAddress | None) -> TableProtocol | None:  # type: ignore[override]
        """Take a client, or refuse it where there are too many: None makes Twisted close the connection."""
        if len(self._open) >= self.connection_limit:
            _log.warn(
                "refused a connection from {client}: there are {limit} already",
                client=addr,
                limit=self.connection_limit,
            )
            return None
        return TableProtocol(self)

    def opened(self, connection: TableProtocol) -> None:
        """Take note of a connection."""
        self._open.add(connection)
        self._statistics.connections.begin()

    def closed(self, connection: TableProtocol) -> None:
        """Forget a connection."""
        self._open.discard(connection)
