"""Files at the path of a unix socket."""

import socket
import tempfile
from pathlib import Path
from typing import cast

from twisted.internet.interfaces import IReactorCore
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.listening import ListenError, ListeningService


class FolderTestCase(SynchronousTestCase):
    """A folder whose path is short enough for unix sockets."""

    def setUp(self) -> None:
        """Make the folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "map.sock"


class StaleTests(FolderTestCase):
    """Files at the path of a unix socket before the server starts."""

    def refused(self) -> str:
        """Start a service that fails to listen, and return the logged message."""
        service = ListeningService(cast(IReactorCore, MemoryReactor()), f"unix:{self.path}", Factory())
        with capturedLogs() as events, self.assertRaises(ListenError):
            service.startService()
        [event] = events
        text: str = event["log_format"].format(**event)
        return text

    def test_live(self) -> None:
        """A socket that another process listens on is left alone."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen(0)
            message = f"Cannot listen on unix:{self.path}: another process is listening there"
            self.assertEqual(message, self.refused())
            # The backlog, of one, is full now.
            self.assertEqual(message, self.refused())
        self.assertTrue(self.path.exists())

    def test_other_file(self) -> None:
        """A file that is no socket is left alone."""
        self.path.touch()
        self.assertEqual(
            f"Cannot listen on unix:{self.path}: {self.path} is there and is no socket; remove it, or listen elsewhere",
            self.refused(),
        )
        self.assertTrue(self.path.exists())

    def test_datagrams(self) -> None:
        """A datagram socket is left alone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(self.path))
            self.assertEqual(f"Cannot listen on unix:{self.path}: Protocol wrong type for socket", self.refused())
        self.assertTrue(self.path.exists())

    def test_stale(self) -> None:
        """A socket that no process listens on is replaced."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
        reactor = MemoryReactor()
        service = ListeningService(cast(IReactorCore, reactor), f"unix:{self.path}:mode=600", Factory())
        service.startService()
        self.assertFalse(self.path.exists())
        [(path, _, _, mode, lock)] = reactor.unixServers
        self.assertEqual((str(self.path), 0o600, False), (path, mode, lock))
        self.assertTrue(service.listening)
        self.successResultOf(service.stopService())
        self.assertFalse(service.listening)
        self.successResultOf(service.stopService())
