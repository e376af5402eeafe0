"""Tests of ``trualias.protocols.sockets``."""

import socket
from typing import cast

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from trualias.protocols.sockets import plain_socket
from trualias.test.loop import Loop


class RecordingFactory(Factory):
    """Keeps the protocols that it builds."""

    protocol = Protocol
    noisy = False

    def __init__(self) -> None:
        self.protocols: list[Protocol] = []

    def buildProtocol(self, addr: object) -> Protocol:
        """Build a protocol, and keep it."""
        self.protocols.append(Protocol())
        return self.protocols[-1]


class PlainSocketTests(SynchronousTestCase):
    """The sockets that replies can be written to directly."""

    def connected(self) -> Connection:
        """Return the transport of a real TCP connection."""
        loop, factory = Loop(), RecordingFactory()
        self.addCleanup(loop.close)
        loop.listen(factory)
        loop.connect()
        loop.turn_until(lambda: factory.protocols)
        return cast(Connection, factory.protocols[0].transport)

    def test_tcp(self) -> None:
        """The socket of a TCP connection is returned, and sends small replies at once."""
        transport = self.connected()
        plain = plain_socket(transport)
        assert plain is not None
        self.assertEqual(transport.getHandle().fileno(), plain.fileno())
        self.assertTrue(plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def test_tls(self) -> None:
        """A connection that has switched to TLS, which then provides ISSLTransport, has no plain socket."""
        transport = self.connected()
        directlyProvides(transport, ISSLTransport)
        self.assertIsNone(plain_socket(transport))

    def test_other_transport(self) -> None:
        """A transport that is no connection of Twisted's own has no plain socket."""
        self.assertIsNone(plain_socket(StringTransport()))
