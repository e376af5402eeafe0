"""Tests of the systemd units in ``install``: their restrictions, and their commands."""

import re
import shlex
import socket
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import require_program, source_tree

KINDS = ("table", "virtual")


def unit(kind: str, suffix: str = "service") -> Path:
    """Return the path of a server's unit."""
    return source_tree() / "install" / f"trualias-{kind}.{suffix}"


class UnitTests(SynchronousTestCase):
    """The units of both services and their sockets."""

    def test_security(self) -> None:
        """systemd rates the exposure of each service at 1.5 or better, of 10."""
        program = require_program("systemd-analyze")
        for kind in KINDS:
            done = subprocess.run(
                [program, "security", "--offline=true", "--no-pager", str(unit(kind))],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            rating = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
            assert rating is not None, done
            self.assertLessEqual(float(rating[1]), 1.5, done.stdout)

    def test_same(self) -> None:
        """The units of the two servers differ only in names and ports."""
        for suffix in ("service", "socket"):
            table, virtual = (unit(kind, suffix).read_text("utf-8") for kind in KINDS)
            self.assertEqual(virtual, table.replace("table", "virtual").replace("3047", "3048"))

    def test_start(self) -> None:
        """The command of each unit starts a server, which notifies systemd that it is ready."""
        for kind in KINDS:
            (command,) = re.findall(r"(?m)^ExecStart=(.*)$", unit(kind).read_text("utf-8"))
            words = shlex.split(command)
            self.assertEqual(["/opt/trualias/bin/twistd", "--nodaemon", "--pidfile="], words[:3])
            self.assertEqual(f"/etc/trualias/tcp_{kind}_server.conf", words.pop())
            port = free_port()
            with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.bind(f"{folder}/notify")
                systemd.settimeout(PATIENCE)
                Path(folder, "a.conf").write_text(f"PORT: {port}\n", "utf-8")
                server = LiveServer((*words[3:], "a.conf"), Path(folder), port, {"NOTIFY_SOCKET": f"{folder}/notify"})
                self.addCleanup(server.stop)
                server.start()
                self.assertEqual(b"READY=1\nSTATUS=0 statements, 0 accounts", systemd.recv(4096))
                server.stop()
                self.assertIn("[twisted.scripts._twistd_unix.UnixAppLogger] Server Shut Down.\n", server.log)
