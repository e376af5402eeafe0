"""Tests of trualias.configuration.permissions, and of what is done about files that others may write to."""

import errno
import os
import struct
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.permissions import MOST_LINKS, writable_by_others
from trualias.lookup.hooks import load_hooks

HOOKS = """
ACCOUNTS = ALIASES = frozenset()
def preprocess(alias, domain): return alias, domain
def postprocess(account, domain): return account, domain
def reload(): open("{marker}", "w").close()
"""

# Not one that anything on this machine belongs to.
STRANGER = 54321


class PermissionsTestCase(SynchronousTestCase):
    """A folder that nobody else may write to, within one that everybody may."""

    def setUp(self) -> None:
        """Make the folder, and a file in it."""
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = Path(os.path.realpath(folder.name))
        self.inner = self.folder / "inner"
        self.inner.mkdir(mode=0o755)
        self.path = self.inner / "file.py"
        self.path.touch(mode=0o644)


class WritableByOthersTests(PermissionsTestCase):
    """Who may write to what."""

    def problem(self, path: Path) -> str | None:
        """Ask about a path."""
        return writable_by_others(str(path))

    def test_nobody(self) -> None:
        """A file of the server's own, in folders of his or root's, is safe; that everybody uses /tmp is no matter."""
        self.assertIsNone(self.problem(self.path))

    def test_everybody(self) -> None:
        """A file, its folder and the folders above may not be for everybody to write to."""
        for place in (self.path, self.inner, self.folder):
            place.chmod(0o757)
            self.assertEqual(f"everybody may write to {place} (chmod o-w {place})", self.problem(self.path))
            place.chmod(0o755)

    def test_group(self) -> None:
        """Nor for a group, unless it is root's."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        os.chown(self.path, 0, STRANGER)
        self.path.chmod(0o664)
        self.assertEqual(
            f"the group {STRANGER} may write to {self.path} (chmod g-w {self.path})", self.problem(self.path)
        )
        os.chown(self.path, 0, 0)
        self.assertIsNone(self.problem(self.path))

    def test_access_list(self) -> None:
        """An access list can let anybody in, behind a mode that shows a group's rights."""
        self.path.chmod(0o664)
        # Version 2, then tag, rights and user, acl(5): the owner, STRANGER, the group, the most for both, everybody.
        entries = ((1, 6, -1), (2, 6, STRANGER), (4, 4, -1), (16, 6, -1), (32, 4, -1))
        access = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
        try:
            os.setxattr(self.path, "system.posix_acl_access", access)
        except OSError as error:
            self.skipTest(f"no access lists in {self.folder}: {error.strerror}")
        self.assertEqual(
            f"an access list may let others write to {self.path} (getfacl {self.path}; setfacl -b {self.path})",
            self.problem(self.path),
        )

    def test_owner(self) -> None:
        """Nor may one of them belong to another user than root and the server's."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        for place in (self.path, self.inner):
            os.chown(place, STRANGER, 0)
            self.assertEqual(
                f"{place} belongs to user {STRANGER}, neither root nor the user that loads it (chown root {place})",
                self.problem(self.path),
            )
            os.chown(place, 0, 0)

    def test_own_user(self) -> None:
        """What belongs to the user of the process is safe from others."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        for place in (self.folder, self.inner, self.path):
            os.chown(place, STRANGER, STRANGER)
        self.addCleanup(os.seteuid, 0)
        os.seteuid(STRANGER)
        self.assertIsNone(self.problem(self.path))

    def test_links(self) -> None:
        """Where a link stands counts, and where it leads, over all links that follow."""
        etc, middle = self.folder / "etc", self.folder / "middle"
        for folder in (etc, middle):
            folder.mkdir(mode=0o755)
        (middle / "file.py").symlink_to(self.path)
        (middle / "inner").symlink_to("../inner")
        (etc / "file.py").symlink_to(middle / "file.py")
        (etc / "inner").symlink_to("../middle/inner")
        for path in (etc / "file.py", etc / "inner" / "file.py"):
            self.assertIsNone(self.problem(path))
            for place in (etc, middle, self.inner, self.path):
                place.chmod(0o757)
                self.assertEqual(f"everybody may write to {place} (chmod o-w {place})", self.problem(path))
                place.chmod(0o755)

    def test_up_from_link(self) -> None:
        """What is above a link is above where it leads, as the system takes it."""
        middle = self.folder / "middle"
        for folder in (middle, middle / "below"):
            folder.mkdir(mode=0o755)
        (middle / "file.py").touch()
        (middle / "file.py").chmod(0o646)
        (self.inner / "below").symlink_to(middle / "below")
        self.assertEqual(
            f"everybody may write to {middle}/file.py (chmod o-w {middle}/file.py)",
            self.problem(self.inner / "below" / ".." / "file.py"),
        )

    def test_owner_of_link(self) -> None:
        """A link may not be another's, who could replace it even where everybody may only touch his own."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        shared = self.folder / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        link = shared / "link.py"
        link.symlink_to(self.path)
        self.assertIsNone(self.problem(link))
        os.lchown(link, STRANGER, STRANGER)
        self.assertEqual(
            f"{link} belongs to user {STRANGER}, neither root nor the user that loads it (chown -h root {link})",
            self.problem(link),
        )

    def test_no_file(self) -> None:
        """A path that leads nowhere, or round and round, is an OSError that names the reason."""
        (self.inner / "missing").symlink_to("nothing")
        (self.inner / "round").symlink_to("round")
        for name, reason in (("missing", errno.ENOENT), ("round", errno.ELOOP), ("file.py/x", errno.ENOTDIR)):
            with self.assertRaises(OSError) as raised:
                self.problem(self.inner / name)
            self.assertEqual(reason, raised.exception.errno)

    def test_most_links(self) -> None:
        """As many links are followed as the system follows, and no more."""
        last = self.path
        for number in range(MOST_LINKS + 1):
            link = self.inner / str(number)
            link.symlink_to(last)
            last = link
        followed, too_many = self.inner / str(MOST_LINKS - 1), last
        self.assertIsNone(self.problem(followed))
        followed.stat()
        for look in (self.problem, os.stat):
            with self.assertRaises(OSError) as raised:
                look(too_many)
            self.assertEqual(errno.ELOOP, raised.exception.errno)


class HooksTests(PermissionsTestCase):
    """A PROCESSOR module that others may write to."""

    def assert_refused(self, name: str, path: Path, place: Path) -> None:
        """Assert that a module is refused because of a place, and was not run."""
        configuration = parse_configuration(f"PROCESSOR: {name}\n", str(self.inner / "a.conf"))
        with self.assertRaises(ConfigurationErrors) as raised:
            load_hooks(configuration)
        self.assertEqual(
            f"{self.inner}/a.conf:1:1: {path} is not run, since others could change what it does: "
            f"everybody may write to {place} (chmod o-w {place})\nPROCESSOR: {name}\n^",
            str(raised.exception),
        )
        self.assertFalse((self.inner / "marker").exists())

    def test_beside(self) -> None:
        """A module beside the configuration is not run where others may write to it, or to its folder."""
        hooks = self.inner / "hooks_beside.py"
        hooks.write_text(HOOKS.format(marker=self.inner / "marker"))
        for place in (hooks, self.inner):
            place.chmod(0o757)
            self.assert_refused("hooks_beside", hooks, place)
            place.chmod(0o755)
        self.assertIsNotNone(load_hooks(parse_configuration("PROCESSOR: hooks_beside\n", str(self.inner / "a.conf"))))
        self.assertTrue((self.inner / "marker").exists())

    def test_on_path(self) -> None:
        """Nor is one on Python's path, and a package is not run either before that is looked at."""
        package = self.inner / "installed_hooks"
        package.mkdir()
        (package / "__init__.py").write_text(f"open({str(self.inner / 'marker')!r}, 'w').close()\n")
        (package / "hooks.py").write_text(HOOKS.format(marker=self.inner / "marker"))
        (self.inner / "etc").mkdir()
        configuration = parse_configuration("PROCESSOR: installed_hooks.hooks\n", str(self.inner / "etc" / "a.conf"))
        self.patch(sys, "path", [str(self.inner), *sys.path])
        (package / "__init__.py").chmod(0o666)
        with self.assertRaises(ConfigurationErrors) as raised:
            load_hooks(configuration)
        self.assertIn(f"{package}/__init__.py is not run, since others could change", str(raised.exception))
        self.assertFalse((self.inner / "marker").exists())
        (package / "__init__.py").chmod(0o644)
        self.assertIsNotNone(load_hooks(configuration))
