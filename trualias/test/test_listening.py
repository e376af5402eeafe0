"""Tests of trualias.listening."""

import errno
from typing import cast

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorCore
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor, RaisingMemoryReactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, load
from trualias.listening import CannotListen, ListeningService, check_listeners, listeners


class ListenersTests(SynchronousTestCase):
    """From a configuration to where it says to listen."""

    def assert_listeners(self, text: str, *expected: str) -> None:
        """Assert that the settings of a text come to these listeners, as text."""
        self.assertEqual(list(expected), [str(listener) for listener in listeners(load(text, "a.conf"))])

    def test_short(self) -> None:
        """HOST and PORT are one listener, there where either is given or there is no LISTEN; by default on loopback."""
        default = "tcp_table tcp:3047:interface=127.0.0.1"
        unix = "socketmap unix:/x"
        self.assert_listeners("", default)
        self.assert_listeners(f"LISTEN: {unix}\n", unix)
        self.assert_listeners(f"LISTEN: {unix}\nPORT: 3047\n", default, unix)
        self.assert_listeners(f"HOST: 127.0.0.1\nLISTEN: {unix}\n", default, unix)

    def test_ipv6(self) -> None:
        """An IPv6 address, whose colons mean something in a description, comes through."""
        self.assert_listeners("HOST: ::1\nPORT: 25\n", r"tcp_table tcp6:25:interface=\:\:1")
        reactor = MemoryReactor()
        description = listeners(load("HOST: ::1\nPORT: 25\n", "a.conf"))[0].endpoint
        ListeningService(cast(IReactorCore, reactor), description, Factory()).startService()
        [(port, _, _, interface)] = reactor.tcpServers
        self.assertEqual((port, interface), (25, "::1"))

    def assert_errors(self, text: str, *expected: str) -> None:
        """Assert what is wrong with the listeners of a text."""
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(load(text, "a.conf"))
        self.assertEqual(list(expected), [str(error) for error in raised.exception.errors])

    def test_unknown(self) -> None:
        """What Twisted does not understand is an error at each LISTEN that has it."""
        self.assert_errors(
            "LISTEN: tcp_table hurz:25\nLISTEN: tcp_table unix:/x\nLISTEN: tcp_table tcp:x\n",
            "a.conf:1:1: LISTEN: hurz:25 is no endpoint that can be used: Unknown endpoint type: 'hurz'\n"
            "LISTEN: tcp_table hurz:25\n^",
            "a.conf:3:1: LISTEN: tcp:x is no endpoint that can be used: invalid literal for int() with base 10: 'x'\n"
            "LISTEN: tcp_table tcp:x\n^",
        )

    def test_not_from_systemd(self) -> None:
        """A socket that systemd should have opened, and did not, is told as such."""
        for endpoint in ("systemd:domain=INET:index=0", "systemd:domain=INET:name=x"):
            line = f"LISTEN: socketmap {endpoint}\n"
            told = f"{endpoint} is no endpoint that can be used: systemd handed no such socket to this process"
            self.assert_errors(line, f"a.conf:1:1: LISTEN: {told}\n{line}^")

    def test_beyond_this_machine(self) -> None:
        """An endpoint that others reach is an error unless ALLOW says which."""
        reached = (
            "can be reached from other machines; say which may connect, such as ALLOW: 192.0.2.0/24, or listen on "
            "127.0.0.1 or ::1"
        )
        for endpoint in ("tcp:25", "tcp6:25", "tcp:25:interface=192.0.2.1", r"tcp6:25:interface=\:\:"):
            line = f"LISTEN: socketmap {endpoint}\n"
            self.assert_errors(line, f"a.conf:1:1: LISTEN: {endpoint} {reached}\n{line}^")
            check_listeners(load(f"ALLOW: 192.0.2.0/24\n{line}", "a.conf"))
        for endpoint in ("tcp:25:interface=127.0.0.1", r"tcp6:25:interface=\:\:1", "unix:/x"):
            check_listeners(load(f"LISTEN: socketmap {endpoint}\n", "a.conf"))


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

    def test_place_shows_later(self) -> None:
        """An endpoint that shows only when it is open that others reach it, is closed again unless they may."""
        reactor = MemoryReactor()  # its ports all are at 0.0.0.0
        description = "haproxy:tcp:25"
        with capturedLogs() as events, self.assertRaises(CannotListen):
            self.service(reactor, description).startService()
        self.assertEqual(
            "Cannot listen on haproxy:tcp:25: 0.0.0.0 can be reached from other machines; say which may connect, such "
            "as ALLOW: 192.0.2.0/24, or listen on 127.0.0.1 or ::1",
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
