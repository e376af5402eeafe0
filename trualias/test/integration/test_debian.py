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
from trualias.testing.requirements import require_program, source_tree


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


class RemovalTests(SynchronousTestCase):
    """The part of the maintainer script that looks at Postfix before the package is removed."""

    def setUp(self) -> None:
        """Extract the part, which ends at the stop of the servers."""
        text = (source_tree() / "debian" / "trualias.prerm").read_text("utf-8")
        self.script = text.partition("# debhelper does not stop")[0]
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        (self.folder / "master.cf").touch()

    def said(self, main: str, action: str = "remove") -> str:
        """Return what the script prints with a main.cf."""
        require_program("postconf")
        (self.folder / "main.cf").write_text(main, "utf-8")
        done = subprocess.run(
            ["sh", "-c", self.script, "prerm", action],
            env={**os.environ, "MAIL_CONFIG": str(self.folder), "PATH": f"{os.environ['PATH']}:/usr/sbin"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr

    def test_named(self) -> None:
        """Settings that name the servers are printed, with the consequence and the way to the guide."""
        for setting in (
            "virtual_alias_maps = hash:/etc/postfix/virtual, tcp:127.0.0.1:3048",
            "virtual_alias_maps = socketmap:unix:trualias/virtual.sock:virtual",
            "recipient_canonical_maps = socketmap:inet:127.0.0.1:3049:virtual",
        ):
            self.assertEqual(
                f"trualias: Postfix still asks the servers that are removed now:\n{setting}\n"
                "Until you change this, Postfix replies to all mail with a temporary error (451),\n"
                "for real mailboxes too. See /usr/share/doc/trualias/examples/install/uninstall.rst.\n",
                self.said(f"{setting}\n"),
            )

    def test_silent(self) -> None:
        """Nothing is printed for other settings, for a machine without Postfix' files, and in an upgrade."""
        self.assertEqual("", self.said("virtual_alias_maps = hash:/etc/postfix/virtual, tcp:127.0.0.1:1234\n"))
        self.assertEqual("", self.said("virtual_alias_maps = tcp:127.0.0.1:3048\n", "upgrade"))
        (self.folder / "master.cf").unlink()
        self.assertEqual("", self.said("mydestination = tcp\n"))


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
        wait_until(lambda: any(self.state.glob("virtual-*.status")), "the status", lambda: server.log)
        for edited in ("PORT: 1\n", "PROT: 1\n", "LISTEN: tcp_table unix:x.sock\n", "ALLOW: 192.0.2.1\n", "PORT: 0\n"):
            self.path.write_text(edited, "utf-8")
            self.assertEqual(0, self.check())
        server.stop()
        self.assertEqual(1, self.check())
