"""Connections of the line protocol: turns, back-pressure, half-closing clients, breaks in every state, statistics."""

from __future__ import annotations

import contextlib
import socket
import struct
import tracemalloc
from collections.abc import Callable

from twisted.internet.address import IPv4Address
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.statistics import NullStatistics, ReplyKind, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.protocols.wire import LONGEST_REQUEST
from trualias.test.conversation import Client, ConversationCase
from trualias.test.lookups import snapshot
from trualias.test.loop import Loop

GET = b"get samissexy.34\n"
BAZ = b"200 baz\n"
MISS = b"500 not found\n"
TOO_LONG = b"400 request too long\n"


class TurnTests(ConversationCase):
    """Turns of a client with many requests."""

    def test_turns(self) -> None:
        """Four requests are answered in one turn; reading is paused until the next."""
        client, other = self.connect(), self.connect()
        self.assertEqual(BAZ * 4, client.send(GET * 7))
        self.assertEqual("paused", client.transport.producerState)
        self.assertEqual(BAZ, other.send(GET))
        self.clock.advance(0)
        self.assertEqual(BAZ * 3, client.transport.empty())
        self.assertEqual("producing", client.transport.producerState)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(BAZ, client.send(GET))

    def test_depths(self) -> None:
        """Between two turns a connection does not count as waiting for a request."""
        client = self.connect()
        client.send(GET * 50)
        self.assertEqual((1, 0, 0), self.depths())
        self.clock.advance(0)
        self.assertEqual((1, 1, 0), self.depths())

    def test_end_between_turns(self) -> None:
        """A client that closes its side between two turns gets all its replies before the connection ends."""
        client = self.connect()
        received = client.send(GET * 100)
        client.protocol.readConnectionLost()
        self.assertFalse(client.transport.disconnecting)
        self.clock.pump([0] * 3)
        self.assertEqual(BAZ * 100, received + client.transport.empty())
        self.assertTrue(client.transport.disconnecting)

    def test_break_between_turns(self) -> None:
        """A connection that breaks between two turns leaves nothing in progress."""
        client = self.connect()
        client.send(GET * 100)
        client.break_connection()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual((0, 0, 0), self.depths())


class HalfCloseTests(ConversationCase):
    """Clients that close their side of the connection and wait for replies, as Exim and ``nc -N`` do."""

    def test_after_the_reply(self) -> None:
        """The connection ends after the reply."""
        client = self.connect()
        self.assertEqual(BAZ, client.send(GET))
        self.assertFalse(client.transport.disconnecting)
        client.protocol.readConnectionLost()
        self.assertTrue(client.transport.disconnecting)
        self.assertIsNone(client.transport.producer)

    def test_without_a_request(self) -> None:
        """The connection also ends without a request, or within one, which is not answered."""
        for sent in (b"", b"get samissexy.34"):
            client = self.connect()
            client.send(sent)
            client.protocol.readConnectionLost()
            self.assertEqual((b"", True), (client.transport.value(), client.transport.disconnecting))
            client.break_connection()
            self.assertEqual((0, 0, 0), self.depths())

    def test_before_the_reply_is_taken(self) -> None:
        """The connection ends only when the client has taken the replies to all its requests."""
        client = self.connect(room=0)
        client.protocol.dataReceived(GET * 3)
        client.protocol.readConnectionLost()
        for _ in range(3):
            self.assertFalse(client.transport.disconnecting)
            self.assertEqual(BAZ, client.transport.empty())
        self.assertTrue(client.transport.disconnecting)

    def test_twice(self) -> None:
        """A second report that the client has closed its side changes nothing."""
        client = self.connect()
        client.protocol.readConnectionLost()
        client.protocol.readConnectionLost()
        client.protocol.writeConnectionLost()
        self.assertTrue(client.transport.disconnecting)

    def test_other_half(self) -> None:
        """The connection ends when its sending side is closed."""
        client = self.connect()
        client.protocol.writeConnectionLost()
        self.assertTrue(client.transport.disconnecting)


class BackPressureTests(ConversationCase):
    """Clients that send and do not read."""

    def test_waits(self) -> None:
        """The server reads and answers no request until the client has taken the reply."""
        client = self.connect(room=3 * len(BAZ))
        client.protocol.dataReceived(GET * 10)
        for replies in (4, 4, 2):
            self.assertEqual("paused" if replies == 4 else "producing", client.transport.producerState)
            self.assertEqual(BAZ * replies, client.transport.empty())
        self.assertEqual("producing", client.transport.producerState)

    def test_memory(self) -> None:
        """However much a client sends, no more is buffered than one read."""
        client = self.connect(room=1_000)
        reading = 0
        for _ in range(10_000):
            if client.transport.producerState == "producing":
                client.protocol.dataReceived(GET * 100)
                reading += 1
            self.clock.advance(0)
        self.assertLess(reading, 5)
        self.assertLess(len(client.transport.value()), 1_000 + 4_096)

    def test_resumed_without_need(self) -> None:
        """A transport that pauses and resumes between two replies delays nothing."""
        client = self.connect()
        client.transport.pause_producer()
        client.transport.resume_producer()
        self.assertEqual(BAZ, client.send(GET))
        self.assertEqual((1, 1, 0), self.depths())

    def test_full_before(self) -> None:
        """A reply to a full transport is taken when the transport resumes; then the next request is answered."""
        client = self.connect()
        client.transport.pause_producer()
        client.protocol.dataReceived(GET * 2)
        self.assertEqual("paused", client.transport.producerState)
        self.assertEqual((1, 0, 1), self.depths())
        self.assertEqual(BAZ, client.transport.value())
        self.assertEqual(BAZ, client.transport.empty())
        self.assertEqual(BAZ, client.transport.empty())


class CountingTests(ConversationCase):
    """Connections, reads and writes in the statistics."""

    def in_state(self, state: str) -> Client:
        """Connect a client, and bring its connection into a state."""
        client = self.connect(room=0 if state in ("reply not taken", "refusal not taken") else 1_000_000)
        match state:
            case "within a request":
                client.send(b"get sam")
            case "between turns":
                client.send(GET * 50)
            case "reply not taken":
                client.protocol.dataReceived(GET)
            case "half closed":
                client.send(b"get")
                client.protocol.readConnectionLost()
            case "refused" | "refusal not taken":
                client.protocol.dataReceived(b"x" * 70_000)
            case _:
                self.assertEqual("waiting", state)
        return client

    STATES = {
        "waiting": (1, 1, 0),
        "within a request": (1, 1, 0),
        "between turns": (1, 0, 0),
        "reply not taken": (1, 0, 1),
        "half closed": (1, 1, 0),
        "refused": (1, 0, 0),
        "refusal not taken": (1, 0, 1),
    }
    """For each state, the connections, those that wait for a request, and the replies that are not taken."""

    def test_breaks(self) -> None:
        """A connection that breaks in any state leaves nothing in progress, and no delayed call."""
        for state, depths in self.STATES.items():
            client = self.in_state(state)
            self.assertEqual(depths, self.depths(), state)
            client.break_connection()
            self.assertEqual((0, 0, 0), self.depths(), state)
            self.assertEqual([], self.clock.getDelayedCalls())
            self.assertEqual(0, len(self.clients))

    def test_replaced(self) -> None:
        """New statistics begin with what is in progress in every state, and end it."""
        for state, depths in self.STATES.items():
            client = self.in_state(state)
            self.statistics = Statistics()
            self.clients.use_statistics(NullStatistics())
            self.clients.use_statistics(self.statistics)
            self.assertEqual(depths, self.depths(), state)
            client.break_connection()
            self.assertEqual((0, 0, 0), self.depths(), state)

    def test_goes_on(self) -> None:
        """After a change of statistics, a connection in any state goes on to its next request."""
        for state in ("waiting", "between turns", "reply not taken"):
            client = self.in_state(state)
            self.statistics = Statistics()
            self.clients.use_statistics(self.statistics)
            self.clock.advance(0)
            client.transport.empty()
            self.assertEqual((1, 1, 0), self.depths(), state)
            client.break_connection()

    def test_durations(self) -> None:
        """A request lasts from its whole line to its reply, a read until the line, a write until the reply is taken."""
        client = self.connect()
        self.seconds = iter((3.0, 5.0, 9.0)).__next__  # received, answered, written
        client.send(b"get foo\n")
        statistics = self.statistics
        self.assertEqual(
            (3.0, 6.0, 4.0),
            (statistics.reads.elapsed, statistics.outcomes[ReplyKind.NOT_FOUND].elapsed, statistics.writes.elapsed),
        )
        self.seconds = iter((20.0, 20.0, 21.0)).__next__  # the reply is in the cache
        client.send(b"get foo\n")
        self.assertEqual(
            (14.0, 7.0, 5.0),
            (statistics.reads.elapsed, statistics.outcomes[ReplyKind.NOT_FOUND].elapsed, statistics.writes.elapsed),
        )
        self.seconds = lambda: 100.0
        client.break_connection()
        self.assertEqual(100.0, statistics.connections.elapsed)

    def test_slow_write(self) -> None:
        """A reply that is not taken at once is timed until the client has taken it."""
        client = self.connect(room=0)
        client.protocol.dataReceived(GET)
        self.seconds = lambda: 7.0
        client.transport.empty()
        self.assertEqual((1, 7.0), (self.statistics.writes.ended, self.statistics.writes.elapsed))

    def test_outcomes(self) -> None:
        """Each request counts once, by its reply, however many arrive together."""
        client = self.connect()
        for requests in (
            GET * 2,
            b"get foo\nget \xff\nget foo\n",
            b"get foo\nstats\njstats\n",
            b"\nfoo\nget %\n",
            b"get\n",
        ):
            client.send(requests)
        statistics = self.statistics
        ended = {outcome: statistics.outcomes[outcome].ended for outcome in ReplyKind}
        self.assertEqual({ReplyKind.SUCCESS: 2, ReplyKind.NOT_FOUND: 4, ReplyKind.BAD: 4, ReplyKind.STATS: 2}, ended)
        self.assertEqual((12, 12, 13), (statistics.reads.ended, statistics.writes.ended, statistics.reads.begun))

    def test_switched_off(self) -> None:
        """Without statistics requests are answered."""
        client = self.connect()
        self.clients.use_statistics(NullStatistics())
        self.assertEqual(BAZ * 2, client.send(GET * 2))
        client.break_connection()


class AdmissionTests(ConversationCase):
    """The limit on connections."""

    def test_limit(self) -> None:
        """A connection above the limit is refused and logged, until another ends."""
        clients = [self.connect() for _ in range(5)]
        with capturedLogs() as events:
            self.assertIsNone(self.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 4711)))
        (event,) = events
        self.assertEqual("warn", event["log_level"].name)
        self.assertEqual("refused a connection from 127.0.0.1: there are 5 already", formatEvent(event))
        self.assertEqual((5, 5, 0), self.depths())
        clients[0].break_connection()
        self.connect()

    def test_default(self) -> None:
        """The limit is a thousand by default."""
        self.assertEqual(1_000, ClientFactory(self.clock, self.current, self.clock.seconds).clients.limit)


class SocketCase(SynchronousTestCase):
    """Clients with real sockets, and a reactor for each test."""

    def setUp(self) -> None:
        """Listen."""
        self.loop = Loop()
        self.addCleanup(self.loop.close)
        self.clients = Clients()
        self.statistics = self.clients.statistics = Statistics()
        clock = self.loop.clock.seconds
        self.factory = TableFactory(self.loop.time, CurrentSnapshot(snapshot()), Table.LOCAL_PART, clock, self.clients)
        self.listen()

    def listen(self) -> None:
        """Listen on the loopback interface."""
        self.loop.listen(self.factory)

    def has_received(self, client: socket.socket, length: int) -> Callable[[bytes], bool]:
        """Return a condition: so many bytes are received."""
        return lambda received: len(received) >= length

    def assert_gone(self) -> None:
        """Assert that no connection is left, and that none counts as in progress."""
        self.loop.turn_until(lambda: not len(self.clients))
        self.statistics.tick()
        collectors = self.statistics.connections, self.statistics.reads, self.statistics.writes
        self.assertEqual([0, 0, 0], [collector.figures()["depth"].one for collector in collectors])

    def send_until_stuck(self, client: socket.socket) -> int:
        """Send requests until a reply cannot be sent, nor another request; return how many bytes were sent."""
        sent = 0

        def is_stuck() -> bool:
            nonlocal sent
            try:
                sent += client.send((GET * 4_000)[sent % len(GET) :])
            except BlockingIOError:
                self.statistics.tick()
                return self.statistics.writes.depth == 1
            self.assertLess(sent, 1_000_000)
            return False

        self.loop.turn_until(is_stuck)
        self.assertGreater(sent, 3_000)
        return sent


class SocketTests(SocketCase):
    """Over the loopback interface."""

    def test_chat(self) -> None:
        """Requests and replies alternate."""
        client = self.loop.connect()
        for sent, received in (
            (GET, BAZ),
            (b"get foo\r\n", MISS),
            (GET, BAZ),
            (b"\n", b"400 improperly formed request\n"),
        ):
            self.loop.send(client, sent)
            self.assertEqual(received, self.loop.receive(client, self.has_received(client, len(received))))
        client.close()
        self.assert_gone()

    def test_in_pieces(self) -> None:
        """A request may arrive in single bytes."""
        client = self.loop.connect()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET:
            self.loop.send(client, bytes([byte]))
            self.loop.turn(2)
        self.assertEqual(BAZ, self.loop.receive(client, self.has_received(client, len(BAZ))))

    def test_pipelined(self) -> None:
        """Many requests at once are answered in order."""
        client = self.loop.connect()
        self.loop.send(client, b"get samissexy.34\nget foo\nbar\n" * 500)
        wanted = (BAZ + MISS + b"400 unrecognized command\n") * 500
        self.assertEqual(wanted, self.loop.receive(client, self.has_received(client, len(wanted))))

    def test_few_at_once(self) -> None:
        """Replies to a few requests arrive together, and none waits for the acknowledgement of another."""
        client = self.loop.connect()
        for requests in (GET * 3, GET * 2 + b"get sam"):
            replies = BAZ * requests.count(b"\n")
            self.loop.send(client, requests)
            received: list[bytes] = []

            def receive(received: list[bytes] = received) -> bool:
                with contextlib.suppress(BlockingIOError):
                    received.append(client.recv(1000))
                return bool(received)

            self.loop.turn_until(receive)
            self.assertEqual([replies], received)

    def test_half_closed(self) -> None:
        """A client that closes its side after its requests gets all replies and then the end, as Exim needs it."""
        for requests in (1, 2, 4, 5, 2_000):
            client = self.loop.connect()
            self.loop.send(client, GET * requests)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(BAZ * requests, self.loop.receive(client))
        self.assert_gone()

    def test_half_closed_at_once(self) -> None:
        """A client that closes its side without a request, or within one, gets the end of the connection."""
        for sent in (b"", b"get samissexy.34"):
            client = self.loop.connect()
            self.loop.send(client, sent)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(b"", self.loop.receive(client))
        self.assert_gone()

    def test_breaks_while_stuck(self) -> None:
        """A connection that breaks while a reply is not taken leaves nothing, and is not logged."""
        with capturedLogs() as events:
            for reset in (False, True):
                client = self.loop.connect()
                self.send_until_stuck(client)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                self.assert_gone()
        self.assertEqual([], [event for event in events if event["log_level"].name not in ("debug", "info")])

    def test_breaks_while_waiting(self) -> None:
        """An idle connection that is reset leaves nothing."""
        client = self.loop.connect()
        self.loop.send(client, GET)
        self.loop.receive(client, self.has_received(client, len(BAZ)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assert_gone()

    def test_breaks_within_many(self) -> None:
        """Clients that send much and reset the connection at once do not disturb others."""
        other = self.loop.connect()
        for _ in range(20):
            client = self.loop.connect()
            client.send(GET * 1_000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        self.loop.send(other, GET)
        self.assertEqual(BAZ, self.loop.receive(other, self.has_received(other, len(BAZ))))
        other.close()
        self.assert_gone()

    def test_too_long(self) -> None:
        """A request that is too long, however long, gets its reply and the end of the connection, not a reset."""
        client = self.loop.connect()
        self.loop.send(client, GET + b"x" * 5_000_000)
        self.assertEqual(BAZ + TOO_LONG, self.loop.receive(client))
        self.loop.send(client, b"x" * 5_000_000)
        self.assertEqual(1, len(self.clients))
        client.shutdown(socket.SHUT_WR)
        self.assert_gone()

    def test_netstring(self) -> None:
        """A client of socketmap gets its refusal, not a reset, also while it sends more."""
        client = self.loop.connect()
        self.loop.send(client, b"16:table foo-shop-4," * 5_000)
        self.assertEqual(b"31:PERM this port speaks tcp_table,", self.loop.receive(client))
        self.loop.clock.advance(2)
        self.assert_gone()

    def test_too_long_without_end(self) -> None:
        """After a refusal, a connection that the client does not close is ended after two seconds."""
        client = self.loop.connect()
        self.loop.send(client, b"x" * 100_000)
        self.assertEqual(TOO_LONG, self.loop.receive(client))
        self.loop.clock.advance(1.9)
        self.loop.turn(5)
        self.assertEqual(1, len(self.clients))
        self.loop.clock.advance(0.1)
        self.assert_gone()

    def test_refused(self) -> None:
        """A connection above the limit ends at once; the others stay."""
        self.clients.limit = 1
        first = self.loop.connect()
        self.loop.turn_until(lambda: len(self.clients) == 1)
        second = self.loop.connect()
        with capturedLogs() as events:
            self.assertEqual(b"", self.loop.receive(second))
        self.assertEqual(1, len(events))
        self.loop.send(first, GET)
        self.assertEqual(BAZ, self.loop.receive(first, self.has_received(first, len(BAZ))))

    def test_finish(self) -> None:
        """A server that stops answers pending requests, then ends the connections."""
        waiting, asking = self.loop.connect(), self.loop.connect()
        self.loop.turn_until(lambda: len(self.clients) == 2)
        self.loop.send(asking, GET * 500)
        self.loop.turn()
        self.clients.finish_pending()
        self.assertEqual(b"", self.loop.receive(waiting))
        self.assertEqual(BAZ * 500, self.loop.receive(asking))
        self.assert_gone()


class StuckTests(SocketCase):
    """Clients that send and never read, on unix sockets, where it is certain when nothing more can be sent."""

    def listen(self) -> None:
        """Listen on a unix socket."""
        self.loop.listen_unix(self.factory)

    def test_never_reads(self) -> None:
        """A client that never reads is not read from, and costs neither memory nor processor time."""
        client = self.loop.connect()
        sent = self.send_until_stuck(client)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            self.assertRaises(BlockingIOError, client.send, GET)
            self.loop.turn(5)
        self.assertEqual((0, 0), (self.statistics.reads.begun, self.statistics.reads.ended))
        self.assertLess(tracemalloc.get_traced_memory()[0] - before, 100_000)
        (open_client,) = self.clients._open
        self.assertLess(len(open_client._input.buffer), 2 * LONGEST_REQUEST)  # type: ignore[attr-defined]
        # Once it reads, it gets the replies to all its requests.
        received = BAZ * (sent // len(GET))
        self.assertEqual(received, self.loop.receive(client, self.has_received(client, len(received))))
        self.statistics.tick()
        self.assertEqual(0, self.statistics.writes.figures()["depth"].one)
        self.loop.send(client, GET[sent % len(GET) :])
        self.assertEqual(BAZ, self.loop.receive(client, self.has_received(client, len(BAZ))))

    def test_too_long_and_never_reads(self) -> None:
        """The refusal of a request that is too long waits for other replies; two seconds later the connection ends."""
        client = self.loop.connect()
        self.send_until_stuck(client)
        self.assertEqual(1, len(self.clients))
        (open_client,) = self.clients._open
        open_client.dataReceived(b"x" * 200_000)  # type: ignore[attr-defined]
        received = bytearray()

        def is_told() -> bool:
            with contextlib.suppress(BlockingIOError):
                received.extend(client.recv(65536))
            return received.endswith(TOO_LONG)

        self.loop.turn_until(is_told)
        self.loop.clock.advance(2)
        self.assert_gone()
