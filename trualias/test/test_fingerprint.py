"""Tests of trualias.configuration.fingerprint."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.fingerprint import Absent, stamp


class StampTests(SynchronousTestCase):
    """What makes a stamp differ."""

    def setUp(self) -> None:
        """Write a file."""
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text("text", "utf-8")
        self.before = stamp(str(self.path))

    def test_same(self) -> None:
        """To read a file does not change its stamp."""
        self.path.read_text("utf-8")
        self.assertEqual(stamp(str(self.path)), self.before)

    def test_size(self) -> None:
        """Another size does, though the time of modification be set back."""
        status = self.path.stat()
        self.path.write_text("longer text", "utf-8")
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertNotEqual(stamp(str(self.path)), self.before)

    def test_time(self) -> None:
        """Another time does, be it an older one."""
        os.utime(self.path, ns=(0, 0))
        self.assertNotEqual(stamp(str(self.path)), self.before)

    def test_inode(self) -> None:
        """Another file does, though time and size be the same."""
        status = self.path.stat()
        other = self.path.with_suffix(".new")
        other.write_text("TEXT", "utf-8")
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.replace(self.path)
        self.assertNotEqual(stamp(str(self.path)), self.before)

    def test_absent(self) -> None:
        """A file that is not there, or cannot be looked at, has the reason for a stamp."""
        self.assertEqual(stamp(f"{self.path}.no"), Absent("No such file or directory"))
        self.assertEqual(stamp(f"{self.path}/x"), Absent("Not a directory"))
