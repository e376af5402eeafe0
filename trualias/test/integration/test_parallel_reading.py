"""Reading a log by several processes."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.log_file import BLOCK, LONGEST_LINE, LogFile, UnreadableLog
from trualias.commands.maillog import Recipients
from trualias.commands.parallel_reading import reading
from trualias.commands.recipient_counts import CountedLines, LogSummary
from trualias.test.integration.test_child_processes import children_of
from trualias.test.test_maillog import EXIM, REFUSED, SENDMAIL, SENT
from trualias.test.test_replay import NEW, OLD
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, wait_until

_PART = 32 * 1024 * 1024

# The last one names a recipient in an unknown form.
_LINES = (SENT, REFUSED, EXIM, SENDMAIL, b"foo-macys-m5@example.com\r\n", b'{"MESSAGE": "x"}\n', b"\xff to=<a@b> \0\n")


def _distinct(number: int) -> bytes:
    """Return a list of different addresses; the counts of more than a thousand do not fit into a pipe."""
    return b"".join(b"foo-macys-%d-of-the-recipients-of-a-long-list@example.com\n" % one for one in range(number))


def _log(octets: int) -> bytes:
    """Return lines of many forms, with some 2,000 different recipients, of some octets or a little more."""
    block = b"".join(line.replace(b"macys", b"macys%d" % one) for one in range(500) for line in _LINES)
    block += b"".join(_LINES)
    return block * (octets // len(block)) + block[: block.index(b"\n", octets % len(block)) + 1]


class _Recording(Recipients):
    """Recipients that write down which processes read a log."""

    def __init__(self, readers: Path) -> None:
        super().__init__(frozenset({"example.com"}), False, date(2026, 12, 1), with_reached=True)
        self._written_to = readers

    def read(self, *arguments: Any) -> LogSummary:
        """Write down this process, and read."""
        with self._written_to.open("a") as readers:
            readers.write(f"{os.getpid()}\n")
        return super().read(*arguments)


class _Failing(Recipients):
    """Recipients whose process fails."""

    def read(self, *_arguments: object) -> LogSummary:
        """End the process."""
        sys.exit(3)


class ReadingTests(SynchronousTestCase):
    """The function, in this process and its children."""

    def setUp(self) -> None:
        """Name a log."""
        self.path = Path(self.mktemp()).absolute()

    def opened(self, content: bytes) -> LogFile:
        """Write a log and open it."""
        self.path.write_bytes(content)
        stream = self.path.open("rb")
        self.addCleanup(stream.close)
        return LogFile(stream, "mail.log", len(content))

    def read(self, content: bytes, processes: int, children: int) -> tuple[CountedLines, LogSummary, int, list[int]]:
        """Read a log that begins after another one, by up to some processes.

        Return the counts, the summary, the lines cut, and the positions that were shown. ``children`` is the number of
        other processes that should read it.
        """
        log = self.opened(content)
        readers = Path(self.mktemp())
        recipients = _Recording(readers)
        recipients.read([REFUSED])
        readers.unlink()
        positions: list[int] = []
        with reading(log, recipients, processes, BLOCK) as read:
            summary = read(lambda: positions.append(log.position))
        self.assertEqual([], active_children())
        self.assertEqual(children, len({int(reader) for reader in readers.read_text().split()} - {os.getpid()}))
        return recipients.take(), summary, log.cut_lines, positions

    def test_same_result(self) -> None:
        """The result does not depend on the number of processes: counts, their order, summary and lines cut."""
        several = _log(3 * BLOCK)
        for content in (
            several,
            several[:-1],  # without a newline at the end
            several + b"x" * (2 * LONGEST_LINE) + b"\n" + several,
            _distinct(30_000),
            _distinct(30_000).replace(b"\n", b"\r\n"),
        ):
            alone, *others = (
                self.read(content, processes, children) for processes, children in ((1, 0), (2, 2), (3, 3))
            )
            for other in others:
                self.assertEqual(alone[:3], other[:3])
                self.assertEqual(list(alone[0].counts), list(other[0].counts))
                self.assertEqual(sorted(set(other[3])), other[3])
                self.assertEqual((len(content), len(content)), (alone[3][-1], other[3][-1]))

    def test_small(self) -> None:
        """A log of one part is read by no other process, and one of two parts by no more than two."""
        self.read(b"", 2, 0)
        self.read(_log(BLOCK // 2), 2, 0)
        self.read(_log(BLOCK)[: BLOCK + 100], 8, 2)

    def test_threads(self) -> None:
        """A process with several threads, which cannot fork safely, reads alone."""
        end = threading.Event()
        thread = threading.Thread(target=end.wait)
        thread.start()
        try:
            self.read(_log(2 * BLOCK), 2, 0)
        finally:
            end.set()
            thread.join()

    def test_cannot_start(self) -> None:
        """A process that may open no more files, or start no more processes, reads alone."""
        content = _log(2 * BLOCK)
        expected = self.read(content, 1, 0)
        log = self.opened(content)
        recipients = Recipients(frozenset({"example.com"}), False, date(2026, 12, 1), with_reached=True)
        recipients.read([REFUSED])
        free = os.dup(0)
        os.close(free)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        # The first process has its pipe, and the second has none.
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 3, limits[1]))
        try:
            with reading(log, recipients, 2, BLOCK) as read:
                self.assertEqual([], active_children())
                read(lambda: None)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(expected[0], recipients.take())

    def test_killed(self) -> None:
        """The death of a process is an error that says how it ended."""
        log = self.opened(_distinct(30_000))
        recipients = Recipients(frozenset(), False, date(2026, 12, 1))
        with reading(log, recipients, 2, BLOCK) as read:
            for process in active_children():
                os.kill(process.pid or 0, signal.SIGKILL)
            error = self.assertRaises(UnreadableLog, read, lambda: None)
        self.assertEqual("mail.log: cannot be read: a process that reads it was ended by SIGKILL", str(error))

    def test_failed(self) -> None:
        """The failure of a process is an error with its exit status."""
        log = self.opened(_distinct(30_000))
        with reading(log, _Failing(frozenset(), False, date(2026, 12, 1)), 2, BLOCK) as read:
            error = self.assertRaises(UnreadableLog, read, lambda: None)
        self.assertEqual("mail.log: cannot be read: a process that reads it ended with exit status 3", str(error))

    def test_unreadable(self) -> None:
        """The error of a part that a process cannot read is that of the log."""
        end, other_end = os.pipe()
        self.addCleanup(os.close, other_end)
        pipe = os.fdopen(end, "rb")
        self.addCleanup(pipe.close)

        class _Unreadable(LogFile):
            def parts(self, size: int) -> list[LogFile]:
                return [LogFile(pipe, self.name, size, (0, size))] * 2

        log = _Unreadable(pipe, "mail.log", 2 * BLOCK)
        with reading(log, Recipients(frozenset(), False, date(2026, 12, 1)), 2, BLOCK) as read:
            error = self.assertRaises(UnreadableLog, read, lambda: None)
        self.assertEqual("mail.log: cannot be read: Illegal seek", str(error))


class CommandTests(SynchronousTestCase):
    """``trualias replay`` of a log that several processes read."""

    def setUp(self) -> None:
        """Write two configurations, and name a log."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        old, new, self.log = folder / "old.conf", folder / "new.conf", folder / "mail.log"
        old.write_text(OLD, "utf-8")
        new.write_text(NEW, "utf-8")
        self.command = (*PROGRAM, "replay", "--json", "--virtual", str(new), "--against", str(old), str(self.log))
        self.processors = sorted(os.sched_getaffinity(0))

    def test_same_output(self) -> None:
        """The output is the same on one processor and on several."""
        self.log.write_bytes(_log(40_000_000))
        alone = self.output(self.processors[:1])
        self.assertEqual(alone, self.output(self.processors))
        self.assertEqual((1, "foo-macys-m5@example.com"), (alone[0], json.loads(alone[1])["changes"][0]["address"]))

    def output(self, processors: list[int]) -> tuple[int, bytes, bytes]:
        """Run the command on some processors; return status, output and errors."""
        allow = partial(os.sched_setaffinity, 0, processors)
        done = subprocess.run(self.command, env=ENVIRONMENT, capture_output=True, preexec_fn=allow, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_interrupted(self) -> None:
        """No process remains after Ctrl-C, nor after a signal for the process of the command alone."""
        with self.log.open("wb") as log:
            for end in range(_PART, 256 * _PART, _PART):  # holes take no space, and some seconds to read
                log.seek(end - 1)
                log.write(b"\n")
        if len(self.processors) > 1:
            self.interrupt(os.killpg)
            self.interrupt(os.kill)

    def interrupt(self, end: Callable[[int, int], None]) -> None:
        """Run the command, end it when several processes read the log, and wait for their end."""
        process = subprocess.Popen(
            self.command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        started = children_of(process.pid)
        end(process.pid, signal.SIGINT)
        self.assertEqual((b"", -signal.SIGINT), (process.communicate(timeout=PATIENCE)[1], process.returncode))
        wait_until(lambda: not any(child.exists() for child in started), "their end")
