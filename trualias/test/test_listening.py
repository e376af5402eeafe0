"""Tests of trualias.server.listening."""

import errno
import socket
import tempfile
from pathlib import Path
from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IReactorCore
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor, RaisingMemoryReactor, StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.listening import CannotListen, ListeningService
from trualias.test.loop import Loop


class Counting(Factory):
    """Counts those who connect, and takes none."""

    noisy = False
    built = 0

    def buildProtocol(self, addr: IAddress | None) -> None:
        """Count."""
        self.built += 1


class ListeningServiceTests(SynchronousTestCase):
    """A service that listens."""

    def service(self, reactor: object, description: str = "tcp:3047:interface=127.0.0.1") -> ListeningService:
        """Make a service on a reactor that is not one."""
        return ListeningService(cast(IReactorCore, reactor), description, Factory())

    def test_start(self) -> None:
        """It listens once, be it started with privileges first or not; after its stop it listens no more."""
        for privileged in (True, False):
            reactor = MemoryReactor()
            service = self.service(reactor)
            if privileged:
                service.privilegedStartService()
            service.startService()
            self.assertEqual([server[::3] for server in reactor.tcpServers], [(3047, "127.0.0.1")])
            self.successResultOf(service.stopService())
            self.assertFalse(service.running)

    def test_connected_before_the_end(self) -> None:
        """Whoever the system has connected before it stops is a client, however many they are; later ones are none."""
        loop = Loop()
        self.addCleanup(loop.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        factory, path = Counting(), f"{folder.name}/a.sock"
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

    def test_turned_away(self) -> None:
        """A client that the factory turns away is gone also where the endpoint wraps one protocol in another."""
        reactor = MemoryReactor()
        factory = Counting()
        service = ListeningService(cast(IReactorCore, reactor), "haproxy:tcp:25", factory, lambda: True)
        service.startService()
        [(_, wrapping, _, _)] = reactor.tcpServers
        protocol, transport = wrapping.buildProtocol(IPv4Address("TCP", "127.0.0.1", 4711)), StringTransport()
        assert protocol is not None
        protocol.makeConnection(transport)
        self.assertEqual((1, True), (factory.built, transport.disconnecting))

    def test_place_shows_later(self) -> None:
        """An endpoint that shows only when it is open that others reach it, is closed again unless they may."""
        reactor = MemoryReactor()  # its ports all are at 0.0.0.0
        description = "haproxy:tcp:25"
        with capturedLogs() as events, self.assertRaises(CannotListen):
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
        """What Twisted does not understand is refused at once."""
        self.assertRaises(ValueError, self.service, MemoryReactor(), "hurz:3047")

    def refused(self, error: Exception) -> tuple[CannotListen, str]:
        """Start a service where listening raises; return what it raises and what it logs."""
        service = self.service(RaisingMemoryReactor(listenException=error))
        with capturedLogs() as events, self.assertRaises(CannotListen) as raised:
            service.privilegedStartService()
        [event] = events
        self.assertEqual(event["log_level"].name, "critical")
        return raised.exception, event["log_format"].format(**event)

    def test_port_in_use(self) -> None:
        """A port in use is one clear line in the log."""
        error = CannotListenError("127.0.0.1", 3047, OSError(errno.EADDRINUSE, "Address already in use"))
        self.assertEqual(
            self.refused(error)[1], "Cannot listen on tcp:3047:interface=127.0.0.1: Address already in use"
        )

    def test_anything_else(self) -> None:
        """So is whatever else keeps it from listening."""
        self.assertEqual(
            self.refused(OverflowError("bind(): port must be 0-65535."))[1],
            "Cannot listen on tcp:3047:interface=127.0.0.1: bind(): port must be 0-65535.",
        )

    def test_end_of_the_process(self) -> None:
        """The error ends the process with status 1, and still is one that twistd tells to who started the daemon."""
        raised, _ = self.refused(PermissionError(errno.EACCES, "Permission denied"))
        self.assertIsInstance(raised, Exception)
        self.assertIsInstance(raised, SystemExit)
        self.assertEqual(raised.code, 1)
        self.assertEqual(str(raised), "cannot listen on tcp:3047:interface=127.0.0.1: Permission denied")
