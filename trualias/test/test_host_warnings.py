"""Tests of ``trualias.commands.host_warnings``."""

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.host_warnings import host_warnings
from trualias.configuration import read_configuration
from trualias.configuration.permissions import root_only


class HostWarningsTests(SynchronousTestCase):
    """Warnings about the permissions of a configuration, and about the folders of its sockets."""

    def setUp(self) -> None:
        """Make a configuration in a folder that all users can enter."""
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = Path(os.path.realpath(folder.name))
        self.folder.chmod(0o755)
        self.path = self.folder / "a.conf"
        self.path.write_text("PORT: 1\n")
        self.path.chmod(0o644)

    def messages(self, installed: str | None = None) -> list[tuple[str, str]]:
        """Return the kinds and messages of the warnings."""
        configuration = read_configuration(str(self.path))
        return [(one.kind, one.message) for one in host_warnings(configuration, installed or str(self.folder))]

    def test_none(self) -> None:
        """A file that all users can read and none but its owner can change has no warning."""
        self.assertEqual([], self.messages())

    def test_readable_by_root(self) -> None:
        """A file of root that no other user can read, because of its own or its folder's mode, has a warning."""
        if os.geteuid() != 0:
            self.skipTest("only root has files of root")
        self.path.chmod(0o600)
        self.assertEqual([("readable-by-root", f"only root can read {self.path}")], self.messages())
        for mode in (0o640, 0o604):
            self.path.chmod(mode)
            self.assertEqual([], self.messages())
        self.folder.chmod(0o700)
        self.assertEqual([("readable-by-root", f"only root can enter {self.folder}")], self.messages())
        for mode in (0o750, 0o701):
            self.folder.chmod(mode)
            self.assertEqual([], self.messages())

    def test_link(self) -> None:
        """The target of a link is what others must be able to read."""
        if os.geteuid() != 0:
            self.skipTest("only root has files of root")
        link = self.folder / "link.conf"
        link.symlink_to(self.path)
        self.assertIsNone(root_only(str(link)))
        self.path.chmod(0o600)
        self.assertEqual(f"only root can read {self.path}", root_only(str(link)))

    def test_writable_by_others(self) -> None:
        """A file that other users could change has a warning."""
        self.path.chmod(0o646)
        problem = f"any user may write to {self.path} (chmod o-w {self.path})"
        self.assertEqual([("writable-by-others", f"others could change the file: {problem}")], self.messages())

    def test_draft(self) -> None:
        """The permissions of a file elsewhere do not matter."""
        self.path.chmod(0o666)
        self.folder.chmod(0o700)
        self.assertEqual([], self.messages(installed="/etc"))
        self.assertEqual([], self.messages(installed=str(self.folder)[:-1]))

    def test_socket_folder(self) -> None:
        """A unix socket in a folder that does not exist has a warning at its LISTEN."""
        path = self.folder / "run"
        listen = f"LISTEN: socketmap unix:{path}/x.sock:mode=660\n"
        self.path.write_text(f"LISTEN: socketmap unix:{self.folder}/x.sock:mode=660\n{listen}")
        (warning,) = host_warnings(read_configuration(str(self.path)))
        self.assertEqual(("no-socket-folder", f"LISTEN: there is no folder {path}"), (warning.kind, warning.message))
        self.assertEqual(listen, self.path.read_text()[warning.offset :])
