"""Tests of ``trualias.server.systemd``."""

import errno
import os
import socket
import tempfile
from typing import cast

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server.systemd import Reactor, SystemdNotifier, SystemdService, watchdog_seconds

ONE = "ACCOUNT foo, bar MATCHES %account%-%code% WITH x;"


class NotifySocket:
    """A real socket, as systemd's, at a path or, after "@", in the abstract namespace."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + path[1:] if path.startswith("@") else path)
        self._socket.setblocking(False)

    @property
    def received(self) -> list[str]:
        """The messages since the last access."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class SystemdTestCase(SynchronousTestCase):
    """Sockets for notifications."""

    def listen(self, path: str | None = None) -> NotifySocket:
        """Listen at a path, by default at one that is short enough for a socket."""
        if path is None:
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            path = f"{folder.name}/notify"
        listener = NotifySocket(path)
        self.addCleanup(listener.close)
        return listener


class SystemdNotifierTests(SystemdTestCase):
    """Messages to systemd."""

    def test_notify(self) -> None:
        """Assignments are sent in one message, to a socket at a path or an abstract one."""
        for path in (None, f"@trualias-test-{os.getpid()}"):
            listener = self.listen(path)
            SystemdNotifier({"NOTIFY_SOCKET": listener.path}).notify("READY=1", "STATUS=\u00e9")
            self.assertEqual(["READY=1\nSTATUS=\u00e9"], listener.received)

    def test_no_socket(self) -> None:
        """Without NOTIFY_SOCKET nothing is sent or logged."""
        for environment in ({}, {"NOTIFY_SOCKET": ""}):
            with capturedLogs() as events:
                SystemdNotifier(environment).notify("READY=1")
            self.assertEqual([], events)

    def test_failure(self) -> None:
        """A failure to send is logged and not raised."""
        with tempfile.TemporaryDirectory() as folder, capturedLogs() as events:
            SystemdNotifier({"NOTIFY_SOCKET": f"{folder}/missing"}).notify("READY=1", "STATUS=x")
        [event] = events
        self.assertEqual(
            f"cannot notify systemd of READY=1 STATUS=x: [Errno {errno.ENOENT}] No such file or directory",
            event["log_format"].format(**event),
        )


class WatchdogSecondsTests(SynchronousTestCase):
    """The time between watchdog notifications."""

    def test_seconds(self) -> None:
        """It is that of WATCHDOG_USEC, unless WATCHDOG_PID is another process."""
        for environment, seconds in (
            ({}, None),
            ({"WATCHDOG_USEC": "30000000"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
        ):
            self.assertEqual(seconds, watchdog_seconds(environment, 7), environment)


class SystemdServiceTests(SystemdTestCase):
    """Notifications in the life of a server."""

    def setUp(self) -> None:
        """Make a service with a watchdog of 30 s."""
        self.listener = self.listen()
        self.reactor = MemoryReactorClock()
        self.current = CurrentSnapshot(Snapshot(parse_configuration(ONE, "a.conf")))
        self.loads = LoadCounters()
        self.service = self.make(30)

    def make(self, watchdog: float | None) -> SystemdService:
        """Make a service."""
        notifier = SystemdNotifier({"NOTIFY_SOCKET": self.listener.path})
        reactor = cast(Reactor, self.reactor)
        return SystemdService(reactor, notifier, watchdog, self.current, self.loads, lambda: 4711)

    def test_life(self) -> None:
        """READY is sent when the reactor runs, WATCHDOG each 15 s from then on, STOPPING at the stop."""
        self.service.startService()
        self.assertEqual([], self.listener.received)
        self.reactor.run()
        self.assertEqual(["READY=1\nSTATUS=1 statement, 2 accounts", "WATCHDOG=1"], self.listener.received)
        self.reactor.advance(14.9)
        self.assertEqual([], self.listener.received)
        self.reactor.pump([0.2, 15, 15])
        self.assertEqual(["WATCHDOG=1"] * 3, self.listener.received)
        self.service.stopService()
        self.assertEqual(["STOPPING=1"], self.listener.received)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_fallback(self) -> None:
        """The status says that a kept copy is in use."""
        self.loads.fallback = "the copy of today"
        self.service.startService()
        self.reactor.run()
        self.assertEqual(
            "READY=1\nSTATUS=1 statement, 2 accounts; in use is the copy of today, since the file has errors, which "
            "are in the log",
            self.listener.received[0],
        )
        self.service.stopService()

    def test_no_watchdog(self) -> None:
        """Without a watchdog no WATCHDOG is sent."""
        service = self.make(None)
        service.startService()
        self.reactor.run()
        self.reactor.advance(3600)
        service.stopService()
        self.assertEqual(["READY=1\nSTATUS=1 statement, 2 accounts", "STOPPING=1"], self.listener.received)

    def test_stopped_before_it_was_ready(self) -> None:
        """A server that is stopped before the reactor runs never sends READY."""
        self.service.startService()
        self.service.stopService()
        self.reactor.run()
        self.assertEqual(["STOPPING=1"], self.listener.received)

    def test_reload(self) -> None:
        """RELOADING is sent with the monotonic clock, and then READY with the configuration in use."""
        self.service.startService()
        self.service.begun()
        self.current.snapshot = Snapshot(parse_configuration("", "a.conf"))
        self.service.applied(self.current.snapshot.configuration)
        self.service.begun()
        self.loads.fail()
        self.service.failed()
        reloading = "RELOADING=1\nMONOTONIC_USEC=4711"
        ready = "READY=1\nSTATUS=0 statements, 0 accounts"
        self.assertEqual(
            [reloading, ready, reloading, f"{ready}; the last change has errors, which are in the log"],
            self.listener.received,
        )

    def test_reload_at_the_end(self) -> None:
        """A load that ends after the stop sends nothing: the server would look ready again."""
        self.service.startService()
        self.service.begun()
        self.service.stopService()
        self.service.failed()
        self.service.begun()
        self.assertEqual(["RELOADING=1\nMONOTONIC_USEC=4711", "STOPPING=1"], self.listener.received)
