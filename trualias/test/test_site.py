"""Tests of ``trualias.web.site``."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from trualias.web.http import Response
from trualias.web.site import Connection, Site, State

GET = b"GET /greeting HTTP/1.0\r\n\r\n"


def client(host: str = "127.0.0.1") -> IPv4Address:
    """Make the address of a client."""
    return IPv4Address("TCP", host, 1)


class HalfClosingTransport(StringTransport):
    """A transport that records whether the server has closed its side."""

    write_closed = False

    def loseWriteConnection(self) -> None:
        """Close the server's side."""
        self.write_closed = True


class Greeting:
    """A page of one line, which counts how often it was rendered."""

    def __init__(self) -> None:
        self.rendered = 0

    def render(self, accept: str) -> Response:
        """Return the line."""
        self.rendered += 1
        return Response(HTTPStatus.OK, b"hello\n")


class Failing:
    """A page that cannot be rendered."""

    def render(self, accept: str) -> Response:
        """Raise an exception."""
        raise ValueError(accept)


class SiteTestCase(SynchronousTestCase):
    """A site with two pages."""

    def setUp(self) -> None:
        """Make the site."""
        self.refused: list[tuple[object, str]] = []
        self.reactor = Clock()
        self.greeting = Greeting()
        self.site = Site(
            self.reactor,
            {"/greeting": self.greeting, "/failing": Failing()},
            lambda host: host != "other.example",
            lambda address: address != client("192.0.2.1"),
            lambda *refusal: self.refused.append(refusal),
        )

    def connect(self, sent: bytes = b"", host: str = "127.0.0.1") -> tuple[Connection, HalfClosingTransport]:
        """Connect a client that sends some bytes."""
        connection = self.site.buildProtocol(client(host))
        assert connection is not None
        transport = HalfClosingTransport()
        connection.makeConnection(transport)
        if sent:
            connection.dataReceived(sent)
        return connection, transport

    def request(self, sent: bytes) -> tuple[str, list[str], bytes]:
        """Send a request; return the status, the header fields and the body."""
        connection, transport = self.connect(sent)
        self.reactor.advance(self.site.INTERVAL)
        self.assertTrue(transport.write_closed)
        connection.connectionLost()
        head, _, body = transport.value().partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        return status.split(" ")[1], fields, body

    def states(self, connections: Iterable[Connection]) -> list[State]:
        """Return the states of connections."""
        return [connection.state for connection in connections]


class RequestTests(SiteTestCase):
    """Requests and their responses."""

    def test_page(self) -> None:
        """A page is served at its path for GET and HEAD, and nothing at any other path."""
        self.assertEqual(("200", b"hello\n"), self.request(GET)[::2])
        self.assertEqual(("200", b"hello\n"), self.request(b"\r\n\r\nGET /greeting?a=b HTTP/1.0\r\n\r\n")[::2])
        status, fields, body = self.request(b"HEAD /greeting HTTP/1.0\r\n\r\n")
        self.assertEqual(("200", b""), (status, body))
        self.assertIn("Content-Length: 6", fields)
        for path in (b"/", b"/other", b"/greeting/", b"*"):
            self.assertEqual("404", self.request(b"GET " + path + b" HTTP/1.0\r\n\r\n")[0], path)

    def test_pieces(self) -> None:
        """A request can come one byte at a time."""
        connection, transport = self.connect()
        for position in range(len(GET)):
            self.reactor.advance(0.1)
            self.assertEqual(b"", transport.value())
            connection.dataReceived(GET[position : position + 1])
        self.reactor.advance(0)
        self.assertTrue(transport.value().endswith(b"\r\n\r\nhello\n"))

    def test_refused_requests(self) -> None:
        """A request with a body, with another method, for another host or against the rules is refused."""
        for status, head in (
            ("405", b"POST /greeting HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n"),
            ("405", b"POST /other HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"),
            ("405", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n"),
            ("413", b"GET /greeting HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"),
            ("413", b"GET /greeting HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"),
            ("421", b"GET /greeting HTTP/1.1\r\nHost: other.example\r\n"),
            ("421", b"GET http://other.example/greeting HTTP/1.1\r\nHost: a\r\n"),
            ("400", b"GET /greeting HTTP/1.1\r\n"),
            ("431", b"GET /greeting HTTP/1.1\r\n" + b"a:\r\n" * 100),
        ):
            self.assertEqual(status, self.request(head + b"\r\n")[0], head)
        self.assertIn("Allow: GET, HEAD", self.request(b"PUT / HTTP/1.0\r\n\r\n")[1])
        self.assertEqual(0, self.greeting.rendered)

    def test_failure(self) -> None:
        """A page that cannot be rendered is logged, and its client gets 500."""
        self.assertEqual(
            ("500", b"failed; the log has the reason\n"), self.request(b"GET /failing HTTP/1.0\r\n\r\n")[::2]
        )
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_one_request(self) -> None:
        """Of 2,000 requests on a connection one is answered, and the others are not read beyond 64 KiB."""
        connection, transport = self.connect(GET * 2000)
        self.reactor.advance(0)
        self.assertEqual(1, transport.value().count(b"HTTP/1.1 200"))
        connection.dataReceived(GET * 2000)
        self.reactor.advance(1)
        self.assertEqual(1, transport.value().count(b"HTTP/1.1 200"))
        connection.dataReceived(b"x" * (connection.MAX_DISCARDED - len(GET) * 2000))
        self.assertEqual("producing", transport.producerState)
        connection.dataReceived(b"x")
        self.assertEqual("paused", transport.producerState)

    def test_body_is_not_kept(self) -> None:
        """A body is not kept in memory, also while the request waits for its turn."""
        self.connect(GET)
        self.reactor.advance(0)
        connection, transport = self.connect(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(connection.MAX_DISCARDED // 4096 + 1):
            connection.dataReceived(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        self.assertEqual("paused", transport.producerState)
        self.reactor.advance(self.site.INTERVAL)
        self.assertEqual(b"HTTP/1.1 405 ", transport.value()[:13])

    def test_empty_lines(self) -> None:
        """Empty lines before a request are not kept in memory."""
        connection, transport = self.connect()
        for _ in range(1000):
            connection.dataReceived(b"\r\n" * 1000)
        connection.dataReceived(GET)
        self.reactor.advance(0)
        self.assertIn(b" 200 ", transport.value())


class ConnectionTests(SiteTestCase):
    """Connections, and how long they last."""

    def test_half_close(self) -> None:
        """A client that has closed its side gets its response, and one without a complete request is disconnected."""
        connection, transport = self.connect(GET)
        connection.readConnectionLost()
        self.assertFalse(transport.disconnecting)
        self.reactor.advance(0)
        self.assertIn(b" 200 ", transport.value())
        self.assertTrue(transport.disconnecting)
        connection, transport = self.connect(GET[:-1])
        connection.readConnectionLost()
        self.assertTrue(transport.disconnecting)

    def test_client_closes(self) -> None:
        """A connection ends when its client has the response and closes it."""
        connection, transport = self.connect(GET)
        self.reactor.advance(0)
        connection.writeConnectionLost()
        self.assertFalse(transport.disconnecting)
        connection.readConnectionLost()
        self.assertTrue(transport.disconnecting)

    def test_deadline(self) -> None:
        """A connection is aborted after 10 s, however slowly its client sends a request or takes the response."""
        slow, slow_transport = self.connect(GET[:1])
        unread, unread_transport = self.connect(GET)
        for _ in range(9):
            self.reactor.advance(1)
            slow.dataReceived(b"x")
        self.assertEqual([False, False], [slow_transport.disconnected, unread_transport.disconnected])
        self.reactor.advance(1)
        self.assertEqual([True, True], [slow_transport.disconnected, unread_transport.disconnected])
        self.assertEqual([State.CLOSED] * 2, self.states((slow, unread)))

    def test_nothing_remains(self) -> None:
        """A connection that has ended leaves no call of the reactor."""
        for sent in (b"", GET):
            connection, transport = self.connect(sent)
            connection.connectionLost()
            self.reactor.advance(self.site.INTERVAL)
            self.assertEqual(b"", transport.value())
            self.assertEqual([], self.reactor.getDelayedCalls())

    def test_network(self) -> None:
        """A client of another address is refused."""
        self.assertIsNone(self.site.buildProtocol(client("192.0.2.1")))
        self.assertEqual([], self.refused)


class TurnTests(SiteTestCase):
    """The rate of answers."""

    def test_rate(self) -> None:
        """The first request is answered in the reactor's next iteration, each further one 20 ms after the last."""
        connections = [self.connect(GET)[0] for _ in range(4)]
        self.assertEqual([State.WAITING] * 4, self.states(connections))
        for answered, seconds in ((1, 0.0), (1, 0.019), (2, 0.001), (2, 0.0199), (3, 0.0001), (4, 1.0)):
            self.reactor.advance(seconds)
            self.assertEqual([State.ANSWERED] * answered, self.states(connections)[:answered])
            self.assertEqual([State.WAITING] * (4 - answered), self.states(connections)[answered:])

    def test_lost_turn(self) -> None:
        """A client that disconnects while it waits does not delay the others."""
        connections = [self.connect(GET)[0] for _ in range(3)]
        connections[0].connectionLost()
        self.reactor.advance(0)
        self.assertEqual(State.ANSWERED, connections[1].state)

    def test_late_turn(self) -> None:
        """After a pause a request is answered in the next iteration again, without a burst for the time that passed."""
        self.request(GET)
        self.reactor.advance(60)
        connections = [self.connect(GET)[0] for _ in range(2)]
        self.reactor.advance(0)
        self.assertEqual([State.ANSWERED, State.WAITING], self.states(connections))


class LimitTests(SiteTestCase):
    """More clients than the limit."""

    def fill(self, sent: bytes, host: str = "127.0.0.1", number: int = Site.MAX_CONNECTIONS) -> list[Connection]:
        """Connect clients of one address that all send some bytes."""
        return [self.connect(sent, host)[0] for _ in range(number)]

    def test_slow_clients(self) -> None:
        """Clients that send a request byte by byte are replaced, the oldest first, by one more client."""
        slow = self.fill(b"G")
        _, transport = self.connect(GET)
        self.reactor.advance(0)
        self.assertIn(b" 200 ", transport.value())
        self.assertEqual([State.CLOSED, *[State.READING] * 31], self.states(slow))
        self.assertEqual([(client(), "more HTTP clients connected while it was idle")], self.refused)

    def test_answered_clients(self) -> None:
        """A client that does not take its response is replaced, before clients that wait for their turn."""
        waiting = self.fill(GET)
        self.reactor.advance(0)
        self.connect(GET)
        self.assertEqual([State.CLOSED, *[State.WAITING] * 31], self.states(waiting))

    def test_waiting_clients(self) -> None:
        """While all wait for their turn, one more client of the same address is refused and reported."""
        waiting = self.fill(GET)
        self.assertIsNone(self.site.buildProtocol(client()))
        self.assertEqual([(client(), "32 HTTP clients are connected already")], self.refused)
        waiting[0].connectionLost()
        self.assertIsNotNone(self.site.buildProtocol(client()))

    def test_busy_address(self) -> None:
        """While all wait for their turn, the newest of the address with the most connections is replaced by others."""
        few, many = self.fill(GET, "127.0.0.3", 2), self.fill(GET, "127.0.0.2", 30)
        connection, transport = self.connect(GET)
        self.assertEqual([*[State.WAITING] * 31, State.CLOSED], self.states([*few, *many]))
        self.assertEqual(
            [(client("127.0.0.2"), "of all HTTP clients its address has the most connections")], self.refused
        )
        self.reactor.pump([self.site.INTERVAL] * self.site.MAX_CONNECTIONS)
        self.assertIn(b" 200 ", transport.value())
        self.assertEqual(State.ANSWERED, connection.state)

    def test_fair_shares(self) -> None:
        """Two addresses share the connections, and then neither replaces the other's clients."""
        self.fill(GET, "127.0.0.2", 17)
        self.fill(GET, "127.0.0.3", 15)
        self.connect(GET, "127.0.0.3")
        for host in ("127.0.0.2", "127.0.0.3"):
            self.assertIsNone(self.site.buildProtocol(client(host)))
