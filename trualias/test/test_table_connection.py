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
    """A client that asks much at once lets the others have their turns."""

    def test_turns(self) -> None:
        """Four requests are answered in one turn; until the next, nothing more is read."""
        client, other = self.connect(), self.connect()
        self.assertEqual(BAZ * 4, client.say(GET * 7))
        self.assertEqual("paused", client.transport.producerState)
        self.assertEqual(BAZ, other.say(GET))
        self.clock.advance(0)
        self.assertEqual(BAZ * 3, client.transport.empty())
        self.assertEqual("producing", client.transport.producerState)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(BAZ, client.say(GET))

    def test_depths(self) -> None:
        """A client whose turn is over waits for nothing."""
        client = self.connect()
        client.say(GET * 50)
        self.assertEqual((1, 0, 0), self.depths())
        self.clock.advance(0)
        self.assertEqual((1, 1, 0), self.depths())

    def test_end_between_turns(self) -> None:
        """A client that ends its side between two turns gets all its replies first."""
        client = self.connect()
        heard = client.say(GET * 100)
        client.protocol.readConnectionLost()
        self.assertFalse(client.transport.disconnecting)
        self.clock.pump([0] * 3)
        self.assertEqual(BAZ * 100, heard + client.transport.empty())
        self.assertTrue(client.transport.disconnecting)

    def test_break_between_turns(self) -> None:
        """A client that breaks the connection between two turns is forgotten."""
        client = self.connect()
        client.say(GET * 100)
        client.leave()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual((0, 0, 0), self.depths())


class HalfCloseTests(ConversationCase):
    """Clients that end their side of the connection and wait for replies, as Exim and ``nc -N`` do."""

    def test_after_the_reply(self) -> None:
        """The connection ends, after the reply."""
        client = self.connect()
        self.assertEqual(BAZ, client.say(GET))
        self.assertFalse(client.transport.disconnecting)
        client.protocol.readConnectionLost()
        self.assertTrue(client.transport.disconnecting)
        self.assertIsNone(client.transport.producer)

    def test_without_a_request(self) -> None:
        """Also where nothing was asked, or a request was not completed: that one is not answered."""
        for said in (b"", b"get samissexy.34"):
            client = self.connect()
            client.say(said)
            client.protocol.readConnectionLost()
            self.assertEqual((b"", True), (client.transport.value(), client.transport.disconnecting))
            client.leave()
            self.assertEqual((0, 0, 0), self.depths())

    def test_before_the_reply_is_taken(self) -> None:
        """Replies that are on their way are given first, and what was asked besides is answered."""
        client = self.connect(room=0)
        client.protocol.dataReceived(GET * 3)
        client.protocol.readConnectionLost()
        for _ in range(3):
            self.assertFalse(client.transport.disconnecting)
            self.assertEqual(BAZ, client.transport.empty())
        self.assertTrue(client.transport.disconnecting)

    def test_twice(self) -> None:
        """To be told again changes nothing."""
        client = self.connect()
        client.protocol.readConnectionLost()
        client.protocol.readConnectionLost()
        client.protocol.writeConnectionLost()
        self.assertTrue(client.transport.disconnecting)

    def test_other_half(self) -> None:
        """Where nobody reads any more the connection ends."""
        client = self.connect()
        client.protocol.writeConnectionLost()
        self.assertTrue(client.transport.disconnecting)


class BackPressureTests(ConversationCase):
    """A client that sends and does not read."""

    def test_waits(self) -> None:
        """No more is read, and nothing is answered, until the client has taken what there is."""
        client = self.connect(room=3 * len(BAZ))
        client.protocol.dataReceived(GET * 10)
        for replies in (4, 4, 2):
            self.assertEqual("paused" if replies == 4 else "producing", client.transport.producerState)
            self.assertEqual(BAZ * replies, client.transport.empty())
        self.assertEqual("producing", client.transport.producerState)

    def test_memory(self) -> None:
        """However long a client sends, no more is kept than what came at once."""
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
        """A transport that was full for a moment, with no reply on its way, holds nothing up."""
        client = self.connect()
        client.transport.pause_producer()
        client.transport.resume_producer()
        self.assertEqual(BAZ, client.say(GET))
        self.assertEqual((1, 1, 0), self.depths())

    def test_full_before(self) -> None:
        """A transport that is full before a reply is offered takes that one later, and then the others."""
        client = self.connect()
        client.transport.pause_producer()
        client.protocol.dataReceived(GET * 2)
        self.assertEqual("paused", client.transport.producerState)
        self.assertEqual((1, 0, 1), self.depths())
        self.assertEqual(BAZ, client.transport.value())
        self.assertEqual(BAZ, client.transport.empty())
        self.assertEqual(BAZ, client.transport.empty())


class CountingTests(ConversationCase):
    """What the statistics say of connections."""

    def in_state(self, state: str) -> Client:
        """Connect a client, and bring it into a state."""
        client = self.connect(room=0 if state in ("reply not taken", "refusal not taken") else 1_000_000)
        match state:
            case "within a request":
                client.say(b"get sam")
            case "between turns":
                client.say(GET * 50)
            case "reply not taken":
                client.protocol.dataReceived(GET)
            case "half closed":
                client.say(b"get")
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
    """Each with the connections, those that wait for a request, and the replies that are not taken."""

    def test_breaks(self) -> None:
        """Whatever state a connection breaks in, nothing of it stays counted, and no call is left over."""
        for state, depths in self.STATES.items():
            client = self.in_state(state)
            self.assertEqual(depths, self.depths(), state)
            client.leave()
            self.assertEqual((0, 0, 0), self.depths(), state)
            self.assertEqual([], self.clock.getDelayedCalls())
            self.assertEqual(0, len(self.clients))

    def test_replaced(self) -> None:
        """New statistics begin with what is under way in every state, and end with it."""
        for state, depths in self.STATES.items():
            client = self.in_state(state)
            self.statistics = Statistics()
            self.clients.use_statistics(NullStatistics())
            self.clients.use_statistics(self.statistics)
            self.assertEqual(depths, self.depths(), state)
            client.leave()
            self.assertEqual((0, 0, 0), self.depths(), state)

    def test_goes_on(self) -> None:
        """After new statistics a client in any state that has one goes on to its next request."""
        for state in ("waiting", "between turns", "reply not taken"):
            client = self.in_state(state)
            self.statistics = Statistics()
            self.clients.use_statistics(self.statistics)
            self.clock.advance(0)
            client.transport.empty()
            self.assertEqual((1, 1, 0), self.depths(), state)
            client.leave()

    def test_durations(self) -> None:
        """A request takes from its whole line to its reply, a wait for one until then, a write until it is taken."""
        client = self.connect()
        self.seconds = iter((3.0, 5.0, 9.0)).__next__  # received, worked out, written
        client.say(b"get foo\n")
        statistics = self.statistics
        self.assertEqual(
            (3.0, 6.0, 4.0),
            (statistics.reads.elapsed, statistics.outcomes[ReplyKind.NOT_FOUND].elapsed, statistics.writes.elapsed),
        )
        self.seconds = iter((20.0, 20.0, 21.0)).__next__  # the reply is known
        client.say(b"get foo\n")
        self.assertEqual(
            (14.0, 7.0, 5.0),
            (statistics.reads.elapsed, statistics.outcomes[ReplyKind.NOT_FOUND].elapsed, statistics.writes.elapsed),
        )
        self.seconds = lambda: 100.0
        client.leave()
        self.assertEqual(100.0, statistics.connections.elapsed)

    def test_slow_write(self) -> None:
        """A write that has to wait takes until the client has taken it."""
        client = self.connect(room=0)
        client.protocol.dataReceived(GET)
        self.seconds = lambda: 7.0
        client.transport.empty()
        self.assertEqual((1, 7.0), (self.statistics.writes.ended, self.statistics.writes.elapsed))

    def test_outcomes(self) -> None:
        """Each request counts once, by its reply, however many come together."""
        client = self.connect()
        for requests in (
            GET * 2,
            b"get foo\nget \xff\nget foo\n",
            b"get foo\nstats\njstats\n",
            b"\nfoo\nget %\n",
            b"get\n",
        ):
            client.say(requests)
        statistics = self.statistics
        ended = {outcome: statistics.outcomes[outcome].ended for outcome in ReplyKind}
        self.assertEqual({ReplyKind.SUCCESS: 2, ReplyKind.NOT_FOUND: 4, ReplyKind.BAD: 4, ReplyKind.STATS: 2}, ended)
        self.assertEqual((12, 12, 13), (statistics.reads.ended, statistics.writes.ended, statistics.reads.begun))

    def test_switched_off(self) -> None:
        """Without statistics everything goes on."""
        client = self.connect()
        self.clients.use_statistics(NullStatistics())
        self.assertEqual(BAZ * 2, client.say(GET * 2))
        client.leave()


class AdmissionTests(ConversationCase):
    """How many clients there may be."""

    def test_limit(self) -> None:
        """One more than the limit is refused with a line in the log, until one leaves."""
        clients = [self.connect() for _ in range(5)]
        with capturedLogs() as events:
            self.assertIsNone(self.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 4711)))
        (event,) = events
        self.assertEqual("warn", event["log_level"].name)
        self.assertEqual("refused a connection from 127.0.0.1: there are 5 already", formatEvent(event))
        self.assertEqual((5, 5, 0), self.depths())
        clients[0].leave()
        self.connect()

    def test_default(self) -> None:
        """The limit is a thousand unless it is given."""
        self.assertEqual(1_000, ClientFactory(self.clock, self.current, self.clock.seconds).clients.limit)


class SocketCase(SynchronousTestCase):
    """Clients with the sockets of the system, and a reactor of our own."""

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
        """Listen at the loopback interface."""
        self.loop.listen(self.factory)

    def heard(self, client: socket.socket, length: int) -> Callable[[bytes], bool]:
        """Tell when so many bytes have come."""
        return lambda received: len(received) >= length

    def assert_gone(self) -> None:
        """Assert that there is no client any more, and that none is counted as under way."""
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
        """Request and reply, again and again."""
        client = self.loop.connect()
        for said, heard in (
            (GET, BAZ),
            (b"get foo\r\n", MISS),
            (GET, BAZ),
            (b"\n", b"400 improperly formed request\n"),
        ):
            self.loop.send(client, said)
            self.assertEqual(heard, self.loop.receive(client, self.heard(client, len(heard))))
        client.close()
        self.assert_gone()

    def test_in_pieces(self) -> None:
        """A request that comes in pieces, each by itself."""
        client = self.loop.connect()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET:
            self.loop.send(client, bytes([byte]))
            self.loop.turn(2)
        self.assertEqual(BAZ, self.loop.receive(client, self.heard(client, len(BAZ))))

    def test_pipelined(self) -> None:
        """Many requests at once are answered in order."""
        client = self.loop.connect()
        self.loop.send(client, b"get samissexy.34\nget foo\nbar\n" * 500)
        wanted = (BAZ + MISS + b"400 unrecognized command\n") * 500
        self.assertEqual(wanted, self.loop.receive(client, self.heard(client, len(wanted))))

    def test_few_at_once(self) -> None:
        """Replies to a few requests arrive together, and none waits for the acknowledgement of another."""
        client = self.loop.connect()
        for requests in (GET * 3, GET * 2 + b"get sam"):
            replies = BAZ * requests.count(b"\n")
            self.loop.send(client, requests)
            heard: list[bytes] = []

            def hear(heard: list[bytes] = heard) -> bool:
                with contextlib.suppress(BlockingIOError):
                    heard.append(client.recv(1000))
                return bool(heard)

            self.loop.turn_until(hear)
            self.assertEqual([replies], heard)

    def test_half_closed(self) -> None:
        """A client that ends its side after its requests gets all replies and then the end, as Exim needs it."""
        for requests in (1, 2, 4, 5, 2_000):
            client = self.loop.connect()
            self.loop.send(client, GET * requests)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(BAZ * requests, self.loop.receive(client))
        self.assert_gone()

    def test_half_closed_at_once(self) -> None:
        """A client that ends its side without a request, or within one, gets the end."""
        for said in (b"", b"get samissexy.34"):
            client = self.loop.connect()
            self.loop.send(client, said)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(b"", self.loop.receive(client))
        self.assert_gone()

    def test_breaks_while_stuck(self) -> None:
        """A client that breaks the connection with replies under way is gone, and nothing is said of it."""
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
        """A client that resets an idle connection is gone."""
        client = self.loop.connect()
        self.loop.send(client, GET)
        self.loop.receive(client, self.heard(client, len(BAZ)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assert_gone()

    def test_breaks_within_many(self) -> None:
        """A client that sends much and resets the connection at once harms nobody."""
        other = self.loop.connect()
        for _ in range(20):
            client = self.loop.connect()
            client.send(GET * 1_000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        self.loop.send(other, GET)
        self.assertEqual(BAZ, self.loop.receive(other, self.heard(other, len(BAZ))))
        other.close()
        self.assert_gone()

    def test_too_long(self) -> None:
        """A request that is too long gets its reply, however much of it there is, and the end; no reset."""
        client = self.loop.connect()
        self.loop.send(client, GET + b"x" * 5_000_000)
        self.assertEqual(BAZ + TOO_LONG, self.loop.receive(client))
        self.loop.send(client, b"x" * 5_000_000)
        self.assertEqual(1, len(self.clients))
        client.shutdown(socket.SHUT_WR)
        self.assert_gone()

    def test_too_long_without_end(self) -> None:
        """A client that does not end its side is left after two seconds."""
        client = self.loop.connect()
        self.loop.send(client, b"x" * 100_000)
        self.assertEqual(TOO_LONG, self.loop.receive(client))
        self.loop.clock.advance(1.9)
        self.loop.turn(5)
        self.assertEqual(1, len(self.clients))
        self.loop.clock.advance(0.1)
        self.assert_gone()

    def test_refused(self) -> None:
        """A client past the limit gets the end at once; the others do not notice."""
        self.clients.limit = 1
        first = self.loop.connect()
        self.loop.turn_until(lambda: len(self.clients) == 1)
        second = self.loop.connect()
        with capturedLogs() as events:
            self.assertEqual(b"", self.loop.receive(second))
        self.assertEqual(1, len(events))
        self.loop.send(first, GET)
        self.assertEqual(BAZ, self.loop.receive(first, self.heard(first, len(BAZ))))

    def test_finish(self) -> None:
        """A server that stops answers what was asked, and ends the connections."""
        waiting, asking = self.loop.connect(), self.loop.connect()
        self.loop.turn_until(lambda: len(self.clients) == 2)
        self.loop.send(asking, GET * 500)
        self.loop.turn()
        self.clients.finish_pending()
        self.assertEqual(b"", self.loop.receive(waiting))
        self.assertEqual(BAZ * 500, self.loop.receive(asking))
        self.assert_gone()


class StuckTests(SocketCase):
    """A client that sends and never reads: on unix sockets, where it is certain that nothing more can be sent."""

    def listen(self) -> None:
        """Listen at a unix socket."""
        self.loop.listen_unix(self.factory)

    def test_never_reads(self) -> None:
        """It is not read from any more, and costs no memory and no time."""
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
        # It reads at last, and finds an answer to everything that it asked.
        heard = BAZ * (sent // len(GET))
        self.assertEqual(heard, self.loop.receive(client, self.heard(client, len(heard))))
        self.statistics.tick()
        self.assertEqual(0, self.statistics.writes.figures()["depth"].one)
        self.loop.send(client, GET[sent % len(GET) :])
        self.assertEqual(BAZ, self.loop.receive(client, self.heard(client, len(BAZ))))

    def test_too_long_and_never_reads(self) -> None:
        """The reply to a request that is too long may have to wait, too; after two seconds the client is left."""
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
