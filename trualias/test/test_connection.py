"""Client connections on real sockets, whose other ends the tests hold; the tests take the part of the reactor."""

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
    """Hooks that answer more than a socket takes at once."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Change nothing."""
        return alias, domain

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Answer much."""
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
        """Let every reply be long."""
        self.current.snapshot = Snapshot(self.current.snapshot.configuration, LongAnswers())

    @property
    def reading(self) -> bool:
        """Whether the server waits for more of the client."""
        return self.transport in self.reactor.getReaders()

    def turn(self, times: int = 1) -> None:
        """Do what the reactor would do."""
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

    def hear(self, length: int = 1_000_000) -> bytes:
        """Read what has come, at most so many bytes."""
        heard = b""
        while len(heard) < length:
            try:
                piece = self.client.recv(length - len(heard))
            except BlockingIOError:
                break
            if not piece:
                break
            heard += piece
        return heard

    def assert_ended(self) -> None:
        """Assert that the connection is gone and has left nothing."""
        self.assertFalse(self.transport.connected)
        self.assertEqual(0, len(self.clients))
        self.assertEqual([], self.reactor.getDelayedCalls())
        self.statistics.tick()
        depths = (self.statistics.connections.depth, self.statistics.reads.depth, self.statistics.writes.depth)
        self.assertEqual((0, 0, 0), depths)

    def test_reply(self) -> None:
        """A reply is there at the end of the reactor's turn, without waiting for the socket to be ready."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.assertEqual(b"", self.hear())
        self.reactor.advance(0)
        self.assertEqual(b"6:OK foo,", self.hear())
        self.assertEqual([], self.reactor.getWriters())

    def test_durations(self) -> None:
        """A reply is finished when it is sent; all that while nobody waits for a request."""
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
        """A connection that breaks before its reply is sent leaves nothing."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.transport.connectionLost(Failure(ConnectionLost()))
        self.turn()
        self.assertEqual([], self.flushLoggedErrors())
        self.assert_ended()

    def test_finish_meanwhile(self) -> None:
        """A server that stops sends the reply before it ends the connection."""
        self.client.sendall(REQUEST)
        self.transport.doRead()
        self.clients.finish_pending()
        self.turn(2)
        self.assertEqual(b"6:OK foo,", self.hear())
        self.assert_ended()

    def test_ended_before(self) -> None:
        """So it does where something wrong ended the connection, and the last reply waits to be sent."""
        self.client.sendall(REQUEST + b"x")
        self.turn(2)
        self.assertEqual(b"6:OK foo," + MALFORMED, self.hear())
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_asked_meanwhile(self) -> None:
        """Requests that come before the reply is sent are answered after it, in order."""
        for request in (REQUEST, b"9:table foo,", REQUEST[:5]):
            self.client.sendall(request)
            self.transport.doRead()
        self.turn()
        self.client.sendall(REQUEST[5:])
        self.turn(2)
        self.assertEqual(b"6:OK foo,9:NOTFOUND ,6:OK foo,", self.hear())

    def test_slow(self) -> None:
        """Who asks and does not read is not read from either; as he reads he gets every reply, whole and in order."""
        self.answer_much()
        self.client.sendall(REQUEST * 100)
        self.turn(10)
        self.assertFalse(self.reading)
        self.assertLess(self.statistics.writes.begun, 20)
        heard = b""
        while len(heard) < 100 * len(LONG_REPLY):
            piece = self.hear(10_000)
            self.turn()
            heard += piece
        self.assertEqual(LONG_REPLY * 100, heard)
        self.turn()
        self.assertTrue(self.reading)
        self.assertEqual((100, 100), (self.statistics.writes.ended, self.statistics.outcomes[ReplyKind.SUCCESS].ended))

    def test_held(self) -> None:
        """The system holds little for a client that does not read, and does not read on for it."""
        for buffer, size in ((socket.SO_SNDBUF, 32_768), (socket.SO_RCVBUF, 131_072)):
            self.assertLessEqual(self.transport.getHandle().getsockopt(socket.SOL_SOCKET, buffer), size)

    def test_half_close(self) -> None:
        """A client that ends its side while replies are due gets all of them, and the end."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.client.shutdown(socket.SHUT_WR)
        heard = b""
        while self.transport.connected:
            self.turn()
            heard += self.hear()
        heard += self.hear()
        self.assertEqual(LONG_REPLY * 50, heard)
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_finish(self) -> None:
        """A server that stops gives the replies that are due, and ends the connection."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.turn(3)
        self.clients.finish_pending()
        heard = b""
        while self.transport.connected:
            self.turn()
            heard += self.hear()
        heard += self.hear()
        self.assertEqual(LONG_REPLY * 50, heard)
        self.assert_ended()

    def test_finish_idle(self) -> None:
        """It lets a client go that waits for nothing, or is in the middle of a request."""
        self.client.sendall(REQUEST[:7])
        self.turn()
        self.clients.finish_pending()
        self.turn()
        self.assertEqual(b"", self.client.recv(1))
        self.assert_ended()

    def test_abort(self) -> None:
        """It puts a client out that does not read."""
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
        """A client that goes without reading leaves nothing."""
        self.answer_much()
        self.client.sendall(REQUEST * 50)
        self.client.close()
        with capturedLogs() as events:
            self.turn(5)
        self.assertEqual([], [event for event in events if event.get("log_failure")])
        self.assert_ended()
