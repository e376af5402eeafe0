"""Tests of ``trualias.server.listening``."""

import errno
import re
import socket
import tempfile
from pathlib import Path
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IReactorCore
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor, RaisingMemoryReactor, StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.listening import ListenError, ListeningService
from trualias.test.loop import Loop


class CountingFactory(Factory):
    """Counts the clients and rejects them."""

    noisy = False
    built = 0

    def buildProtocol(self, addr: IAddress | None) -> None:
        """Count a client."""
        self.built += 1


class ListeningServiceTests(SynchronousTestCase):
    """Services that listen on an endpoint."""

    def service(self, reactor: object, description: str = "tcp:3047:interface=127.0.0.1") -> ListeningService:
        """Make a service on a reactor in memory."""
        return ListeningService(cast(IReactorCore, reactor), description, Factory())

    def test_start(self) -> None:
        """It listens once, also if it is started with privileges first; once stopped, it does not listen."""
        for privileged in (True, False):
            reactor = MemoryReactor()
            service = self.service(reactor)
            if privileged:
                service.privilegedStartService()
            service.startService()
            self.assertEqual([server[::3] for server in reactor.tcpServers], [(3047, "127.0.0.1")])
            self.successResultOf(service.stopService())
            self.assertFalse(service.running)

    def test_logged(self) -> None:
        """The start and the stop are logged with the address, under the name of what is listened for."""
        loop = Loop()
        self.addCleanup(loop.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for description in ("tcp:0:interface=127.0.0.1", "tcp6:0:interface=\\:\\:1", f"unix:{folder.name}/a.sock"):
            service = ListeningService(loop.core, description, Factory(), name="trualias.web")
            with capturedLogs() as events:
                service.startService()
                service.stopService()
                loop.turn()
            logged = [
                (event["log_namespace"], re.sub(r":\d+$", ":PORT", formatEvent(event)))
                for event in events
                if event["log_namespace"].startswith("trualias")
            ]
            address = {"tcp:": "127.0.0.1:PORT", "tcp6": "[::1]:PORT"}.get(description[:4], f"{folder.name}/a.sock")
            self.assertEqual(
                [("trualias.web", f"listening on {address}"), ("trualias.web", f"stops listening on {address}")], logged
            )

    def test_waiting_clients(self) -> None:
        """All clients that the kernel has connected before the stop are accepted; the path is then gone."""
        loop = Loop()
        self.addCleanup(loop.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        factory, path = CountingFactory(), f"{folder.name}/a.sock"
        service = ListeningService(loop.core, f"unix:{path}", factory)
        service.startService()
        for _ in range(20):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(path)
        stopped = service.stopService()
        self.assertEqual(20, factory.built)
        loop.turn(2)
        self.successResultOf(stopped)
        self.assertFalse(Path(path).exists())

    def connect_many(self, description: str, number: int = 200) -> None:
        """Connect clients to a server that accepts none of them."""
        loop = Loop()
        self.addCleanup(loop.close)
        service = ListeningService(loop.core, description, CountingFactory())
        service.startService()
        self.addCleanup(service.stopService)
        assert service._port is not None
        host: Any = service._port.getHost()
        for _ in range(number):
            client = socket.socket(socket.AF_INET if description.startswith("tcp") else socket.AF_UNIX)
            self.addCleanup(client.close)
            client.settimeout(0.9)  # TCP tries again after a second
            client.connect((host.host, host.port) if description.startswith("tcp") else host.name)

    def test_backlog(self) -> None:
        """The kernel connects hundreds of clients before the server accepts one."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.connect_many("tcp:0:interface=127.0.0.1")
        self.connect_many(f"unix:{folder.name}/a.sock")

    def test_configured_backlog(self) -> None:
        """A backlog that the endpoint says is kept."""
        with self.assertRaises(TimeoutError):
            self.connect_many("tcp:0:interface=127.0.0.1:backlog=5", 10)

    def test_keep_alive(self) -> None:
        """A TCP connection is probed after a minute without data, six times in a minute."""
        loop = Loop()
        self.addCleanup(loop.close)
        accepted: list[Connection] = []

        class Accepting(Protocol):
            """Keeps the connection."""

            def connectionMade(self) -> None:
                """Keep it."""
                accepted.append(cast(Connection, self.transport))

        service = ListeningService(loop.core, "tcp:0:interface=127.0.0.1", Factory.forProtocol(Accepting))
        service.startService()
        self.addCleanup(service.stopService)
        assert service._port is not None
        host: Any = service._port.getHost()
        with socket.create_connection((host.host, host.port)):
            loop.turn_until(lambda: accepted)
            handle = accepted[0].getHandle()
            self.assertNotEqual(0, handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            options = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
            for name, number in options.items():
                if hasattr(socket, name):
                    self.assertEqual(number, handle.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)), name)

    def test_rejected(self) -> None:
        """A client that the factory rejects is disconnected also if the endpoint wraps one protocol in another."""
        reactor = MemoryReactor()
        factory = CountingFactory()
        service = ListeningService(cast(IReactorCore, reactor), "haproxy:tcp:25", factory, lambda: True)
        service.startService()
        [(_, wrapping, _, _)] = reactor.tcpServers
        protocol, transport = wrapping.buildProtocol(IPv4Address("TCP", "127.0.0.1", 4711)), StringTransport()
        assert protocol is not None
        protocol.makeConnection(transport)
        self.assertEqual((1, True), (factory.built, transport.disconnecting))

    def test_address_is_known_late(self) -> None:
        """An endpoint that turns out to be exposed once it is open is an error without ALLOW."""
        reactor = MemoryReactor()  # all its ports have the address 0.0.0.0
        description = "haproxy:tcp:25"
        with capturedLogs() as events, self.assertRaises(ListenError):
            self.service(reactor, description).startService()
        self.assertEqual(
            "Cannot listen on haproxy:tcp:25: 0.0.0.0 can be reached from other machines; say which may connect, such "
            "as ALLOW: 127.0.0.1 ::1 192.0.2.0/24, or listen on 127.0.0.1 or ::1",
            events[-1]["log_format"].format(**events[-1]),
        )
        service = ListeningService(cast(IReactorCore, reactor), description, Factory(), lambda: True)
        service.startService()
        self.assertTrue(service.listening)

    def test_unknown_description(self) -> None:
        """A description that Twisted does not understand is refused at once."""
        self.assertRaises(ValueError, self.service, MemoryReactor(), "hurz:3047")

    def refused(self, error: Exception) -> tuple[ListenError, str]:
        """Start a service whose endpoint raises; return the exception and the logged message."""
        service = self.service(RaisingMemoryReactor(listenException=error))
        with capturedLogs() as events, self.assertRaises(ListenError) as raised:
            service.privilegedStartService()
        [event] = events
        self.assertEqual(event["log_level"].name, "critical")
        return raised.exception, event["log_format"].format(**event)

    def test_port_in_use(self) -> None:
        """A port in use is one line in the log."""
        error = CannotListenError("127.0.0.1", 3047, OSError(errno.EADDRINUSE, "Address already in use"))
        self.assertEqual(
            self.refused(error)[1], "Cannot listen on tcp:3047:interface=127.0.0.1: Address already in use"
        )

    def test_other_error(self) -> None:
        """Any other exception of the endpoint is one line in the log."""
        self.assertEqual(
            self.refused(OverflowError("bind(): port must be 0-65535."))[1],
            "Cannot listen on tcp:3047:interface=127.0.0.1: bind(): port must be 0-65535.",
        )

    def test_end_of_the_process(self) -> None:
        """The error ends the process with status 1, and is an Exception, which twistd shows when it starts a daemon."""
        raised, _ = self.refused(PermissionError(errno.EACCES, "Permission denied"))
        self.assertIsInstance(raised, Exception)
        self.assertIsInstance(raised, SystemExit)
        self.assertEqual(raised.code, 1)
        self.assertEqual(str(raised), "cannot listen on tcp:3047:interface=127.0.0.1: Permission denied")
