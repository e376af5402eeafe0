"""Tests of trualias.protocols.socketmap, and of connections in general."""

from collections.abc import Callable
from typing import cast

from attrs import define
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Answer, BudgetExceeded, CurrentSnapshot, Snapshot
from trualias.monitoring.statistics import ReplyKind, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.socketmap import SocketmapFactory, SocketmapProtocol

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT bar MATCHES %alpha%x%alpha%.%code% WITH CHARS(1);
ACCOUNT baz MATCHES both%alpha%.%code% WITH ANY(1);
ACCOUNT fox MATCHES bo%alpha%.%code% WITH ANY(1);
"""

FAULT = b"44:TEMP temporary failure, see the server's log,"
UNKNOWN = b"66:PERM there is no such map; ask for table, virtual, access or login,"
MALFORMED = b"77:PERM improperly formed request; expected the name of a map, a space and a key,"


def netstring(payload: bytes) -> bytes:
    """Format a netstring."""
    return b"%d:%s," % (len(payload), payload)


@define
class Inventive:
    """Hooks that return a value given by the test."""

    value: Callable[[], str]

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Change nothing."""
        return alias, domain

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Return the value."""
        return self.value(), domain


class Reset(StringTransport):
    """A transport that can be aborted."""

    def abortConnection(self) -> None:
        """End the connection at once."""
        self.disconnecting = True


class SocketmapTests(SynchronousTestCase):
    """Conversations in the protocol."""

    def setUp(self) -> None:
        """Make a factory and connect a client."""
        self.clock = Clock()
        self.current = CurrentSnapshot(Snapshot(parse_configuration(CONFIGURATION, "a.conf")))
        self.factory = SocketmapFactory(self.clock, self.current, self.clock.seconds, Clients(limit=3))
        self.statistics = Statistics()
        self.factory.clients.use_statistics(self.statistics)
        self.protocol, self.transport = self.connect()

    def connect(self) -> tuple[SocketmapProtocol, StringTransport]:
        """Connect a client."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, SocketmapProtocol)
        transport = StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def hooked(self, value: Callable[[], str]) -> None:
        """Use hooks with this value."""
        self.current.snapshot = Snapshot(self.current.snapshot.configuration, Inventive(value))

    @property
    def producer(self) -> IPushProducer:
        """The producer that the transport pauses and resumes."""
        assert self.transport.streaming
        return cast(IPushProducer, self.transport.producer)

    def send(self, data: bytes) -> bytes:
        """Send bytes; return the bytes that come back."""
        self.transport.clear()
        self.protocol.dataReceived(data)
        received: bytes = self.transport.value()
        return received

    CHAT = (
        (b"table foo-shop-4", b"6:OK foo,"),
        (b"virtual foo-shop-4@example.com", b"18:OK foo@example.com,"),
        (b"virtual foo-shop-4@Example.COM", b"18:OK foo@Example.COM,"),
        (b"login foo-shop-4@example.com", b"6:OK foo,"),
        (b"login foo@example.com", b"6:OK foo,"),
        (b"login foo-shop-5@example.com", b"9:NOTFOUND ,"),
        (b"login bothx.x@example.com", b"9:NOTFOUND ,"),
        (b"table foo-shop-5", b"9:NOTFOUND ,"),
        (b"table ", b"9:NOTFOUND ,"),
        (b"table foo-shop-4 ", b"9:NOTFOUND ,"),
        (b"table with space", b"9:NOTFOUND ,"),
        (b"table foo-shop%2D4", b"9:NOTFOUND ,"),
        (b"table \xff", b"9:NOTFOUND ,"),
        (b"virtual \xff@example.com", b"9:NOTFOUND ,"),
        (b"virtual foo-shop-4", b"9:NOTFOUND ,"),
        (b"virtual foo-shop-4@example.net", b"9:NOTFOUND ,"),
        (b"table bothx.x", b"9:NOTFOUND ,"),
        (b"Table foo-shop-4", UNKNOWN),
        (b"configuration x", UNKNOWN),
        (b"\xff x", UNKNOWN),
        (b"table", MALFORMED),
        (b"", MALFORMED),
        (b" ", MALFORMED),
        (b" foo-shop-4", MALFORMED),
    )

    def test_chat(self) -> None:
        """Each request gets its reply, at the first and at the second time."""
        for _ in range(2):
            for request, reply in self.CHAT:
                self.assertEqual(reply, self.send(netstring(request)), request)

    def test_in_pieces(self) -> None:
        """Requests may arrive one byte at a time, or all at once; the replies are in order."""
        stream = b"".join(netstring(request) for request, _ in self.CHAT)
        replies = b"".join(reply for _, reply in self.CHAT)
        self.assertEqual(replies, b"".join(self.send(bytes([byte])) for byte in stream))
        received = self.send(stream)
        while self.transport.producerState == "paused":
            self.transport.clear()
            self.clock.advance(0)
            received += self.transport.value()
        self.assertEqual(replies, received)

    def test_statistics(self) -> None:
        """Requests are counted by the kind of their reply."""
        for request, _ in self.CHAT:
            self.send(netstring(request))
        counted = self.statistics
        ended = {outcome: counted.outcomes[outcome].ended for outcome in ReplyKind}
        self.assertEqual({ReplyKind.SUCCESS: 5, ReplyKind.NOT_FOUND: 12, ReplyKind.BAD: 7, ReplyKind.STATS: 0}, ended)
        self.assertEqual((24, 24), (counted.reads.ended, counted.writes.ended))
        self.assertEqual(1, counted.connections.begun)

    def test_reload(self) -> None:
        """The next request is answered by the new snapshot, also if its reply was cached."""
        self.assertEqual(b"6:OK foo,", self.send(netstring(b"table foo-shop-4")))
        self.current.snapshot = Snapshot(parse_configuration("", "a.conf"))
        self.assertEqual(b"9:NOTFOUND ,", self.send(netstring(b"table foo-shop-4")))

    def test_cached(self) -> None:
        """A reply that is in the cache needs no lookup, whether its request arrives whole or in pieces."""
        request = netstring(b"table foo-shop-4")
        self.send(request * 2)

        def fail(key: str) -> Answer:
            raise AssertionError(key)

        self.current.snapshot.tables = {Table.LOCAL_PART: fail}
        cache = self.factory.cache
        for pieces in ([request], [request * 2], [request[:5], request[5:]]):
            cache.recent, cache.older = {}, {request: cache.recent[request]}  # as after many other requests
            for _ in range(2):
                replies = b"".join(map(self.send, pieces))
                self.assertEqual(b"6:OK foo," * (len(b"".join(pieces)) // len(request)), replies)
                self.assertIn(request, cache.recent)

    def test_fault(self) -> None:
        """An exception in a hook is a temporary error for the client, and is logged."""

        def fail() -> str:
            raise ZeroDivisionError

        self.hooked(fail)
        self.assertEqual(FAULT, self.send(netstring(b"table foo-shop-4")))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is a temporary error."""
        self.current.snapshot.tables = {Table.LOCAL_PART: lambda key: BudgetExceeded()}
        with capturedLogs() as events:
            reply = self.send(netstring(b"table foo-shop-4"))
        self.assertEqual(FAULT, reply)
        self.assertIn("took too many steps", formatEvent(events[0]))

    def test_values(self) -> None:
        """A value may be long and have spaces; one that a mail server would refuse or misread is a temporary error."""
        for value, reply in (
            ("a b%", b"7:OK a b%,"),
            ("\u00e9", b"5:OK \xc3\xa9,"),
            ("x" * 99_997, b"100000:OK " + b"x" * 99_997 + b","),
            ("x" * 99_998, FAULT),
            ("a\0b", FAULT),
            ("a\nb", FAULT),
            ("a\rb", FAULT),
            ("", FAULT),
        ):
            self.hooked(lambda value=value: value)  # type: ignore[misc]
            self.assertEqual(reply, self.send(netstring(b"table foo-shop-4")), value[:9])
        self.flushLoggedErrors()

    def test_unsendable_is_told(self) -> None:
        """The reason why a value cannot be sent is logged."""
        for value, told in (
            ("x" * 99_998, "a reply of 100001 bytes; a mail server takes 100000"),
            ("a\0b", "a value with a line break or a NUL: 'a\\x00b'"),
        ):
            self.hooked(lambda value=value: value)  # type: ignore[misc]
            with capturedLogs() as events:
                self.send(netstring(b"table foo-shop-4"))
            [event] = events
            self.assertEqual(f"a value was not answered: {told}", event["log_format"].format(**event))

    def test_longest_request(self) -> None:
        """A request of 100000 bytes is answered; a greater length is refused at once, and ends the connection."""
        self.assertEqual(b"9:NOTFOUND ,", self.send(netstring(b"table " + b"x" * 99_994)))
        self.assertFalse(self.transport.disconnecting)
        self.assertEqual(MALFORMED, self.send(b"100001:"))
        self.assertTrue(self.transport.disconnecting)

    def test_malformed(self) -> None:
        """Input that is no netstring is refused as the last, and logged once: the client may speak another protocol."""
        request = netstring(b"table foo-shop-4")
        with capturedLogs() as events:
            for wrong in (b"GET / HTTP/1.1\r\n", b"007:x,", b"1:xy", b":x,", b"-1:x,", b"9" * 100, b"\n"):
                self.protocol, self.transport = self.connect()
                self.assertEqual(b"6:OK foo," + MALFORMED, self.send(request + wrong + request), wrong)
                self.assertTrue(self.transport.disconnecting)
                self.assertEqual(b"", self.send(request))
                self.protocol.connectionLost()
        [event] = events
        self.assertEqual(
            "refused a connection from 192.168.1.1: what it sent is no netstring; does it use tcp: where it is to use "
            "socketmap:?",
            formatEvent(event),
        )

    def test_half_close(self) -> None:
        """A client that closes its side gets its replies, and the connection ends."""
        self.assertEqual(b"6:OK foo,", self.send(netstring(b"table foo-shop-4") + b"5:tab"))
        self.protocol.readConnectionLost()
        self.assertTrue(self.transport.disconnecting)

    def test_turns(self) -> None:
        """After four requests of one client, others have their turn."""
        request = netstring(b"table foo-shop-4")
        self.assertEqual(b"6:OK foo," * 4, self.send(request * 200))
        self.assertEqual("paused", self.transport.producerState)
        other, transport = self.connect()
        other.dataReceived(request)
        self.assertEqual(b"6:OK foo,", transport.value())
        for _ in range(49):
            self.clock.advance(0)
        self.assertEqual(b"6:OK foo," * 200, self.transport.value())
        self.clock.advance(0)
        self.assertEqual("producing", self.transport.producerState)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_lost_in_turn(self) -> None:
        """A connection that is lost between two turns leaves nothing."""
        self.send(netstring(b"table foo-shop-4") * 100)
        self.protocol.connectionLost()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(0, len(self.factory.clients))

    def test_never_reads(self) -> None:
        """A client that does not read is not read from, and its requests wait, until it does."""
        request = netstring(b"table foo-shop-4")
        self.producer.pauseProducing()
        self.assertEqual(b"6:OK foo,", self.send(request * 3))
        self.assertEqual("paused", self.transport.producerState)
        self.assertEqual(b"", self.send(request))
        self.producer.resumeProducing()
        self.assertEqual(b"6:OK foo," * 3, self.transport.value())
        self.assertEqual("producing", self.transport.producerState)

    def test_lost_while_it_does_not_read(self) -> None:
        """A reply that is never taken counts as an abandoned write."""
        self.producer.pauseProducing()
        self.send(netstring(b"table foo-shop-4"))
        self.protocol.connectionLost()
        self.assertEqual(
            (1, 0, 1), (self.statistics.writes.begun, self.statistics.writes.ended, self.statistics.writes.abandoned)
        )

    def test_new_statistics(self) -> None:
        """Statistics that are switched on later begin with what is in progress."""
        self.producer.pauseProducing()
        self.send(netstring(b"table foo-shop-4"))
        self.connect()
        statistics = Statistics()
        self.factory.clients.use_statistics(statistics)
        self.assertEqual((2, 1, 1), (statistics.connections.begun, statistics.reads.begun, statistics.writes.begun))

    def test_writing_ends(self) -> None:
        """The connection ends when its sending side is closed."""
        producer = self.producer
        self.protocol.writeConnectionLost()
        self.assertTrue(self.transport.disconnecting)
        producer.stopProducing()
