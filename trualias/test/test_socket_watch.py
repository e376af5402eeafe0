"""Tests of ``trualias.server.socket_watch``."""

import os
import socket
import stat

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from trualias.server.listening import ListeningService
from trualias.server.socket_watch import INTERVAL, SocketWatchService
from trualias.test.loop import Loop
from trualias.test.test_sockets import FolderTestCase
from trualias.testing.workers import QueueingWorker
from trualias.web.health import ListenerHealth


class GreetingFactory(Factory):
    """Greets each client, and counts them."""

    noisy = False

    def __init__(self) -> None:
        self.clients = 0

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Count a client."""
        self.clients += 1
        return Protocol()


class SocketWatchTests(FolderTestCase):
    """A server whose unix socket is watched."""

    def setUp(self) -> None:
        """Start the listener and the watch."""
        super().setUp()
        self.loop = Loop()
        self.addCleanup(self.loop.close)
        self.factory = GreetingFactory()
        self.listener = ListeningService(self.loop.core, f"unix:{self.path}:mode=640", self.factory)
        self.listener.startService()
        self.clock = Clock()
        self.worker = QueueingWorker()
        self.watch = SocketWatchService(self.clock, self.worker, [self.listener])
        self.watch.startService()

    def stop(self) -> None:
        """Stop the listener."""
        stopped = self.listener.stopService()
        self.loop.turn(3)
        self.successResultOf(stopped)

    def pass_interval(self) -> list[str]:
        """Advance the clock by an interval; return the logged messages."""
        with capturedLogs() as events:
            self.clock.advance(INTERVAL)
            self.worker.run_all()
            self.loop.turn(3)
        return [formatEvent(event) for event in events if event["log_namespace"].startswith("trualias")]

    def is_accepted(self) -> bool:
        """Return whether the server accepts a client at the path."""
        clients = self.factory.clients
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            self.loop.turn(3)
        return self.factory.clients == clients + 1

    def problem(self) -> str | None:
        """Return what /healthz says."""
        return ListenerHealth([self.listener]).problem()

    def test_unchanged(self) -> None:
        """A socket that is in its place is left alone."""
        before = self.path.stat()
        self.assertEqual([], self.pass_interval())
        self.assertEqual(before.st_ino, self.path.stat().st_ino)
        self.assertTrue(self.is_accepted())

    def test_removed(self) -> None:
        """A removed socket is made anew, with its mode, and removed at the stop; nothing happens in the reactor."""
        for _ in range(2):
            self.path.unlink()
            self.clock.advance(INTERVAL)
            self.assertFalse(self.path.exists())
            self.clock.advance(INTERVAL)
            self.assertEqual(1, len(self.worker.waiting))
            self.assertEqual([f"the socket {self.path} was removed, and is made anew"], self.pass_interval())
            self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))
            self.assertTrue(self.is_accepted())
            self.assertIsNone(self.problem())
            self.assertEqual([], self.pass_interval())
        self.stop()
        self.assertFalse(self.path.exists())

    def test_waiting_client(self) -> None:
        """A client that connected before the socket was removed is accepted."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            self.path.unlink()
            self.pass_interval()
            self.assertEqual(1, self.factory.clients)

    def test_cannot_be_made(self) -> None:
        """A socket that cannot be made anew is one line in the log, and a problem, until it can be."""
        self.path.unlink()
        self.folder.rename(f"{self.folder}-away")
        try:
            self.assertEqual(
                [
                    f"clients cannot connect to {self.path}: its file was removed, and cannot be made anew: "
                    "No such file or directory"
                ],
                self.pass_interval(),
            )
            self.assertEqual(f"not listening on unix:{self.path}:mode=640", self.problem())
            self.assertEqual([], self.pass_interval())
        finally:
            os.rename(f"{self.folder}-away", self.folder)
        self.assertEqual([f"the socket {self.path} was removed, and is made anew"], self.pass_interval())
        self.assertIsNone(self.problem())
        self.assertTrue(self.is_accepted())

    def test_other_socket(self) -> None:
        """A socket of another process at the path is never taken, not at the stop either."""
        self.path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen(1)
            self.assertEqual(
                [f"clients cannot connect to {self.path}: another file is at its path, which is left alone"],
                self.pass_interval(),
            )
            self.assertEqual(f"not listening on unix:{self.path}:mode=640", self.problem())
            self.assertFalse(self.is_accepted())
            self.stop()
            self.assertTrue(self.path.exists())

    def test_moved_away_and_back(self) -> None:
        """A socket that comes back is no problem any more."""
        away = self.folder / "away"
        self.path.rename(away)
        self.path.touch()
        self.pass_interval()
        away.rename(self.path)
        self.assertEqual([f"clients can connect to {self.path} again"], self.pass_interval())
        self.assertIsNone(self.problem())

    def test_stop_without_file(self) -> None:
        """A server whose socket was removed stops without an error."""
        self.path.unlink()
        self.stop()
        self.assertEqual([], self.flushLoggedErrors())

    def test_stop_meanwhile(self) -> None:
        """A socket that is made while the server stops is removed."""
        self.path.unlink()
        self.clock.advance(INTERVAL)
        self.watch.stopService()
        self.stop()
        self.worker.run_all()
        self.assertFalse(self.path.exists())

    def test_hanging(self) -> None:
        """While an examination hangs, no other one begins; that is logged once."""
        with capturedLogs() as events:
            for _ in range(50):
                self.clock.advance(INTERVAL)
        self.assertEqual(1, len(self.worker.waiting))
        self.assertEqual(
            ["the unix sockets cannot be examined: the file system has not answered for a minute"],
            [formatEvent(event) for event in events],
        )
        self.worker.run_all()
        self.path.unlink()
        self.assertEqual([f"the socket {self.path} was removed, and is made anew"], self.pass_interval())


class UnwatchedTests(FolderTestCase):
    """Listeners without a file."""

    def test_unwatched(self) -> None:
        """TCP ports and abstract unix sockets are not examined."""
        loop, clock, worker = Loop(), Clock(), QueueingWorker()
        self.addCleanup(loop.close)
        descriptions = ("tcp:0:interface=127.0.0.1", f"unix:\0trualias-test-{os.getpid()}")
        listeners = [ListeningService(loop.core, description, Factory()) for description in descriptions]
        for listener in listeners:
            listener.startService()
            self.addCleanup(listener.stopService)
        SocketWatchService(clock, worker, listeners).startService()
        clock.advance(INTERVAL)
        self.assertEqual([], worker.waiting)
