"""The Debian package and the image of a container, as far as they can be seen without building them.

``.ci/debian-package`` builds the package, installs it, and takes it away again.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.lookup.loading import load_snapshot
from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import source_tree


class DebianTests(SynchronousTestCase):
    """What lies in debian/."""

    def test_version(self) -> None:
        """The newest entry of the changelog is for the version of trualias itself."""
        first = (source_tree() / "debian" / "changelog").read_text("utf-8").splitlines()[0]
        self.assertEqual(f"trualias ({trualias.__version__}) unstable; urgency=medium", first)

    def test_configuration(self) -> None:
        """The configurations that the package starts with name no account and no domain, and listen on this machine."""
        for kind, port in (("table", 3047), ("virtual", 3048)):
            configuration = load_snapshot(str(source_tree() / "debian" / f"tcp_{kind}_server.conf")).configuration
            self.assertEqual(frozenset(), configuration.policy.accounts)
            self.assertEqual(frozenset(), configuration.settings.alias_domains)
            self.assertEqual(("127.0.0.1", port), (configuration.settings.host, configuration.settings.port))


class ImageTests(SynchronousTestCase):
    """The Dockerfile's own two commands, run without a container."""

    def setUp(self) -> None:
        """Put the configuration where a server and its health check look for it here."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.port = free_port()
        self.path = self.folder / "tcp_virtual_server.conf"
        self.path.write_text(f"PORT: {self.port}\n", "utf-8")
        (command,) = re.findall(r"(?m)^HEALTHCHECK .*? CMD (.*)$", (source_tree() / "Dockerfile").read_text("utf-8"))
        _, *self.arguments = json.loads(command)
        self.arguments[1] = self.arguments[1].replace("/etc/trualias/", f"{self.folder}/")

    def check(self) -> int:
        """The exit status of the health check."""
        return subprocess.run(
            (sys.executable, *self.arguments),
            env={**os.environ, "KIND": "virtual", "PYTHONPATH": str(source_tree())},
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        ).returncode

    def test_health(self) -> None:
        """It is healthy while the server answers, and not after."""
        server = LiveServer(("trualias-virtual", "--config", self.path.name), self.folder, self.port)
        self.addCleanup(server.stop)
        server.start()
        self.assertEqual(0, self.check())
        server.stop()
        self.assertEqual(1, self.check())
