"""Tests of ``trualias.observers``."""

import io
import json
import os
import tempfile

from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trualias.observers import JournalObserver, JSONObserver, is_journal, journal, json_lines


class ObserverTestCase(SynchronousTestCase):
    """Observers that write to memory."""

    def setUp(self) -> None:
        """Make the output."""
        self.out = io.StringIO()

    def fault(self) -> Failure:
        """Make a failure."""
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError:
            return Failure()


class JournalTests(ObserverTestCase):
    """The observer for the journal."""

    def test_levels(self) -> None:
        """Each line of a message begins with its syslog priority."""
        log = Logger("trualias.x", observer=JournalObserver(self.out, levels=True))
        for level in LogLevel.iterconstants():
            log.emit(level, "{n} things\nmore", n=2)
        expected = "".join(f"<{n}>[trualias.x] 2 things\n<{n}>more\n" for n in (7, 6, 4, 3, 2))
        self.assertEqual(expected, self.out.getvalue())

    def test_no_journal(self) -> None:
        """Without the journal there are no priorities."""
        Logger("trualias.x", observer=JournalObserver(self.out, levels=False)).warn("hello")
        self.assertEqual("[trualias.x] hello\n", self.out.getvalue())

    def test_traceback(self) -> None:
        """A failure is written with its traceback, each line with its priority."""
        Logger("x", observer=JournalObserver(self.out, levels=True)).failure("oh", self.fault())
        lines = self.out.getvalue().splitlines()
        self.assertEqual("<2>[x] oh", lines[0])
        self.assertTrue(all(line.startswith("<2>") for line in lines))
        self.assertIn("<2>builtins.ZeroDivisionError: by zero", lines)

    def test_bare_event(self) -> None:
        """An event without level and namespace is written at level info."""
        JournalObserver(self.out, levels=True)({"log_format": "bare"})
        self.assertEqual("<6>[-] bare\n", self.out.getvalue())

    def test_is_journal(self) -> None:
        """A stream is the journal's if JOURNAL_STREAM names its device and inode."""
        with tempfile.TemporaryFile("w") as stream:
            status = os.fstat(stream.fileno())
            self.assertTrue(is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}))
            self.assertFalse(is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"}))
            self.assertFalse(is_journal(stream, {}))


class JSONTests(ObserverTestCase):
    """The observer that writes JSON."""

    def test_line(self) -> None:
        """An event is one line, whatever characters it has."""
        JSONObserver(self.out)(
            {
                "log_time": 0.5,
                "log_level": LogLevel.warn,
                "log_namespace": "x",
                "log_format": "{a}\nb",
                "a": "\u00e9\ud800",
            }
        )
        self.assertEqual(
            '{"time": "1970-01-01T00:00:00.500+00:00", "level": "warn", "from": "x", '
            '"message": "\\u00e9\\ud800\\nb"}\n',
            self.out.getvalue(),
        )

    def test_traceback(self) -> None:
        """A failure has its traceback under a key of its own."""
        Logger("x", observer=JSONObserver(self.out)).failure("oh", self.fault())
        entry = json.loads(self.out.getvalue())
        self.assertEqual(["time", "level", "from", "message", "traceback"], list(entry))
        self.assertEqual(("critical", "oh"), (entry["level"], entry["message"]))
        self.assertIn("ZeroDivisionError: by zero", entry["traceback"])


class TwistdTests(SynchronousTestCase):
    """The observers in twistd."""

    def test_interface(self) -> None:
        """Both functions make observers, without arguments."""
        for make in (journal, json_lines):
            self.assertTrue(verifyObject(ILogObserver, make()))
