"""Tests of ``trualias.server.log_queue``."""

from __future__ import annotations

import gc
import io
import os
import tempfile
import warnings
from threading import Event
from types import ModuleType
from typing import Any
from weakref import ref

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import (
    ILogObserver,
    LegacyLogObserverWrapper,
    LogBeginner,
    LogEvent,
    Logger,
    LogLevel,
    LogPublisher,
    capturedLogs,
    eventAsText,
    formatEvent,
    textFileLogObserver,
)
from twisted.python.failure import Failure
from twisted.python.log import ILogObserver as ILegacyLogObserver
from twisted.python.log import msg, textFromEventDict
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from trualias.monitoring.process_counters import ProcessCounters
from trualias.observers import JournalObserver
from trualias.server.log_queue import LONGEST, LogQueue
from trualias.server.twisted_internals import is_port_message
from trualias.test.loop import Loop

LONG = 30.0
"""Seconds that no test takes: the bound of a wait for another thread."""


@implementer(ILogObserver)
class SlowObserver:
    """An observer that keeps the texts of events, but takes an event only while ``reading`` is set."""

    def __init__(self) -> None:
        self.entered = Event()
        self.reading = Event()
        self.texts: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        """Wait, and keep the text."""
        self.entered.set()
        assert self.reading.wait(LONG)
        self.texts.append(eventAsText(event, includeTimestamp=False))


@implementer(ILogObserver)
class FailingObserver(SlowObserver):
    """An observer whose disk is full for the first events."""

    failures = 0

    def __call__(self, event: LogEvent) -> None:
        """Raise, or keep the text."""
        if self.failures:
            self.failures -= 1
            raise OSError("no space left on device")
        super().__call__(event)


class QueueTestCase(SynchronousTestCase):
    """A queue in front of an observer that the test controls."""

    def begin(self, observer: ILogObserver, **limits: int) -> LogQueue:
        """Begin logging to an observer through a queue, which is not started yet; ``self.log`` logs to it."""
        self.counters = ProcessCounters()
        queue = LogQueue(self.counters, **limits)
        publisher = LogPublisher()
        stdio = ModuleType("stdio")
        stdio.stdout, stdio.stderr = io.StringIO(), io.StringIO()  # type: ignore[attr-defined]
        beginner = LogBeginner(publisher, io.StringIO(), stdio, warnings)
        self.addCleanup(setattr, warnings, "showwarning", warnings.showwarning)
        queue.install(beginner)
        beginner.beginLoggingTo([observer])
        self.log = Logger("trualias.x", observer=publisher)
        return queue

    def begin_slowly(self, **limits: int) -> tuple[LogQueue, SlowObserver]:
        """Begin logging to an observer that stands still."""
        observer = SlowObserver()
        self.addCleanup(observer.reading.set)
        return self.begin(observer, **limits), observer


class LogQueueTests(QueueTestCase):
    """Messages on their way to a log that is slow, stands still or fails."""

    def test_interface(self) -> None:
        """The queue is an observer."""
        self.assertTrue(verifyObject(ILogObserver, LogQueue()))

    def test_order(self) -> None:
        """Messages are written in their order once the queue has started, those from before it as well."""
        queue, observer = self.begin_slowly()
        observer.reading.set()
        self.log.info("one")
        self.assertFalse(observer.entered.is_set())
        queue.start()
        self.log.warn("{number}", number=2)
        self.assertTrue(queue.flush(LONG))
        self.assertEqual(["[trualias.x#info] one", "[trualias.x#warn] 2"], observer.texts)

    def test_standing_still(self) -> None:
        """While the log stands still, messages over the limit are dropped and counted; later a line says so."""
        queue, observer = self.begin_slowly(most_messages=3)
        queue.start()
        self.log.info("in the observer")
        self.assertTrue(observer.entered.wait(LONG))
        for number in range(10):
            self.log.info("{number}", number=number)
        self.assertEqual(7, self.counters.log_messages_dropped)
        self.assertFalse(queue.flush(0))
        observer.reading.set()
        self.assertTrue(queue.flush(LONG))
        self.assertEqual(
            [
                "[trualias.x#info] in the observer",
                *(f"[trualias.x#info] {number}" for number in range(3)),
                "[trualias.server.log_queue#warn] 7 log messages were dropped, since the log could not be written",
            ],
            observer.texts,
        )
        self.log.info("again")
        self.assertTrue(queue.flush(LONG))
        self.assertEqual("[trualias.x#info] again", observer.texts[-1])
        self.assertEqual(7, self.counters.log_messages_dropped)

    def test_characters(self) -> None:
        """The characters of all queued messages are limited too."""
        queue, observer = self.begin_slowly(most_characters=100)
        for text in ("a" * 60, "b" * 60, "c"):
            self.log.info("{text}", text=text)
        self.assertEqual(2, self.counters.log_messages_dropped)
        observer.reading.set()
        self.assertTrue(queue.flush(LONG))
        self.assertEqual(2, len(observer.texts))
        self.log.info("{text}", text="d" * 90)
        self.assertTrue(queue.flush(LONG))
        self.assertEqual(f"[trualias.x#info] {'d' * 90}", observer.texts[-1])

    def test_failing(self) -> None:
        """A message that cannot be written counts as dropped, and a line says so once writing works again."""
        observer = FailingObserver()
        observer.reading.set()
        queue = self.begin(observer)
        observer.failures = 2
        self.log.info("lost")
        self.assertTrue(queue.flush(LONG))
        self.assertEqual((2, []), (self.counters.log_messages_dropped, observer.texts))
        self.log.info("written")
        self.assertTrue(queue.flush(LONG))
        self.assertEqual(
            [
                "[trualias.x#info] written",
                "[trualias.server.log_queue#warn] 1 log message was dropped, since the log could not be written",
            ],
            observer.texts,
        )

    def test_fork_before_start(self) -> None:
        """A process that forks before the start, as a daemon does, writes in the child what was queued before."""
        read, write = os.pipe()
        with open(write, "w", encoding="utf-8") as output:
            queue = self.begin(JournalObserver(output, levels=False))
            self.log.info("before")
            self.assertEqual(b"[trualias.x] before\n[trualias.x] in the child\n", self.forked(queue, read))

    def test_fork_after_start(self) -> None:
        """A child of a process whose queue has started writes its own messages, and none of its parent."""
        read, write = os.pipe()
        with open(write, "w", encoding="utf-8") as output:
            queue = self.begin(JournalObserver(output, levels=False))
            self.log.info("before")
            self.assertTrue(queue.flush(LONG))
            self.assertEqual(b"[trualias.x] before\n[trualias.x] in the child\n", self.forked(queue, read))

    def forked(self, queue: LogQueue, output: int) -> bytes:
        """Log and flush in a child process; return what was written."""
        child = os.fork()
        if child == 0:
            self.log.info("in the child")
            os._exit(0 if queue.flush(LONG) else 1)
        self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        self.addCleanup(os.close, output)
        return os.read(output, 1000)


class PortMessageTests(SynchronousTestCase):
    """Twisted's own messages about ports."""

    def test_ports(self) -> None:
        """They are recognised as Twisted writes them, and no other message is."""
        loop = Loop()
        self.addCleanup(loop.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        factory = Factory()
        factory.noisy = False
        with capturedLogs() as events:
            for description in ("tcp:0:interface=127.0.0.1", f"unix:{folder.name}/a.sock"):
                ports: list[IListeningPort] = []
                serverFromString(loop.core, description).listen(factory).addCallback(ports.append)
                ports[0].stopListening()
                loop.turn()
            msg("a message of a hook")
            Logger(namespace="trualias").info("x starting on 1")
        kinds = [is_port_message(event) for event in events]
        self.assertEqual([True, True, True, True, False, False], kinds, list(map(formatEvent, events)))


class DetachedEventTests(QueueTestCase):
    """The events that the observers are given."""

    def setUp(self) -> None:
        """Log to memory through a queue."""
        self.output = io.StringIO()
        self.queue = self.begin(JournalObserver(self.output, levels=True))

    def written(self) -> str:
        """Return the written text."""
        self.assertTrue(self.queue.flush(LONG))
        return self.output.getvalue()

    def failure(self, error: BaseException) -> Failure:
        """Raise an exception, with an object in the frame, and return its failure."""
        variable = type("Variable", (), {})()
        self.variable = ref(variable)
        try:
            raise error
        except BaseException:
            return Failure()

    def test_control_characters(self) -> None:
        """Control characters are escaped, but not the line breaks and tabs of a message."""
        self.log.warn("a\tb\n{text}", text="\x1b[31m\r\x85\u2028\u202e\udcff\x7fcaf\u00e9")
        self.assertEqual(
            "<4>[trualias.x] a\tb\n<4>" + r"\x1b[31m\r\x85\u2028\u202e\udcff\x7f" + "caf\u00e9\n", self.written()
        )

    def test_system(self) -> None:
        """The control characters of an event's system are escaped, too."""
        queue = self.begin(textFileLogObserver(self.output))
        queue({"log_format": "hello", "log_system": "a\nb", "log_time": None})
        self.assertTrue(queue.flush(LONG))
        self.assertEqual("- [a\\nb] hello\n", self.output.getvalue())

    def test_failure(self) -> None:
        """A failure has its whole traceback, with the line of the source; the exception's line breaks are escaped."""
        self.log.failure("oh", self.failure(ZeroDivisionError("by\n[x] zero\x1b")))
        lines = self.written().splitlines()
        self.assertEqual(["<2>[trualias.x] oh", "<2>Traceback (most recent call last):"], lines[:2])
        self.assertIn("<2>    raise error", lines)
        self.assertEqual(r"<2>builtins.ZeroDivisionError: by\n[x] zero\x1b", lines[-1])

    def test_no_references(self) -> None:
        """A queued event keeps neither its values nor the variables of its traceback alive."""
        value = type("Value", (), {"__str__": lambda self: "value"})()
        reference = ref(value)
        self.log.failure("{value}", self.failure(ZeroDivisionError(value)), value=value)
        del value
        gc.collect()  # an exception and the frame that raised it refer to each other
        self.assertEqual((None, None), (reference(), self.variable()))
        self.assertIn("<2>[trualias.x] value\n", self.written())

    def test_long(self) -> None:
        """A long message and a long exception are cut, and say so."""
        self.log.failure("{text}", self.failure(ValueError("b" * 250_000)), text="a" * 250_000)
        written = self.written()
        for character in "ab":
            self.assertIn(f"{character * LONGEST} ... (150000 characters left out)\n", written)

    def test_deep(self) -> None:
        """The middle of a very long traceback is left out."""

        def deep(depth: int) -> None:
            if depth:
                deep(depth - 1)
            else:
                raise ZeroDivisionError

        try:
            deep(200)
        except ZeroDivisionError:
            self.log.failure("oh")
        written = self.written()
        self.assertEqual(99, written.count(", in deep\n"))
        self.assertIn("in ... (102 frames left out)\n", written)

    def test_unformattable(self) -> None:
        """A value whose text cannot be made costs only its own message."""
        self.log.info("{value}", value=type("Value", (), {"__str__": lambda self: 1 // 0})())
        self.log.info("next")
        self.assertIn("<6>[trualias.x] next\n", self.written())

    def test_legacy_observer(self) -> None:
        """Observers of Twisted's older kind have the text and the traceback, too."""
        texts: list[str] = []

        @implementer(ILegacyLogObserver)
        def observe(event: dict[str, Any]) -> None:
            texts.append(textFromEventDict(event) or "")

        queue = self.begin(LegacyLogObserverWrapper(observe))
        self.log.info("hello {n}", n=1)
        self.log.failure("oh", self.failure(ZeroDivisionError("by zero")))
        self.assertTrue(queue.flush(LONG))
        self.assertEqual("hello 1", texts[0])
        self.assertTrue(texts[1].startswith("oh\nTraceback"), texts[1])
        self.assertIn("builtins.ZeroDivisionError: by zero\n", texts[1])

    def test_level(self) -> None:
        """An event keeps its level, namespace and time."""
        events: list[LogEvent] = []
        queue = self.begin(events.append)  # type: ignore[arg-type]
        queue({"log_format": "hi {n}", "n": 1, "log_level": LogLevel.error, "log_namespace": "a", "log_time": 5.0})
        self.assertTrue(queue.flush(LONG))
        [event] = events
        self.assertEqual(
            (LogLevel.error, "a", 5.0, "hi 1"),
            (event["log_level"], event["log_namespace"], event["log_time"], formatEvent(event)),
        )
