"""Tests of ``trualias.server.kept_copy``."""

import os
import re
import stat
from pathlib import Path

from attrs import evolve
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.server.kept_copy import (
    CopyService,
    KeptCopy,
    UnusableCopy,
    copy_path,
    latest_copy,
    path_to_read,
    read_copy,
    write_copy,
)
from trualias.server.safeguards import Extent
from trualias.testing.workers import ImmediateWorker, QueueingWorker

ONE = "# \u00e9\r\nACCOUNT one MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
COPY = KeptCopy("/etc/a.conf", ONE, 1000.5, Extent(1, 1, True))


class CopyTestCase(SynchronousTestCase):
    """A state directory."""

    def setUp(self) -> None:
        """Make the directory."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(mode=0o700)
        self.path = copy_path(str(self.folder), Table.VIRTUAL, COPY.path)


class KeptCopyTests(CopyTestCase):
    """Copies on disk."""

    def test_written_and_read(self) -> None:
        """A copy that was written is read, the text with all of its characters; only its owner can read it."""
        self.assertIsNone(read_copy(self.path))
        self.addCleanup(os.umask, os.umask(0))
        write_copy(self.path, COPY)
        self.assertEqual(COPY, read_copy(self.path))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))
        self.assertEqual([self.path], [str(path) for path in self.folder.iterdir()])

    def test_tables(self) -> None:
        """Each table has a copy of its own for each configuration."""
        paths = {copy_path("/x", table, path) for table in Table for path in ("/a.conf", "/b.conf")}
        self.assertEqual(2 * len(Table), len(paths))

    def test_earlier_version(self) -> None:
        """The copy of an earlier version, which is named by the table, is read until there is another one."""
        state = str(self.folder)
        before = str(self.folder / "virtual.kept")
        write_copy(before, COPY)
        self.assertEqual(before, path_to_read(state, Table.VIRTUAL, COPY.path))
        write_copy(self.path, COPY)
        self.assertEqual(self.path, path_to_read(state, Table.VIRTUAL, COPY.path))
        self.assertEqual(before, path_to_read(state, Table.VIRTUAL, "/etc/b.conf"))

    def test_latest(self) -> None:
        """The latest copy of a table is that of any configuration, and of an earlier version too; not a damaged one."""
        state = str(self.folder)
        self.assertIsNone(latest_copy(state, Table.VIRTUAL))
        (self.folder / "virtual-0.kept").write_bytes(b"damaged")
        other, before = (
            evolve(COPY, path="/etc/b.conf", kept_at=2000.0),
            evolve(COPY, path="/etc/c.conf", kept_at=3000.0),
        )
        write_copy(copy_path(state, Table.LOCAL_PART, COPY.path), evolve(COPY, kept_at=9000.0))
        for copy, path in (
            (COPY, self.path),
            (other, copy_path(state, Table.VIRTUAL, other.path)),
            (before, str(self.folder / "virtual.kept")),
        ):
            write_copy(path, copy)
            self.assertEqual(copy, latest_copy(state, Table.VIRTUAL))

    def test_replaced(self) -> None:
        """Another copy replaces the first by a new file; one that differs only in its date is not written."""
        write_copy(self.path, COPY)
        inode = os.stat(self.path).st_ino
        write_copy(self.path, evolve(COPY, kept_at=2000.0))
        self.assertEqual((inode, COPY), (os.stat(self.path).st_ino, read_copy(self.path)))
        other = evolve(COPY, text="")
        with open(self.path, "rb"):  # keeps the inode from being used again
            write_copy(self.path, other)
            self.assertNotEqual(inode, os.stat(self.path).st_ino)
        self.assertEqual(other, read_copy(self.path))

    def test_damaged(self) -> None:
        """A copy that was cut off, changed, or is none cannot be used, and is replaced by the next."""
        write_copy(self.path, COPY)
        whole = Path(self.path).read_bytes()
        no_time = re.sub(rb'"kept_at": [0-9.]+', b'"kept_at": 1e30', whole)
        for damaged in (
            *(whole[:-1], whole[:20], b"", whole.replace(b"one", b"two"), b"{}\n", b"[1]\n", b"\xff\n"),
            *(no_time, no_time.replace(b"1e30", b"Infinity"), b"[" * 100_000),
        ):
            Path(self.path).write_bytes(damaged)
            error = self.assertRaises(UnusableCopy, read_copy, self.path)
            self.assertEqual(f"{self.path} is damaged", str(error))
            write_copy(self.path, COPY)
            self.assertEqual(COPY, read_copy(self.path))

    def test_unreadable(self) -> None:
        """A copy that cannot be read is not the same as none."""
        os.mkdir(self.path)
        error = self.assertRaises(UnusableCopy, read_copy, self.path)
        self.assertEqual(f"{self.path} cannot be read: Is a directory", str(error))

    def test_writers(self) -> None:
        """A copy that others could change cannot be used."""
        write_copy(self.path, COPY)
        os.chmod(self.path, 0o666)
        error = self.assertRaises(UnusableCopy, read_copy, self.path)
        self.assertIn(f"others could change {self.path}: any user may write to", str(error))


class CopyServiceTests(CopyTestCase):
    """The copies that a server keeps."""

    def setUp(self) -> None:
        """Make a service."""
        super().setUp()
        self.configuration = parse_configuration(ONE, "/etc/a.conf")
        self.clock = Clock()
        self.worker = QueueingWorker()
        self.service = CopyService(
            self.path, CurrentSnapshot(Snapshot(self.configuration)), self.clock, self.worker, lambda: 1000.5
        )

    def kept(self) -> str | None:
        """Return the text that is kept."""
        copy = read_copy(self.path)
        return None if copy is None else copy.text

    def test_start(self) -> None:
        """The configuration in use is kept at the start."""
        self.service.startService()
        self.assertIsNone(self.kept())
        self.worker.run_all()
        self.assertEqual(evolve(COPY, extent=Extent(1, 1, False)), read_copy(self.path))

    def test_applied(self) -> None:
        """Each configuration that comes into use is kept; of several during a write, the last."""
        self.service.startService()
        for number in range(3):
            self.service.applied(parse_configuration(f"# {number}\n", "/etc/a.conf"))
            self.assertEqual(1, len(self.worker.waiting))
        self.worker.run_one()
        self.assertEqual(ONE, self.kept())
        self.worker.run_all()
        self.assertEqual("# 2\n", self.kept())

    def test_failure(self) -> None:
        """A copy that cannot be written is logged once, and the next one is tried."""
        path = copy_path(str(self.folder / "no"), Table.VIRTUAL, COPY.path)
        current = CurrentSnapshot(Snapshot(self.configuration))
        service = CopyService(path, current, self.clock, ImmediateWorker(), lambda: 0.0)
        with capturedLogs() as events:
            service.startService()
            service.applied(self.configuration)
        [event] = events
        self.assertIn(f"no copy of the configuration can be kept at {path}", formatEvent(event))
        self.assertIn("No such file or directory", formatEvent(event))
        (self.folder / "no").mkdir(mode=0o700)
        service.applied(self.configuration)
        self.assertIsNotNone(read_copy(path))

    def test_stop(self) -> None:
        """A stop waits up to 1.5 s for the write that goes on."""
        self.assertIsNone(self.service.stopService())
        for ends in (True, False):
            self.service.startService()
            stopped = self.service.stopService()
            assert stopped is not None
            self.assertNoResult(stopped)
            if ends:
                self.worker.run_all()
            else:
                self.clock.advance(1.5)
            self.successResultOf(stopped)
        self.worker.run_all()
        self.assertEqual(ONE, self.kept())

    def test_hung(self) -> None:
        """A write that hangs is abandoned after 60 s, when there is something new to keep."""
        self.service.startService()
        self.clock.advance(59)
        self.service.applied(parse_configuration("# 1\n", "/etc/a.conf"))
        self.assertEqual(0, len(self.worker.hung))
        self.clock.advance(1)
        with capturedLogs() as events:
            self.service.applied(parse_configuration("# 2\n", "/etc/a.conf"))
        self.assertIn("Abandoned", formatEvent(events[0]))
        self.assertEqual(1, len(self.worker.hung))
        self.worker.run_all()
        self.assertEqual("# 2\n", self.kept())
