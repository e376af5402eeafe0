"""Tests of ``trualias.web.site``."""

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request

from trualias.web.site import LimitedSite, Page

ALLOWED = IPv4Address("TCP", "127.0.0.1", 1)
OTHER = IPv4Address("TCP", "192.0.2.1", 1)


class Greeting(Page):
    """A page of one line."""

    def render_GET(self, request: Request) -> bytes:
        """Return the line."""
        request.setHeader(b"content-type", b"text/plain")
        return b"hello\n"


class LimitedSiteTests(SynchronousTestCase):
    """A site with one page for one address."""

    def setUp(self) -> None:
        """Start the site."""
        self.refused: list[tuple[object, str]] = []
        self.site = LimitedSite({"greeting": Greeting()}, ALLOWED.__eq__, lambda *refusal: self.refused.append(refusal))
        self.site.doStart()
        self.addCleanup(self.site.doStop)

    def request(self, line: bytes) -> tuple[bytes, bytes]:
        """Send a request line; return the status line and the body."""
        protocol = self.site.buildProtocol(ALLOWED)
        assert protocol is not None
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(line + b"\r\n\r\n")
        head, _, body = transport.value().partition(b"\r\n\r\n")
        return head.split(b"\r\n")[0], body

    def test_page(self) -> None:
        """A page is served at its path for GET and HEAD, and no other path is found."""
        self.assertEqual((b"HTTP/1.0 200 OK", b"hello\n"), self.request(b"GET /greeting HTTP/1.0"))
        self.assertEqual((b"HTTP/1.0 200 OK", b""), self.request(b"HEAD /greeting HTTP/1.0"))
        for path in (b"/", b"/other"):
            self.assertEqual(b"HTTP/1.0 404 Not Found", self.request(b"GET " + path + b" HTTP/1.0")[0], path)

    def test_address(self) -> None:
        """A client of another address is refused."""
        self.assertIsNone(self.site.buildProtocol(OTHER))
        self.assertEqual([], self.refused)

    def test_limit(self) -> None:
        """One client more than the limit is refused and reported, until another has disconnected."""
        protocols = []
        for _ in range(self.site.MAX_CONNECTIONS):
            protocol = self.site.buildProtocol(ALLOWED)
            assert protocol is not None
            protocol.makeConnection(StringTransport())
            protocols.append(protocol)
        self.assertIsNone(self.site.buildProtocol(ALLOWED))
        self.assertEqual([(ALLOWED, "32 HTTP clients are connected already")], self.refused)
        protocols[0].connectionLost(Failure(ConnectionDone()))
        self.assertIsNotNone(self.site.buildProtocol(ALLOWED))
        for protocol in protocols[1:]:
            protocol.connectionLost(Failure(ConnectionDone()))
