"""Client connections on real socket pairs; the tests do the reactor's work."""

import socket
from typing import cast

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.statistics import ReplyKind, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.socketmap import SocketmapFactory

REQUEST = b"16:table foo-shop-4,"
MALFORMED = b"77:PERM improperly formed request; expected the name of a map, a space and a key,"
LONG = "x" * 90_000
LONG_REPLY = b"90003:OK " + LONG.encode() + b","


class LongAnswers:
    """Hooks with a value that is longer than a socket takes at once."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Change nothing."""
        return alias, domain

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Return a long value."""
        return LONG, domain


class SocketTests(SynchronousTestCase):
    """A client on a socket."""

    def setUp(self) -> None:
        """Connect a client."""
        self.reactor = MemoryReactorClock()
        configuration = parse_configuration("ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();", "a.conf")
        self.current = CurrentSnapshot(Snapshot(configuration))
        self.clients = Clients()
        self.clients.statistics = self.statistics = Statistics()
        factory = SocketmapFactory(self.reactor, self.current, self.reactor.seconds, self.clients)
        ours, self.client = socket.socketpair()
        self.addCleanup(self.client.close)
        ours.setblocking(False)
        self.client.setblocking(False)
        protocol = factory.buildProtocol(None)
        assert protocol is not None
        self.transport = Connection(ours, protocol, cast(IReactorFDSet, self.reactor))
        self.transport.connected = True
        self.transport.getPeer = lambda: UNIXAddress(None)  # type: ignore[method-assign]
        protocol.makeConnection(self.transport)
        self.transport.startReading()

    def answer_much(self) -> None:
        """Use a snapshot whose replies are long."""
        self.current.snapshot = Snapshot(self.current.snapshot.configuration, LongAnswers())

    @property
    def reading(self) -> bool:
        """True if the server reads from the client."""
        return self.transport in self.reactor.getReaders()

    def turn(self, times: int = 1) -> None:
        """Run iterations of a reactor."""
        for _ in range(times):
            for waiting, do in (
                (self.reactor.getReaders, self.transport.doRead),
                (self.reactor.getWriters, self.transport.doWrite),
            ):
                lost = do() if self.transport in waiting() else None
                if lost is CONNECTION_DONE and do == self.transport.doRead:
                    self.reactor.removeReader(self.transport)
                    self.transport.readConnectionLost(Failure(lost))
                elif lost is not None:
                    self.transport.connectionLost(Failure(lost))
            self.reactor.advance(0)

    def receive(self, length: int = 1_000_000) -> bytes:
        """Read what has arrived, at most ``length`` bytes."""
        received = b""
        while len(received) < length:
            try:
                piece = self.client.recv(length - len(received))
            except BlockingIOError:
                break
            if not piece:
                break
            received += piece
        return received

    def assert_ended(self) -> None:
        """Assert that the connection is lost and nothing of it is left."""
        self.assertFalse(self.transport.connected)
        self.assertEqual(0, len(self.clients))
        self.assertEqual([], self.reactor.getDelayedCalls())
        self.statistics.tick()
        depths = (self.statistics.connections.depth, self.statistics.reads.depth, self.statistics.writes.depth)
        self.assertEqual((0, 0, 0), depths)

    def test_reply(self) -> None:
        """A reply is sent at the end of the reactor iteration, without waiting for the socket to be writable."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.assertEqual(b"", self.receive())
        self.reactor.advance(0)
        self.assertEqual(b"6:OK foo,", self.receive())
        self.assertEqual([], self.reactor.getWriters())

    def test_durations(self) -> None:
        """A request is timed until its reply is sent, a read until the request is received."""
        self.reactor.advance(2)
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.reactor.advance(5)
        statistics = self.statistics
        self.assertEqual(
            (2.0, 5.0, 0.0),
            (statistics.reads.elapsed, statistics.outcomes[ReplyKind.SUCCESS].elapsed, statistics.writes.elapsed),
        )
        self.assertEqual((1, 1), (statistics.outcomes[ReplyKind.SUCCESS].ended, statistics.writes.ended))
        statistics.tick()
        self.assertEqual((1, 0), (statistics.reads.depth, statistics.writes.depth))

    def test_lost_meanwhile(self) -> None:
        """A connection that breaks while its reply is in the write batch leaves nothing."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.transport.connectionLost(Failure(ConnectionLost()))
        self.turn()
        self.assertEqual([], self.flushLoggedErrors())
        self.assert_ended()

    def test_finish_meanwhile(self) -> None:
        """A server that stops sends the reply in the write batch before it ends the connection."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.clients.finish_pending()
        self.turn(2)
        self.assertEqual(b"6:OK foo,", self.receive())
        self.assert_ended()

    def test_ended_before(self) -> None:
        """After input that is no netstring, the last reply is sent before the connection ends."""
        self.client.sendall(REQUEST + b"x")
        self.turn(2)
        self.assertEqual(b"6:OK foo," + MALFORMED, self.receive())
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_asked_meanwhile(self) -> None:
        """Requests that arrive while a reply is in the write batch are answered after it, in order."""
        for request in (REQUEST, b"9:table foo,", REQUEST[:5]):
            self.client.sendall(request)
            self.transport.doRead()
        self.turn()
        self.client.sendall(REQUEST[5:])
        self.turn(2)
        self.assertEqual(b"6:OK foo,9:NOTFOUND ,6:OK foo,", self.receive())

    def test_slow(self) -> None:
        """A client that does not read is not read from; when it reads, it gets every reply, whole and in order."""
        self.answer_much()
        self.client.sendall(REQUEST * 100)
        self.turn(10)
        self.assertFalse(self.reading)
        self.assertLess(self.statistics.writes.begun, 20)
        received = b""
        while len(received) < 100 * len(LONG_REPLY):
            piece = self.receive(10_000)
            self.turn()
            received += piece
        self.assertEqual(LONG_REPLY * 100, received)
        self.turn()
        self.assertTrue(self.reading)
        self.assertEqual((100, 100), (self.statistics.writes.ended, self.statistics.outcomes[ReplyKind.SUCCESS].ended))

    def test_held(self) -> None:
        """The kernel's buffers for a client are small."""
        for buffer, size in ((socket.SO_SNDBUF, 32_768), (socket.SO_RCVBUF, 131_072)):
            self.assertLessEqual(self.transport.getHandle().getsockopt(socket.SOL_SOCKET, buffer), size)

    def test_half_close(self) -> None:
        """A client that closes its side while replies are pending gets all of them, then the end of the connection."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.client.shutdown(socket.SHUT_WR)
        received = b""
        while self.transport.connected:
            self.turn()
            received += self.receive()
        received += self.receive()
        self.assertEqual(LONG_REPLY * 50, received)
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_finish(self) -> None:
        """A server that stops sends the pending replies, then ends the connection."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.turn(3)
        self.clients.finish_pending()
        received = b""
        while self.transport.connected:
            self.turn()
            received += self.receive()
        received += self.receive()
        self.assertEqual(LONG_REPLY * 50, received)
        self.assert_ended()

    def test_finish_idle(self) -> None:
        """A server that stops ends the connection of a client that is within a request."""
        self.client.sendall(REQUEST[:7])
        self.turn()
        self.clients.finish_pending()
        self.turn()
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_abort(self) -> None:
        """A server that stops can abort the connection of a client that does not read."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.turn(3)
        self.clients.finish_pending()
        self.turn(3)
        self.assertTrue(self.transport.connected)
        self.clients.abort()
        self.turn(2)
        self.assert_ended()

    def test_gone(self) -> None:
        """A client that closes the connection without reading leaves nothing."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.client.close()
        with capturedLogs() as events:
            self.turn(5)
        self.assertEqual([], [event for event in events if event.get("log_failure")])
        self.assert_ended()
