"""A bounded queue in front of the log: messages are written by a daemon thread, so that no lookup waits for the log.

The reader of a log can stand still: a pipe whose other end is not read, a journal that hangs, a disk that does not
answer. Then messages are dropped and counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from queue import SimpleQueue
from threading import Event, RLock, Thread
from typing import Any

from twisted.logger import ILogObserver, LogBeginner, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from twisted.python.reflect import safe_str
from zope.interface import implementer

from trualias.messages import escaped, number_of
from trualias.monitoring.process_counters import ProcessCounters, process_counters
from trualias.server.twisted_internals import LEGACY_NAMESPACE, is_port_message

MOST_MESSAGES = 1_000
"""Messages in the queue. They are dropped from the next one on, until the queue has been written."""

MOST_CHARACTERS = 4_000_000
"""Characters of all messages in the queue, by the same rule."""

LONGEST = 100_000
"""Characters of a message; the rest of a longer one is cut off."""

_MOST_FRAMES = 100
"""Frames of a traceback; a longer one lacks those in the middle."""

_FRAME_SIZE = 200
"""Characters that a frame counts for; its lines are read from the source only when they are written."""

_KEPT = ("log_time", "log_level", "log_namespace")
"""Entries of an event that are kept as they are; Twisted's own are plain values."""


@implementer(ILogObserver)
class LogQueue:
    """Hands events to other observers in a daemon thread.

    An event is made text before it is queued, so that it keeps no object alive. Its control characters are escaped,
    except for line breaks and tabs; in the text of an exception these too, so that it cannot forge a line.

    Once the queue is full, all events are dropped until it has been written; then one message gives their number.

    Args:
        counters: count the dropped messages.
        most_messages: the messages that the queue takes.
        most_characters: the characters that the messages in the queue can have together.

    """

    def __init__(
        self,
        counters: ProcessCounters = process_counters,
        most_messages: int = MOST_MESSAGES,
        most_characters: int = MOST_CHARACTERS,
    ) -> None:
        self._counters = counters
        self._most_messages = most_messages
        self._most_characters = most_characters
        self._observers: list[ILogObserver] = []
        self._running = False
        # Reentrant, since a signal handler that logs can interrupt a call that holds the lock.
        self._lock = RLock()
        self._queue: SimpleQueue[tuple[LogEvent, int] | Event] = SimpleQueue()
        self._characters = 0
        self._full = False
        self._missing = 0
        self._thread: Thread | None = None

    def install(self, beginner: LogBeginner) -> None:
        """Install the queue before all observers with which logging will begin."""
        begin = beginner.beginLoggingTo

        def begin_with_queue(observers: Iterable[ILogObserver], *args: Any, **arguments: Any) -> None:
            self._observers.extend(observers)
            begin([self], *args, **arguments)

        beginner.beginLoggingTo = begin_with_queue  # type: ignore[method-assign]
        os.register_at_fork(after_in_child=self._begin_child)

    def start(self) -> None:
        """Begin to write. Until then events are only queued, since a daemon forks after its first messages."""
        self._running = True
        self._ensure_thread()

    def __call__(self, event: LogEvent) -> None:
        """Queue an event, or drop it; never blocks. Can be called in any thread, and in a signal handler."""
        if is_port_message(event):
            return
        if self._is_dropped(0):
            # Before the event is formatted: what is dropped costs little.
            return
        detached, size = _detach(event)
        with self._lock:
            if self._is_dropped(size):
                return
            self._characters += size
            self._queue.put((detached, size))
        if self._running:
            self._ensure_thread()

    def flush(self, seconds: float) -> bool:
        """Write the queue, but wait no longer than some seconds; return whether all was written."""
        self.start()
        written = Event()
        self._queue.put(written)
        return written.wait(seconds)

    def _begin_child(self) -> None:
        """Begin anew in a forked process, unless the queue has not been started: then the child writes it."""
        if self._thread is None:
            return
        # The thread did not survive the fork; what it has not written, the parent writes.
        self._lock = RLock()
        self._queue = SimpleQueue()
        self._characters = self._missing = 0
        self._full = False
        self._thread = None

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = Thread(target=self._write, args=(self._queue,), name="log", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # there are too many threads: the next message tries again
                return
            self._thread = thread

    def _is_dropped(self, size: int) -> bool:
        with self._lock:
            if not self._full:
                self._full = (
                    self._queue.qsize() >= self._most_messages or self._characters + size > self._most_characters
                )
            if self._full:
                self._count_dropped()
            return self._full

    def _count_dropped(self) -> None:
        self._counters.log_messages_dropped += 1
        self._missing += 1

    def _write(self, queue: SimpleQueue[tuple[LogEvent, int] | Event]) -> None:
        while True:
            item = queue.get()
            if not isinstance(item, Event):
                event, size = item
                _make_printable(event)
                self._publish(event)
                with self._lock:
                    self._characters -= size
            if queue.empty():
                self._report_dropped()
            if isinstance(item, Event):
                item.set()

    def _report_dropped(self) -> None:
        with self._lock:
            missing, self._missing, self._full = self._missing, 0, False
        if missing:
            self._publish(_dropped_message(missing))

    def _publish(self, event: LogEvent) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                # A full disk, for example, which the log cannot report.
                with self._lock:
                    self._count_dropped()


def _dropped_message(missing: int) -> LogEvent:
    verb = "was" if missing == 1 else "were"
    return {
        "log_format": "{log_text}",
        "log_text": f"{number_of(missing, 'log message')} {verb} dropped, since the log could not be written",
        "log_time": time.time(),
        "log_level": LogLevel.warn,
        "log_namespace": __name__,
    }


class LoggedException(Exception):
    """A substitute for an exception in the log; ``str()`` is its text."""


def _detach(event: LogEvent) -> tuple[LogEvent, int]:
    """Return an event of the same text that refers to no other objects, and its size in characters."""
    detached = {key: event[key] for key in _KEPT if key in event}
    detached["log_format"] = "{log_text}"
    detached["log_text"] = text = _cut(formatEvent(event))
    size = len(text)
    if event.get("log_namespace") == LEGACY_NAMESPACE:
        detached["log_namespace"] = "twisted"
    system = event.get("log_system")
    if system is not None:
        detached["log_system"] = _cut(safe_str(system))
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        # As a failure is pickled: without the frames and their variables.
        state = failure.__getstate__()
        state["value"] = text = _cut(failure.getErrorMessage())
        state["frames"] = frames = _cut_frames(state["frames"])
        detached["log_failure"] = state
        size += len(text) + _FRAME_SIZE * len(frames)
    return detached, size


def _make_printable(event: LogEvent) -> None:
    """Escape the texts of a detached event; called in the thread, since escaping 100,000 characters takes 30 ms."""
    event["log_text"] = "\n".join(map(_printable_line, event["log_text"].split("\n")))
    if "log_system" in event:
        event["log_system"] = escaped(event["log_system"])
    state = event.get("log_failure")
    if state is not None:
        state["value"] = LoggedException(escaped(state["value"]))
        event["log_failure"] = failure = Failure.__new__(Failure)
        failure.__setstate__(state)


def _printable_line(line: str) -> str:
    return line if line.isprintable() else "\t".join(map(escaped, line.split("\t")))


def _cut(text: str) -> str:
    left_out = len(text) - LONGEST
    return text if left_out <= 0 else f"{text[:LONGEST]} ... ({number_of(left_out, 'character')} left out)"


def _cut_frames(frames: list[Any]) -> list[Any]:
    left_out = len(frames) - _MOST_FRAMES
    if left_out <= 0:
        return frames
    half = _MOST_FRAMES // 2
    return [*frames[:half], (f"... ({number_of(left_out, 'frame')} left out)", "...", 0, (), ()), *frames[-half:]]
