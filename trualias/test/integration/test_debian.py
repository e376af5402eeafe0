"""The Debian package and the container image, as far as they can be tested without being built.

``.ci/debian-package`` builds the package and tests its life cycle.
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
    """The files in debian/."""

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
        """Write a configuration, and take the health check with its path from the Dockerfile."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.port = free_port()
        self.path = self.folder / "tcp_virtual_server.conf"
        self.path.write_text(f"PORT: {self.port}\n", "utf-8")
        (command,) = re.findall(r"(?m)^HEALTHCHECK .*? CMD (.*)$", (source_tree() / "Dockerfile").read_text("utf-8"))
        _, *self.arguments = json.loads(command)
        self.arguments[1] = self.arguments[1].replace("/etc/trualias/", f"{self.folder}/")

    def check(self) -> int:
        """Run the health check; return its exit status."""
        return subprocess.run(
            (sys.executable, *self.arguments),
            env={**os.environ, "KIND": "virtual", "PYTHONPATH": str(source_tree())},
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        ).returncode

    def test_health(self) -> None:
        """The health check succeeds while the server answers, and fails when it has stopped."""
        server = LiveServer(("trualias-virtual", "--config", self.path.name), self.folder, self.port)
        self.addCleanup(server.stop)
        server.start()
        self.assertEqual(0, self.check())
        server.stop()
        self.assertEqual(1, self.check())
