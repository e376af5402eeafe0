"""Sockets that outlive a server, and servers that outlive a socket: unix sockets, and those that systemd holds."""

import os
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import cast

from twisted.internet.interfaces import IReactorCore
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.listening import CannotListen, ListeningService
from trualias.test.live import ENVIRONMENT, PATIENCE, TWISTD, LiveServer, free_port, wait_until
from trualias.test.requirements import require_program

POLICY = "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
REQUEST, REPLY = b"16:table foo-shop-4,", b"6:OK foo,"


def ask(path: Path) -> bytes:
    """Ask at a unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(REQUEST)
        return client.recv(100)


class FolderTestCase(SynchronousTestCase):
    """A folder whose name is short enough for sockets in it."""

    def setUp(self) -> None:
        """Make the folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "map.sock"

    def server(self, settings: str) -> LiveServer:
        """Make a server, which is stopped at the end."""
        port = free_port()
        (self.folder / "a.conf").write_text(f"PORT: {port}\n{settings}{POLICY}", "utf-8")
        server = LiveServer(("trualias-table", "-c", "a.conf"), self.folder, port)
        self.addCleanup(server.stop)
        return server


class StaleTests(FolderTestCase):
    """What is done about what is in the place of a unix socket."""

    def refused(self) -> str:
        """Start to listen, expect that it fails, and return what the log says."""
        service = ListeningService(cast(IReactorCore, MemoryReactor()), f"unix:{self.path}", Factory())
        with capturedLogs() as events, self.assertRaises(CannotListen):
            service.startService()
        [event] = events
        text: str = event["log_format"].format(**event)
        return text

    def test_live(self) -> None:
        """A socket that somebody listens on is left to him."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen(0)
            told = f"Cannot listen on unix:{self.path}: another process is listening there"
            self.assertEqual(told, self.refused())
            # Its queue, of one, is full from now on.
            self.assertEqual(told, self.refused())
        self.assertTrue(self.path.exists())

    def test_no_socket(self) -> None:
        """A file that is no socket is left alone."""
        self.path.touch()
        self.assertEqual(
            f"Cannot listen on unix:{self.path}: {self.path} is there and is no socket; remove it, or listen elsewhere",
            self.refused(),
        )
        self.assertTrue(self.path.exists())

    def test_datagrams(self) -> None:
        """So is a socket of another type."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(self.path))
            self.assertEqual(f"Cannot listen on unix:{self.path}: Protocol wrong type for socket", self.refused())
        self.assertTrue(self.path.exists())

    def test_stale(self) -> None:
        """One that nobody listens on is removed."""
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


class UnixSocketTests(FolderTestCase):
    """A unix socket through the lives of a server."""

    def test_life(self) -> None:
        """It has its mode while the server runs, no lock file beside it, is gone after it, and survives a crash."""
        server = self.server(f"LISTEN: socketmap unix:{self.path}:mode=640\n")
        server.start()
        self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual(REPLY, ask(self.path))
        self.assertEqual(["a.conf", "map.sock", "server.log"], sorted(os.listdir(self.folder)))
        server.kill()
        self.assertTrue(self.path.exists())
        server.start()
        self.assertEqual(REPLY, ask(self.path))
        server.stop()
        self.assertFalse(self.path.exists())

    def test_second_server(self) -> None:
        """A second server on the same socket ends with one clear line, and the first goes on."""
        server = self.server(f"LISTEN: socketmap unix:{self.path}\n")
        server.start()
        (self.folder / "b.conf").write_text(f"LISTEN: socketmap unix:{self.path}\n", "utf-8")
        done = subprocess.run(
            (*TWISTD, "--nodaemon", "--pidfile=", "trualias-table", "-c", "b.conf"),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((1, ""), (done.returncode, done.stderr))
        told = f"Cannot listen on unix:{self.path}: another process is listening there"
        self.assertEqual(1, done.stdout.count(told), done.stdout)
        self.assertEqual(REPLY, ask(self.path))


class ActivationTests(FolderTestCase):
    """Sockets that systemd holds, by ``systemd-socket-activate``."""

    # Runs one server after the other, each when its turn comes, with the sockets that are handed on to all of them.
    SCRIPT = """
    for turn in 1 2; do
        while [ ! -e turn-$turn ]; do sleep 0.02; done
        "$SHELL" -c 'echo $$ > server.pid; LISTEN_PID=$$ exec "$@" >> server.log 2>&1' sh "$@"
        rm server.pid
    done
    """

    def setUp(self) -> None:
        """Let the sockets be held."""
        super().setUp()
        activate = require_program("systemd-socket-activate")
        shell = require_program("sh")
        self.port = free_port()
        (self.folder / "a.conf").write_text(
            "LISTEN: tcp_table systemd:domain=INET:index=0\nLISTEN: socketmap systemd:domain=UNIX:name=maps\n" + POLICY,
            "utf-8",
        )
        # Twisted wants names where there are sockets; systemd itself always gives them.
        sockets = ("--fdname=lines:maps", "-l", f"127.0.0.1:{self.port}", "-l", str(self.path))
        variables = ("-E", f"PYTHONPATH={ENVIRONMENT['PYTHONPATH']}", "-E", f"SHELL={shell}")
        server = (*TWISTD, "--nodaemon", "--pidfile=", "trualias-table", "-c", "a.conf")
        with (self.folder / "activate.log").open("wb") as log:
            process = subprocess.Popen(
                [activate, *sockets, *variables, shell, "-c", self.SCRIPT, "sh", *server],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.process = process
        self.addCleanup(self.end)
        wait_until(self.path.exists, "a socket of systemd-socket-activate", log=self.log)

    def end(self) -> None:
        """End everything."""
        self.stop()
        self.process.kill()
        self.process.wait(PATIENCE)

    def log(self) -> str:
        """What was said so far."""
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """Stop the server that runs, if one does."""
        pid = self.folder / "server.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
            wait_until(lambda: not pid.exists(), "the end of the server", log=self.log)

    def let_run(self, turn: int) -> None:
        """Let the next server run."""
        (self.folder / f"turn-{turn}").touch()

    def test_restart(self) -> None:
        """Who connects while no server runs waits, and is answered by the next one: nobody is turned away.

        Who may connect is systemd's to say, and stays as it is.
        """
        self.path.chmod(0o600)
        for turn in (1, 2):
            with socket.socket() as lines, socket.socket(socket.AF_UNIX) as maps:
                for client, place in ((lines, ("127.0.0.1", self.port)), (maps, str(self.path))):
                    client.settimeout(PATIENCE)
                    client.connect(place)
                lines.sendall(b"get foo-shop-4\n")
                maps.sendall(REQUEST)
                self.let_run(turn)
                self.assertEqual((b"200 foo\n", REPLY), (lines.recv(100), maps.recv(100)), self.log())
            self.stop()
            self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode), self.log())
        self.assertNotIn("Traceback", self.log())
