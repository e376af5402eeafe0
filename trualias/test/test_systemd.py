"""Tests of trualias.server.systemd."""

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import cast

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.server.systemd import NotifyService, Reactor, SystemdNotifier, watchdog_seconds

ONE = "ACCOUNT foo, bar MATCHES %account%-%code% WITH x;"


class Listener:
    """A real socket, as systemd has it, below a folder or, with an "@" before it, in the abstract namespace."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + path[1:] if path.startswith("@") else path)
        self._socket.setblocking(False)

    @property
    def heard(self) -> list[str]:
        """What was told since the last time."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


class SystemdTestCase(SynchronousTestCase):
    """A socket that listens."""

    def listen(self, path: str | None = None) -> Listener:
        """Listen on a path, by default one that is short enough for a socket."""
        if path is None:
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            path = f"{folder.name}/notify"
        listener = Listener(path)
        self.addCleanup(listener.close)
        return listener


class SupervisorTests(SystemdTestCase):
    """How systemd is told."""

    def test_tell(self) -> None:
        """What is told comes in one message, by a socket in a folder or an abstract one."""
        for path in (None, f"@trualias-test-{os.getpid()}"):
            listener = self.listen(path)
            SystemdNotifier({"NOTIFY_SOCKET": listener.path}).notify("READY=1", "STATUS=\u00e9")
            self.assertEqual(["READY=1\nSTATUS=\u00e9"], listener.heard)

    def test_nobody(self) -> None:
        """Where nobody asks, nobody is told."""
        for environment in ({}, {"NOTIFY_SOCKET": ""}):
            with capturedLogs() as events:
                SystemdNotifier(environment).notify("READY=1")
            self.assertEqual([], events)

    def test_failure(self) -> None:
        """One who asks and does not listen is named in the log; the server lives on."""
        path = str(Path(self.mktemp()).absolute())
        with capturedLogs() as events:
            SystemdNotifier({"NOTIFY_SOCKET": path}).notify("READY=1", "STATUS=x")
        [event] = events
        self.assertEqual(
            f"systemd was not told READY=1 STATUS=x: [Errno {errno.ENOENT}] No such file or directory",
            event["log_format"].format(**event),
        )


class WatchdogSecondsTests(SynchronousTestCase):
    """When a sign of life is wanted."""

    def test_seconds(self) -> None:
        """It is wanted where WATCHDOG_USEC says so, and not of another process."""
        for environment, seconds in (
            ({}, None),
            ({"WATCHDOG_USEC": "30000000"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
        ):
            self.assertEqual(seconds, watchdog_seconds(environment, 7), environment)


class NotifyServiceTests(SystemdTestCase):
    """What systemd is told, and when."""

    def setUp(self) -> None:
        """Make a service whose supervisor wants a sign of life every 30 s."""
        self.listener = self.listen()
        self.reactor = MemoryReactorClock()
        self.current = CurrentSnapshot(Snapshot(parse_configuration(ONE, "a.conf")))
        self.service = self.make(30)

    def make(self, watchdog: float | None) -> NotifyService:
        """Make a service."""
        supervisor = SystemdNotifier({"NOTIFY_SOCKET": self.listener.path})
        reactor = cast(Reactor, self.reactor)
        return NotifyService(reactor, supervisor, watchdog, self.current, lambda: 4711)

    def test_life(self) -> None:
        """READY when the reactor runs, a sign of life every 15 s from then on, STOPPING at the end."""
        self.service.startService()
        self.assertEqual([], self.listener.heard)
        self.reactor.run()
        self.assertEqual(["READY=1\nSTATUS=1 statement, 2 accounts", "WATCHDOG=1"], self.listener.heard)
        self.reactor.advance(14.9)
        self.assertEqual([], self.listener.heard)
        self.reactor.pump([0.2, 15, 15])
        self.assertEqual(["WATCHDOG=1"] * 3, self.listener.heard)
        self.service.stopService()
        self.assertEqual(["STOPPING=1"], self.listener.heard)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_no_watchdog(self) -> None:
        """Without a watchdog there are no signs of life."""
        service = self.make(None)
        service.startService()
        self.reactor.run()
        self.reactor.advance(3600)
        service.stopService()
        self.assertEqual(["READY=1\nSTATUS=1 statement, 2 accounts", "STOPPING=1"], self.listener.heard)

    def test_stopped_before_it_was_ready(self) -> None:
        """A server that is stopped before the reactor runs never was ready."""
        self.service.startService()
        self.service.stopService()
        self.reactor.run()
        self.assertEqual(["STOPPING=1"], self.listener.heard)

    def test_reload(self) -> None:
        """RELOADING comes with the clock that systemd wants; then READY, and what is in use now or still."""
        self.service.startService()
        self.service.load_begun()
        self.current.snapshot = Snapshot(parse_configuration("", "a.conf"))
        self.service.load_ended(True)
        self.service.load_begun()
        self.service.load_ended(False)
        reloading = "RELOADING=1\nMONOTONIC_USEC=4711"
        ready = "READY=1\nSTATUS=0 statements, 0 accounts"
        self.assertEqual(
            [reloading, ready, reloading, f"{ready}; the last change has errors, which are in the log"],
            self.listener.heard,
        )

    def test_reload_at_the_end(self) -> None:
        """A load that ends after the server's own end is told to nobody: it would look ready once more."""
        self.service.startService()
        self.service.load_begun()
        self.service.stopService()
        self.service.load_ended(False)
        self.service.load_begun()
        self.assertEqual(["RELOADING=1\nMONOTONIC_USEC=4711", "STOPPING=1"], self.listener.heard)
