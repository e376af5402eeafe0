"""One client's connection, in any protocol: one request at a time, in order, in fair turns with other clients.

It is the state machine of `trualias.protocols.states`. While the client has not taken a reply, no more of it is read: a
client that sends and never reads costs the server no more than its connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IAddress, IDelayedCall, IHalfCloseableProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias.configuration.setting_values import WireProtocol
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import RequestCounters
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.scheduling import FairQueue, WriteBatch
from trualias.protocols.states import (
    BATCHED,
    CLOSED,
    CLOSING,
    IN_READ,
    IN_WRITE,
    LINGERING,
    OPENED,
    PACED,
    READING,
    REFUSING,
    WRITING,
    YIELDING,
    State,
)
from trualias.protocols.wire import BadRequest, Splitter
from trualias.protocols.writers import MORE, writer_for

_REQUESTS_PER_TURN = 4
"""Requests of one client that are answered before the others have their turns. Mail servers send one at a time and must
not notice a greedy client; with 40, such a client gets twice as many replies, and they wait four times as long."""

_BYTES_PER_TURN = 8192
"""Bytes of an incomplete request after which the others have their turns. Beside five clients that send requests of
64 KiB without end, the median latency of others is 1.1 to 1.4 times the undisturbed one; without this, 2.6 times."""

_LINGER = 2.0
"""Seconds for a client to take the last reply, and to close its side, before its connection is aborted."""


@implementer(IHalfCloseableProtocol)
class ClientProtocol(Protocol):
    """One client's connection; a subclass has the splitter for its input, and the replies.

    Its ``initial_state`` is `OPENED` if it overrides ``begin``.
    """

    factory: ClientFactory
    splitter: type[Splitter]
    initial_state: State = READING

    def __init__(self, factory: ClientFactory) -> None:
        self.factory = factory
        self._clock = factory.clock
        self._current = factory.current
        self._cache = factory.cache
        self._clients = factory.clients
        self._write_batch = factory.write_batch
        self._state = self.initial_state
        self._since = 0.0  # when the wait for the request began, or the reply was offered that is being written
        self._input_ended = False  # no more input comes, or it is discarded
        self._input = self.splitter()
        self._following: bytes | BadRequest | None = None  # split off already, to know whether a request is the last
        self._linger: IDelayedCall | None = None

    def reply_to(self, request: bytes) -> Reply:
        """Return the reply to a request, which is given with its framing."""
        raise NotImplementedError

    def reply_to_whole(self, data: bytes) -> Reply | None:
        """Return the reply to data that are one request, with its framing, and nothing else, as most data are.

        None for other data, and perhaps for unusual requests: these are split off and answered by ``reply_to``. The
        cache is empty or has replies of the current snapshot.
        """
        raise NotImplementedError

    def refuse(self, bad_request: BadRequest) -> None:
        """Answer input that no request can be split off, as the last."""
        raise NotImplementedError

    def begin(self) -> None:
        """Enter `READING` if the first bytes of the input are of this protocol, or stay `OPENED` until more come."""
        self._state = READING

    def connectionMade(self) -> None:
        """Wait for the first request."""
        self._transport = cast(Connection, self.transport)
        self._writer = writer_for(self._transport, self._reply_taken)
        self._accepted = self._since = self._clock()
        self._clients.opened(self)
        self._clients.statistics.reads.begin()

    def dataReceived(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        if self._state is READING and not self._input.buffer:
            # Nearly all data are one whole request.
            cache = self._cache
            snapshot = self._current.snapshot
            if cache.identity is not snapshot.identity:
                cache.use(snapshot)
            received = self._clock()
            reply = cache.recent.get(data) or self.reply_to_whole(data)
            if reply is not None:
                self._offer_last(reply, received)
                return
        if not self._input_ended:
            self._input.feed(data)
            if self._state is OPENED:
                self.begin()
            if self._state is READING:
                self._answer_requests()
                if self._state is READING and len(self._input.buffer) >= _BYTES_PER_TURN:
                    self._wait_for_turn(PACED)

    def readConnectionLost(self) -> None:
        """Finish: the client sends no more, but may wait for replies, as Exim does."""
        self.finish()

    def writeConnectionLost(self) -> None:
        """Finish: the client reads no more, unless it is our own side that was closed."""
        if self._state is not LINGERING:
            self.finish()

    def finish(self) -> None:
        """Answer the requests that were read, then end the connection."""
        self._input_ended = True
        if self._state is OPENED:
            self._state = READING
        if self._state is READING:
            self._answer_requests()
        elif self._state is REFUSING:
            self._state = WRITING  # without input there is nothing to discard
        elif self._state is LINGERING:
            self._writer.close()

    def finish_pending(self) -> None:
        """Answer what the client has sent so far, then end the connection; with TLS, what was read of it."""
        if not self._writer.end_input():
            self.finish()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Record the interrupted read or write in the statistics, and release the connection."""
        statistics = self._clients.statistics
        if self._state in IN_READ:
            statistics.reads.abandon()
        elif self._state in IN_WRITE:
            statistics.writes.abandon()
        if self._state in (YIELDING, PACED):
            self.factory.turns.cancel(self._take_turn)
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        statistics.connections.end(self._clock() - self._accepted)
        self._state = CLOSED
        del self._writer  # which refers back to this connection
        self._clients.closed(self)

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Begin the connection in new statistics, and its read or write that is in progress."""
        statistics.connections.begin()
        if self._state in IN_READ:
            statistics.reads.begin()
        elif self._state in IN_WRITE:
            statistics.writes.begin()

    def _answer_requests(self) -> None:
        """Answer the complete requests, until the turn is over or a reply is not taken at once."""
        for remaining in reversed(range(_REQUESTS_PER_TURN)):
            request, self._following = self._following, None
            if request is None:
                request = self._input.next_request()
            if request is None:
                if self._input_ended:
                    self._state = CLOSING
                    self._writer.close()
                return
            if isinstance(request, BadRequest):
                self.refuse(request)
            else:
                self._following = self._input.next_request()
                last = self._following is None
                received = self._clock()
                reply = self.reply_to(request)
                if last:
                    self._offer_last(reply, received)
                else:
                    self.send(reply, received, self._clock(), MORE if remaining else 0)
            if self._state is not READING:
                return
        self._clients.statistics.reads.abandon()
        self._wait_for_turn(YIELDING)

    def _offer_last(self, reply: Reply, received: float) -> None:
        """Send the reply to a request that was ``received``, where no other request is complete."""
        if self._writer.is_batching:
            self._state = BATCHED
            self._write_batch.put(self, reply, received)
        else:
            self.send(reply, received, self._clock())

    def send(self, reply: Reply, received: float, offered: float, flags: int = 0) -> float:
        """Send the reply to a request that was ``received``, at the time ``offered``; return the time after it."""
        if self._state is CLOSED:
            return offered
        octets, write = reply.octets, self._writer.write
        try:
            taken = write(octets, flags)
        except OSError:
            # The socket is full, or the connection is broken, which the transport will notice.
            taken = 0
        now = self._clock()
        if taken == len(octets):
            self._clients.record(reply, received - self._since, now - received, now - offered)
            was_batched = self._state is BATCHED
            self._state = READING
            self._since = now
            if was_batched and (self._input.buffer or self._input_ended):
                self._answer_requests()
        else:
            self._clients.record(reply, received - self._since, now - received, None)
            self._state = WRITING
            self._since = offered
            self._transport.pauseProducing()
            self._writer.write_rest(octets[taken:])
        return now

    def _end_with(self, reply: Reply) -> None:
        """Send a last reply, and linger: discard the input until the client closes its side, at most `_LINGER` seconds.

        Closing at once would reset the connection, since there is input that was not read, and the reply could be lost.
        """
        self._discard_input()
        received = self._clock()
        self.send(reply, received, received)
        self._linger = self.factory.reactor.callLater(_LINGER, self.abort)
        if self._state is WRITING:
            self._state = REFUSING
        else:
            self._clients.statistics.reads.abandon()
            self._half_close()

    def _discard_input(self) -> None:
        """Discard the input that is there, and all that comes."""
        self._input_ended = True
        self._input.buffer.clear()

    def _half_close(self) -> None:
        self._state = LINGERING
        self._writer.half_close()

    def _wait_for_turn(self, state: State) -> None:
        self._transport.pauseProducing()
        self._state = state
        self.factory.turns.wait(self._take_turn)

    def _take_turn(self) -> None:
        if self._state is YIELDING:
            self._since = self._clock()
            self._clients.statistics.reads.begin()
        self._resume_reading()

    def _reply_taken(self) -> None:
        """Go on after a reply that was not taken at once."""
        if self._state not in IN_WRITE:
            return
        now = self._clock()
        self._clients.statistics.writes.end(now - self._since)
        if self._state is REFUSING:
            self._half_close()
        else:
            self._since = now
            self._clients.statistics.reads.begin()
            self._resume_reading()

    def _resume_reading(self) -> None:
        """Resume reading, after answering the requests that were read before it was paused."""
        self._state = READING
        if not self._input_ended:
            self._transport.resumeProducing()
        self._answer_requests()


class ClientFactory(Factory):
    """Builds the protocol for each client that may connect.

    ``reactor`` is for delays, ``clock`` returns seconds for durations. ``clients`` are those of the whole process, or
    the factory's own by default.
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
        """Return a protocol for a client; None if it is refused, which makes Twisted close the connection."""
        return self.client() if self.clients.admit(addr) else None

    def request_counters(self, protocol: WireProtocol, server: str) -> RequestCounters | None:
        """Return the counters of requests to a server; None without metrics."""
        counters = self.clients.counters
        return None if counters is None else counters.of(protocol.value, server)

    def client(self) -> ClientProtocol:
        """Return a protocol for one client."""
        raise NotImplementedError
