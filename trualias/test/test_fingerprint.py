"""Tests of ``trualias.configuration.fingerprint``."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.fingerprint import MissingFile, fingerprint


class FingerprintTests(SynchronousTestCase):
    """The changes of a file that change its fingerprint."""

    def setUp(self) -> None:
        """Write a file."""
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text("text", "utf-8")
        self.before = fingerprint(str(self.path))

    def test_same(self) -> None:
        """Reading a file does not change its fingerprint."""
        self.path.read_text("utf-8")
        self.assertEqual(fingerprint(str(self.path)), self.before)

    def test_size(self) -> None:
        """A different size changes it, also with the old modification time."""
        status = self.path.stat()
        self.path.write_text("longer text", "utf-8")
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertNotEqual(fingerprint(str(self.path)), self.before)

    def test_time(self) -> None:
        """A different modification time changes it, also an older one."""
        os.utime(self.path, ns=(0, 0))
        self.assertNotEqual(fingerprint(str(self.path)), self.before)

    def test_inode(self) -> None:
        """Another file of the same size and modification time changes it."""
        status = self.path.stat()
        other = self.path.with_suffix(".new")
        other.write_text("TEXT", "utf-8")
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.replace(self.path)
        self.assertNotEqual(fingerprint(str(self.path)), self.before)

    def test_absent(self) -> None:
        """The fingerprint of a file that does not exist or cannot be examined is the reason."""
        self.assertEqual(fingerprint(f"{self.path}.no"), MissingFile("No such file or directory"))
        self.assertEqual(fingerprint(f"{self.path}/x"), MissingFile("Not a directory"))
