"""Tests of the Debian package and the container image that do not build them.

``.ci/debian-package`` builds the package and tests its life cycle.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.lookup.loading import load_snapshot
from trualias.testing.live import PATIENCE, LiveServer, free_port, wait_until
from trualias.testing.requirements import source_tree


class DebianTests(SynchronousTestCase):
    """The files in ``debian``."""

    def test_version(self) -> None:
        """The newest entry of the changelog has the version of the package trualias."""
        first = (source_tree() / "debian" / "changelog").read_text("utf-8").splitlines()[0]
        self.assertEqual(f"trualias ({trualias.__version__}) unstable; urgency=medium", first)

    def test_configuration(self) -> None:
        """The configurations of the package have no account and no domain, and listen on the loopback address."""
        for kind, port in (("table", 3047), ("virtual", 3048)):
            configuration = load_snapshot(str(source_tree() / "debian" / f"tcp_{kind}_server.conf")).configuration
            self.assertEqual(frozenset(), configuration.policy.accounts)
            self.assertEqual(frozenset(), configuration.settings.alias_domains)
            self.assertEqual(("127.0.0.1", port), (configuration.settings.host, configuration.settings.port))


class ImageTests(SynchronousTestCase):
    """The health check of the Dockerfile, run without a container."""

    def setUp(self) -> None:
        """Write a configuration, and a script ``trualias`` for the commands of the Dockerfile."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700)
        self.port = free_port()
        self.path = self.folder / "tcp_virtual_server.conf"
        self.path.write_text(f"PORT: {self.port}\n", "utf-8")
        text = (source_tree() / "Dockerfile").read_text("utf-8")
        (self.health,) = re.findall(r"(?m)^HEALTHCHECK .*? CMD (.*)$", text)
        (self.start,) = re.findall(r"(?m)^CMD (.*)$", text)
        trualias = self.folder / "trualias"
        trualias.write_text(f"#!{sys.executable}\nfrom trualias.main import main\nraise SystemExit(main())\n", "utf-8")
        trualias.chmod(0o755)
        self.environment = {
            **os.environ,
            "KIND": "virtual",
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(source_tree()),
        }

    def replaced(self, command: str) -> list[str]:
        """Return the words of a command of the Dockerfile, with the folders replaced by those of the test."""
        words: list[str] = json.loads(command)
        folders = {"/etc/trualias/": f"{self.folder}/", "/var/lib/trualias": str(self.state)}
        for before, after in folders.items():
            words = [word.replace(before, after) for word in words]
        return words

    def check(self) -> int:
        """Run the health check; return its exit status."""
        return subprocess.run(
            self.replaced(self.health),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        ).returncode

    def test_health(self) -> None:
        """The health check succeeds while the server runs, with any configuration, and fails after it has stopped."""
        _, _, command = self.replaced(self.start)
        _, arguments = command.split('"trualias-$KIND"')
        words = shlex.split(arguments.replace("${KIND}", "virtual"))
        server = LiveServer(("trualias-virtual", *words), self.folder, self.port)
        self.addCleanup(server.stop)
        self.assertEqual(1, self.check())
        server.start()
        wait_until((self.state / "virtual.status").exists, "the status", lambda: server.log)
        for edited in ("PORT: 1\n", "PROT: 1\n", "LISTEN: tcp_table unix:x.sock\n", "ALLOW: 192.0.2.1\n", "PORT: 0\n"):
            self.path.write_text(edited, "utf-8")
            self.assertEqual(0, self.check())
        server.stop()
        self.assertEqual(1, self.check())
