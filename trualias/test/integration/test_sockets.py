"""Tests of real servers with unix sockets, also stale ones, and with sockets that systemd holds."""

import os
import signal
import socket
import stat
import subprocess
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.test_sockets import FolderTestCase
from trualias.testing.live import ENVIRONMENT, PATIENCE, TWISTD, LiveServer, free_port, wait_until
from trualias.testing.requirements import require_program

POLICY = "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
REQUEST, REPLY = b"16:table foo-shop-4,", b"6:OK foo,"


def ask(path: Path) -> bytes:
    """Send a request to a unix socket, and return the reply."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(REQUEST)
        return client.recv(100)


class ServerTestCase(FolderTestCase):
    """A test case with servers in its folder."""

    def server(self, settings: str) -> LiveServer:
        """Make a server that is stopped after the test."""
        port = free_port()
        (self.folder / "a.conf").write_text(f"PORT: {port}\n{settings}{POLICY}", "utf-8")
        server = LiveServer(("trualias-table", "-c", "a.conf"), self.folder, port)
        self.addCleanup(server.stop)
        return server


class UnixSocketTests(ServerTestCase):
    """Unix sockets of running servers."""

    def test_life(self) -> None:
        """A socket has its mode and no lock file; it is removed when the server stops, and replaced after a crash."""
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
        """A second server on the same socket ends with one logged line, and the first one keeps answering."""
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
        message = f"Cannot listen on unix:{self.path}: another process is listening there"
        self.assertEqual(1, done.stdout.count(message), done.stdout)
        self.assertEqual(REPLY, ask(self.path))


class CrowdTests(ServerTestCase):
    """Many clients that connect at once."""

    def test_crowd(self) -> None:
        """500 clients are connected at once while the server has no time for them, and all get their replies."""
        server = self.server(f"LISTEN: socketmap unix:{self.path}\n")
        server.start()
        os.kill(server.pid, signal.SIGSTOP)
        self.addCleanup(server.stop)
        addresses: list[tuple[int, Any]] = [
            *[(socket.AF_INET, ("127.0.0.1", server.port))] * 400,
            *[(socket.AF_UNIX, str(self.path))] * 100,
        ]
        clients = []
        try:
            for family, address in addresses:
                client = socket.socket(family)
                self.addCleanup(client.close)
                client.settimeout(0.9)  # TCP tries again after a second
                client.connect(address)
                clients.append(client)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        for client, (family, _) in zip(clients, addresses, strict=True):
            client.settimeout(PATIENCE)
            client.sendall(REQUEST if family == socket.AF_UNIX else b"get foo-shop-4\n")
        for client, (family, _) in zip(clients, addresses, strict=True):
            self.assertEqual(REPLY if family == socket.AF_UNIX else b"200 foo\n", client.recv(100))


class ActivationTests(FolderTestCase):
    """Sockets that systemd holds, simulated by ``systemd-socket-activate``."""

    # Runs two servers one after the other on the same sockets, each once the file turn-N exists.
    SCRIPT = """
    for turn in 1 2; do
        while [ ! -e turn-$turn ]; do sleep 0.02; done
        "$SHELL" -c 'echo $$ > server.pid; LISTEN_PID=$$ exec "$@" >> server.log 2>&1' sh "$@"
        rm server.pid
    done
    """

    def setUp(self) -> None:
        """Start ``systemd-socket-activate``, which holds the sockets."""
        super().setUp()
        activate = require_program("systemd-socket-activate")
        shell = require_program("sh")
        self.port = free_port()
        (self.folder / "a.conf").write_text(
            "LISTEN: tcp_table systemd:domain=INET:index=0\nLISTEN: socketmap systemd:domain=UNIX:name=maps\n" + POLICY,
            "utf-8",
        )
        # Twisted needs names for the sockets; systemd itself always passes them.
        sockets = ("--fdname=lines:maps", "-l", f"127.0.0.1:{self.port}", "-l", str(self.path))
        variables = ("-E", f"PYTHONPATH={ENVIRONMENT['PYTHONPATH']}", "-E", f"SHELL={shell}")
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        server = (*TWISTD, "--nodaemon", "--pidfile=", "trualias-table", "-c", "a.conf", "--state", str(state))
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
        """End all processes."""
        self.stop()
        self.process.kill()
        self.process.wait(PATIENCE)

    def log(self) -> str:
        """Return the logs so far."""
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """Stop the running server, if any."""
        pid = self.folder / "server.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
            wait_until(lambda: not pid.exists(), "the end of the server", log=self.log)

    def start_server(self, turn: int) -> None:
        """Start the first or the second server."""
        (self.folder / f"turn-{turn}").touch()

    def test_restart(self) -> None:
        """A client that connects while no server runs is answered by the next server.

        The mode of the socket, which systemd sets, does not change.
        """
        self.path.chmod(0o600)
        for turn in (1, 2):
            with socket.socket() as lines, socket.socket(socket.AF_UNIX) as maps:
                for client, address in ((lines, ("127.0.0.1", self.port)), (maps, str(self.path))):
                    client.settimeout(PATIENCE)
                    client.connect(address)
                lines.sendall(b"get foo-shop-4\n")
                maps.sendall(REQUEST)
                self.start_server(turn)
                self.assertEqual((b"200 foo\n", REPLY), (lines.recv(100), maps.recv(100)), self.log())
            self.stop()
            self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode), self.log())
        self.assertNotIn("Traceback", self.log())

    def test_status(self) -> None:
        """``trualias status -c`` finds the addresses that systemd chose in the status of the server."""
        socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        self.start_server(1)
        wait_until(lambda: any((self.folder / "state").glob("table-*.status")), "a status", log=self.log)
        output = StringIO()
        command = ("status", "-c", str(self.folder / "a.conf"), "--state", str(self.folder / "state"))
        status = run(command, Terminal(BytesIO(), output, output))
        first, second, third = output.getvalue().splitlines()
        answers = "answers as the file says (1 lookup)"
        self.assertEqual(
            (
                0,
                f"tcp_table systemd:domain=INET:index=0 (tcp:{self.port}:interface=127.0.0.1): {answers}",
                f"socketmap systemd:domain=UNIX:name=maps (unix:{self.path}): {answers}",
            ),
            (status, first, second),
        )
        self.assertTrue(third.startswith("table: running since "), third)

    def test_backlog(self) -> None:
        """A socket that systemd holds connects hundreds of clients before the server accepts one."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(b"get foo-shop-4\n")
            self.start_server(1)
            self.assertEqual(b"200 foo\n", client.recv(100), self.log())
        server = int((self.folder / "server.pid").read_text())
        os.kill(server, signal.SIGSTOP)
        try:
            for _ in range(200):
                self.addCleanup(socket.create_connection(("127.0.0.1", self.port), 0.9).close)
        finally:
            os.kill(server, signal.SIGCONT)
