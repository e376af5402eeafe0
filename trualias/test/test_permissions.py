"""Tests of ``trualias.configuration.permissions``, and of the refusal of PROCESSOR modules that others can change."""

import errno
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.permissions import MOST_LINKS, permission_problem
from trualias.lookup.hooks import load_hooks

HOOKS = """
ACCOUNTS = ALIASES = frozenset()
def preprocess(alias, domain): return alias, domain
def postprocess(account, domain): return account, domain
def reload(): open("{marker}", "w").close()
"""

# A user and a group that own nothing on this machine.
STRANGER = 54321


class PermissionsTestCase(SynchronousTestCase):
    """A private folder in a world-writable one."""

    def setUp(self) -> None:
        """Make the folder and a file in it."""
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = Path(os.path.realpath(folder.name))
        self.inner = self.folder / "inner"
        self.inner.mkdir(mode=0o755)
        self.path = self.inner / "file.py"
        self.path.touch(mode=0o644)


class PermissionProblemTests(PermissionsTestCase):
    """Files that another user can change."""

    def problem(self, path: Path) -> str | None:
        """Check a path."""
        return permission_problem(str(path))

    def test_safe(self) -> None:
        """A file of this user in folders of this user or root is safe, also below /tmp, which is sticky."""
        self.assertIsNone(self.problem(self.path))

    def test_world_writable(self) -> None:
        """A world-writable file, or folder at any level above it, is a problem."""
        for path in (self.path, self.inner, self.folder):
            path.chmod(0o757)
            self.assertEqual(f"any user may write to {path} (chmod o-w {path})", self.problem(self.path))
            path.chmod(0o755)

    def test_group(self) -> None:
        """A group-writable file is a problem, unless the group is root's."""
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
        """An access list is a problem where the mode's group bits, its mask, allow writing."""
        self.path.chmod(0o664)
        # Version 2, then tag, permissions and id of each entry, acl(5): owner, user STRANGER, group, mask, others.
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
        """A file or folder of a user other than root and this one is a problem."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        for path in (self.path, self.inner):
            os.chown(path, STRANGER, 0)
            self.assertEqual(
                f"{path} belongs to user {STRANGER}, neither root nor the user that loads it (chown root {path})",
                self.problem(self.path),
            )
            os.chown(path, 0, 0)

    def test_own_user(self) -> None:
        """A file of the user of the process, in that user's folders, is safe."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        for path in (self.folder, self.inner, self.path):
            os.chown(path, STRANGER, STRANGER)
        self.addCleanup(os.seteuid, 0)
        os.seteuid(STRANGER)
        self.assertIsNone(self.problem(self.path))

    def test_links(self) -> None:
        """The folders of each link in a chain are checked, and those of its target."""
        etc, middle = self.folder / "etc", self.folder / "middle"
        for folder in (etc, middle):
            folder.mkdir(mode=0o755)
        (middle / "file.py").symlink_to(self.path)
        (middle / "inner").symlink_to("../inner")
        (etc / "file.py").symlink_to(middle / "file.py")
        (etc / "inner").symlink_to("../middle/inner")
        for path in (etc / "file.py", etc / "inner" / "file.py"):
            self.assertIsNone(self.problem(path))
            for changed in (etc, middle, self.inner, self.path):
                changed.chmod(0o757)
                self.assertEqual(f"any user may write to {changed} (chmod o-w {changed})", self.problem(path))
                changed.chmod(0o755)

    def test_up_from_link(self) -> None:
        """.. after a link is the parent of the link's target, as for the kernel."""
        middle = self.folder / "middle"
        for folder in (middle, middle / "below"):
            folder.mkdir(mode=0o755)
        (middle / "file.py").touch()
        (middle / "file.py").chmod(0o646)
        (self.inner / "below").symlink_to(middle / "below")
        self.assertEqual(
            f"any user may write to {middle}/file.py (chmod o-w {middle}/file.py)",
            self.problem(self.inner / "below" / ".." / "file.py"),
        )

    def test_owner_of_link(self) -> None:
        """A link of another user is a problem also in a sticky folder, since its owner can replace it."""
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

    def test_read_only(self) -> None:
        """A file, folder or link on a read-only mount is safe; the path to it must be safe too."""
        self.folder.chmod(0o755)
        link = self.folder / "link.py"
        link.symlink_to(self.path)
        for path in (self.inner, self.path):
            path.chmod(0o777)
        mounted = {self.inner, self.path}
        for path in (self.path, link):
            self.assertIsNone(permission_problem(str(path), mounted.__contains__))
            self.assertEqual(
                f"any user may write to {self.path} (chmod o-w {self.path})",
                permission_problem(str(path), {self.inner}.__contains__),
            )
        self.folder.chmod(0o777)
        self.assertEqual(
            f"any user may write to {self.folder} (chmod o-w {self.folder})",
            permission_problem(str(self.path), mounted.__contains__),
        )

    def test_link_on_read_only_mount(self) -> None:
        """A link is judged by the mount that it is on, not by that of its target."""
        link = self.folder / "link.py"
        link.symlink_to(self.path)
        looked_at = []

        def on_read_only_mount(path: Path) -> bool:
            looked_at.append(path)
            return False

        self.assertIsNone(permission_problem(str(link), on_read_only_mount))
        self.assertNotIn(link, looked_at)
        first = looked_at.index(self.folder)
        self.assertEqual([self.folder, self.folder, Path("/")], looked_at[first : first + 3])

    def test_real_read_only_mount(self) -> None:
        """Files that all users could write to are safe where they are mounted read-only."""
        self.inner.chmod(0o777)
        self.path.chmod(0o777)
        mounted = self.folder / "mounted"
        mounted.mkdir(mode=0o755)
        mount = shutil.which("mount")
        if mount is None or os.geteuid() != 0:
            self.skipTest("only root can mount, with mount(8)")
        done = subprocess.run([mount, "--bind", "-o", "ro", self.inner, mounted], capture_output=True, check=False)
        if done.returncode:
            self.skipTest(f"this machine does not let root mount: {done.stderr.decode().strip()}")
        self.addCleanup(subprocess.check_call, ["umount", mounted])
        self.assertIsNone(self.problem(mounted / "file.py"))
        self.assertIsNotNone(self.problem(self.path))

    def test_no_file(self) -> None:
        """A path that leads to no file, or in a circle, raises OSError with the reason."""
        (self.inner / "missing").symlink_to("nothing")
        (self.inner / "round").symlink_to("round")
        for name, reason in (("missing", errno.ENOENT), ("round", errno.ELOOP), ("file.py/x", errno.ENOTDIR)):
            with self.assertRaises(OSError) as raised:
                self.problem(self.inner / name)
            self.assertEqual(reason, raised.exception.errno)

    def test_most_links(self) -> None:
        """As many links are followed as by the kernel, and no more."""
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
    """A PROCESSOR module that others can change."""

    def assert_refused(self, name: str, path: Path, writable: Path) -> None:
        """Assert that a module is refused for a writable file or folder, and not run."""
        configuration = parse_configuration(f"PROCESSOR: {name}\n", str(self.inner / "a.conf"))
        with self.assertRaises(ConfigurationErrors) as raised:
            load_hooks(configuration)
        self.assertEqual(
            f"{self.inner}/a.conf:1:1: {path} is not run, since others could change what it does: "
            f"any user may write to {writable} (chmod o-w {writable})\nPROCESSOR: {name}\n^",
            str(raised.exception),
        )
        self.assertFalse((self.inner / "marker").exists())

    def test_beside(self) -> None:
        """A module beside the configuration is not run if it or its folder is world-writable."""
        hooks = self.inner / "hooks_beside.py"
        hooks.write_text(HOOKS.format(marker=self.inner / "marker"))
        for path in (hooks, self.inner):
            path.chmod(0o757)
            self.assert_refused("hooks_beside", hooks, path)
            path.chmod(0o755)
        self.assertIsNotNone(load_hooks(parse_configuration("PROCESSOR: hooks_beside\n", str(self.inner / "a.conf"))))
        self.assertTrue((self.inner / "marker").exists())

    def test_on_path(self) -> None:
        """A module on Python's path is checked as well, and its package before that is run."""
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
