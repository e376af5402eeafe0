"""One client's connection, whatever it speaks: one request at a time, in order, and its turn among the others.

A reply goes straight to the socket where it can, since registering with the reactor for each costs more than the whole
lookup; the last of what a client asked for waits in the `Outbox` for the replies to others. Where the socket does not
take all of a reply, the protocol reads no more until it has: a client that asks and never reads costs the server
nothing but its place.
"""

from __future__ import annotations

import socket
from bisect import bisect_left
from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IPullProducer,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias.configuration.settings import WireProtocol
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import BOUNDS, RequestCounters
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.scheduling import FairQueue, Turn
from trualias.protocols.sockets import MORE, plain_socket
from trualias.protocols.write_batch import WriteBatch

_TURN = 4
"""Requests of one client that are answered before the others have their turn. Mail servers ask for one thing at a time:
they must not feel a greedy client. With 40 such a one has twice as many answers, and they wait four times as long."""


@implementer(IHalfCloseableProtocol, IPullProducer, IPushProducer)
class ClientProtocol(Protocol):
    """One client's connection; a subclass says how requests and replies are written."""

    factory: ClientFactory

    def __init__(self, factory: ClientFactory) -> None:
        self.factory = factory
        self._clock = factory.clock
        self._current = factory.current
        self._clients = factory.clients
        self._write_batch = factory.write_batch
        self._write_some: Callable[[bytes, int], int] | None = None
        self._accepted = 0.0
        self._ready: float | None = None  # when the wait for a request began; None while none is waited for
        self._offered: float | None = None  # when the reply was offered that is not yet taken; None where there is none
        self._producing = False  # a transport that has to be written to in the ordinary way says when it wants more
        self._full = False  # and such a transport wants no more
        self._turn: Turn | None = None  # goes on with requests that are more than one turn has
        self._more = False  # there is something to do once the reply is sent that waits in the outbox
        self._ended = False  # no more requests come, or are wanted
        self._lost = False

    def feed(self, data: bytes) -> None:
        """Take in what the client sent."""
        raise NotImplementedError

    def next_request(self) -> bytes | None:
        """Give the next request that is complete, and forget it; None where there is none yet."""
        raise NotImplementedError

    def has_no_request(self) -> bool:
        """Tell whether there is no other request that is complete."""
        raise NotImplementedError

    def reply_to(self, request: bytes) -> Reply:
        """Work out the reply to a request."""
        raise NotImplementedError

    def connectionMade(self) -> None:
        """Begin to wait for a request."""
        self._transport = cast(Connection, self.transport)
        plain = plain_socket(self.transport)
        if plain is not None:
            self._write_some = plain.send
        else:
            self._transport.registerProducer(self, True)
            self._producing = True
        self._accepted = self._clock()
        self._clients.opened(self)
        self._wait(self._accepted)

    def dataReceived(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        self.feed(data)
        self._continue()

    def readConnectionLost(self) -> None:
        """The client sends no more, but may wait for replies, as Exim does."""
        self.finish()

    def finish(self) -> None:
        """Answer what has come, and then end the connection."""
        self._ended = True
        self._continue()

    def _continue(self) -> None:
        if self._ready is not None:
            self._work()
        else:
            self._more = True

    def leave(self) -> None:
        """Answer what the client has sent until now, and then end the connection: the server stops.

        Of a client behind TLS, what has been read until now.
        """
        if self._write_some is None:
            self.finish()
            return
        try:
            # What Linux holds of requests can still be read, and after that their end.
            self._transport.getHandle().shutdown(socket.SHUT_RD)
        except OSError:
            # The connection broke: the transport will find out.
            self.finish()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abortConnection()

    def writeConnectionLost(self) -> None:
        """Nobody reads any more."""
        self._close_when_written()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count what can no longer end, and forget the rest."""
        statistics = self._clients.statistics
        self._stop_waiting()
        if self._offered is not None:
            statistics.writes.abandon()
            self._offered = None
        statistics.connections.end(self._clock() - self._accepted)
        self._ended = self._lost = True
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._clients.closed(self)

    def _wait(self, now: float) -> None:
        self._ready = now
        self._clients.statistics.reads.begin()

    def _stop_waiting(self) -> None:
        if self._ready is not None:
            self._clients.statistics.reads.abandon()
            self._ready = None

    def _work(self) -> None:
        """Answer what has come, until this client's turn is over or it has to read first."""
        self._more = False
        for left in reversed(range(_TURN)):
            request = self.next_request()
            if request is None:
                if self._ended and self._ready is not None:
                    self._close_when_written()
                return
            last = self.has_no_request()
            self._answer(request, last=last, flags=0 if last or not left else MORE)
            if self._ready is None:
                return
        self._transport.pauseProducing()
        self._stop_waiting()
        self._turn = self.factory.turns.wait(self._next_turn)

    def _next_turn(self) -> None:
        self._turn = None
        self._wait(self._clock())
        self._read_on()
        self._work()

    def _close_when_written(self) -> None:
        """End the connection once everything that was written is taken."""
        if self._producing:
            # TLS waits for what a producer may still have.
            self._producing = False
            self._transport.unregisterProducer()
        self._transport.loseConnection()

    def _read_on(self) -> None:
        if not self._ended:
            self._transport.resumeProducing()

    def _answer(self, request: bytes, *, last: bool, flags: int = 0, reply: Reply | None = None) -> None:
        """Reply to a request, given with its end; ``reply`` is the one that was given before, where it is known.

        ``last`` tells that no other request is complete; ``flags`` are those of send(2). The statistics are counted
        without calls, which would cost as much as all the rest.
        """
        received = self._clock()
        reads = self._clients.statistics.reads
        reads.ended += 1
        ready = self._ready
        assert ready is not None
        reads.elapsed += received - ready
        if reply is None:
            reply = self.reply_to(request)
        if last and self._write_some is not None:
            self._ready = None
            self._more = self._ended
            self._write_batch.put(self, reply, received)
        else:
            self.send(reply, received, self._clock(), flags)

    def send(self, reply: Reply, received: float, offered: float, flags: int = 0) -> float:
        """Offer a reply to the transport, now that it is ``offered``; gives the time thereafter, by the clock."""
        if self._lost:
            return offered
        octets = reply.octets
        statistics = self._clients.statistics
        writes = statistics.writes
        writes.begun += 1
        if self._write_some is not None:
            try:
                taken = self._write_some(octets, flags)
            except OSError:
                # The socket is full, or the connection broke: the transport will find out.
                taken = 0
        else:
            self._transport.write(octets)
            taken = 0 if self._full else len(octets)
        now = self._clock()
        elapsed = now - received
        outcome = statistics.outcomes[reply.kind]
        outcome.ended += 1
        outcome.elapsed += elapsed
        counters = reply.counters
        if counters is not None:
            counters.elapsed += elapsed
            reply.counts[bisect_left(BOUNDS, elapsed)] += 1
            if reply.wrong_codes:
                for number in reply.wrong_codes:
                    number[0] += 1
        if taken == len(octets):
            writes.ended += 1
            writes.elapsed += now - offered
            statistics.reads.begun += 1
            self._ready = now
            if self._more:
                self._work()
        else:
            self._ready = None
            self._write_rest(octets, taken, offered)
        return now

    def _write_rest(self, octets: bytes, taken: int, offered: float) -> None:
        """Leave the rest of a reply to the transport, and read no more until the client has taken it."""
        self._transport.pauseProducing()
        if self._write_some is not None:
            self._transport.write(octets[taken:])
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
        self._clients.statistics.writes.end(now - self._offered)
        self._offered = None
        if self._write_some is not None:
            self._transport.unregisterProducer()
        self._reply_taken(now)

    def _reply_taken(self, now: float) -> None:
        """Go on after a reply that took its time."""
        self._wait(now)
        self._read_on()
        self._work()

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Tell new statistics of what is under way."""
        statistics.connections.begin()
        if self._ready is not None:
            statistics.reads.begin()
        if self._offered is not None:
            statistics.writes.begin()


class ClientFactory(Factory):
    """Builds the protocol for each client that may connect.

    ``reactor`` is for delays, ``clock`` tells seconds for durations. ``clients`` are all of the process, and the
    factory's own unless given.
    """

    noisy = False

    def __init__(
        self,
        reactor: IReactorTime,
        current: CurrentSnapshot,
        clock: Callable[[], float],
        clients: Clients | None = None,
    ) -> None:
        self.reactor = reactor
        self.turns = FairQueue(reactor)
        self.write_batch = WriteBatch(reactor, clock)
        self.current = current
        self.clock = clock
        self.clients = clients or Clients()
        self.cache = ReplyCache()

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol | None:  # type: ignore[override]
        """Take a client, or refuse it: None makes Twisted close the connection."""
        return self.client() if self.clients.admit(addr) else None

    def request_counters(self, protocol: WireProtocol, table: str) -> RequestCounters | None:
        """Give what counts the requests to a server; None where nobody wants to know."""
        counters = self.clients.counters
        return None if counters is None else counters.of(protocol.value, table)

    def client(self) -> ClientProtocol:
        """Make the protocol for one client."""
        raise NotImplementedError
