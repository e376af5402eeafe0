"""Tests of trualias.listening."""

import errno
from typing import cast

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorCore
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor, RaisingMemoryReactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Settings
from trualias.listening import CannotListen, ListeningService, descriptions


class DescriptionsTests(SynchronousTestCase):
    """From settings to descriptions of endpoints."""

    def test_default(self) -> None:
        """By default a server listens on this machine alone."""
        self.assertEqual(descriptions(Settings()), ("tcp:3047:interface=127.0.0.1",))

    def test_ipv6(self) -> None:
        """An IPv6 address, whose colons mean something in a description, comes through."""
        [description] = descriptions(Settings(host="::1", port=25))
        self.assertEqual(description, r"tcp6:25:interface=\:\:1")
        reactor = MemoryReactor()
        ListeningService(cast(IReactorCore, reactor), description, Factory()).startService()
        [(port, _, _, interface)] = reactor.tcpServers
        self.assertEqual((port, interface), (25, "::1"))


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
