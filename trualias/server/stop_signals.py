"""SIGTERM and SIGINT: the end of the process within two seconds, whatever the reactor's thread is doing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread, main_thread
from types import FrameType

from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReactorFromThreads

from trualias.log import REPORT, logger
from trualias.server.log_queue import LogQueue

_log = logger(__name__)
_report = logger(REPORT)

FINAL_ERROR_SECONDS = 1.7
"""Seconds after a signal at which the process logs that it ends without the reactor."""

STOP_SECONDS = 1.8
"""Seconds after a signal at which it ends."""

ALARM_SECONDS = 1.9
"""Seconds after a signal at which SIGALRM ends it."""

FLUSH_SECONDS = 1.0
"""The longest that the end of the process waits for the log."""


class StopSignals:
    """Stops the reactor on SIGTERM or SIGINT, and ends the process if that takes too long. Later signals are ignored.

    A handler written in Python runs in the main thread, which can be in a hook that does not return. Therefore a daemon
    thread waits for the bytes that C code writes when a signal arrives: ``signal.set_wakeup_fd``. The reactor has a
    pipe for these bytes too, and the thread hands them on. Where the main thread keeps the interpreter, but looks for
    signals, as a regular expression does, SIGALRM ends the process.

    After SIGTERM the exit status is 0; after SIGINT the process ends by that signal, as programs do on Ctrl-C.

    Args:
        reactor: the global one, whose own handlers are replaced.
        stop_reactor: its method ``stop``.
        log: written before the process ends.

    """

    def __init__(self, reactor: IReactorFromThreads, stop_reactor: Callable[[], None], log: LogQueue) -> None:
        self._reactor = reactor
        self._stop_reactor = stop_reactor
        self._log = log
        self._received: signal.Signals | None = None
        self._next_descriptor = -1

    def install(self) -> None:
        """Install the handlers; called in the main thread when the reactor runs and has its own handlers."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._next_descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, _set_alarm)
        # Ignored in a process that a shell has put in the background, and in use by a debugger.
        if signal.getsignal(signal.SIGINT) == getattr(self._reactor, "sigInt", None):
            signal.signal(signal.SIGINT, _set_alarm)
        Thread(target=self._watch, args=(reader,), name="signals", daemon=True).start()

    def _watch(self, reader: int) -> None:
        while self._received is None:
            numbers = os.read(reader, 64)
            for number in numbers:
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._received = signal.Signals(number)
            if self._next_descriptor != -1:
                _write_or_drop(self._next_descriptor, numbers)
        started = time.monotonic()
        _report.info("Received {name}, shutting down.", name=self._received.name)
        self._reactor.callFromThread(self._stop)
        time.sleep(FINAL_ERROR_SECONDS)
        _log.error(
            "the server has not stopped {seconds} s after {name}, and ends now: its thread is in {position}",
            seconds=FINAL_ERROR_SECONDS,
            name=self._received.name,
            position=_position(),
        )
        self._log.flush(max(0.0, started + STOP_SECONDS - time.monotonic()))
        os._exit(0)

    def _stop(self) -> None:
        with suppress(ReactorNotRunning):
            self._stop_reactor()

    def end(self) -> None:
        """Write the log, and end the process at once if its end needs more than that; called by ``atexit``."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        written = self._log.flush(FLUSH_SECONDS)
        if self._received is signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        if not written:
            # The interpreter would wait for the stream that the log's thread is stuck in, and then abort.
            os._exit(0 if self._received else 1)


def _set_alarm(number: int, frame: FrameType | None) -> None:
    """Set the alarm by which SIGALRM ends the process if the thread cannot, since it does not get the interpreter."""
    if signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        signal.setitimer(signal.ITIMER_REAL, ALARM_SECONDS)


def _write_or_drop(descriptor: int, octets: bytes) -> None:
    with suppress(OSError):
        os.write(descriptor, octets)


def _position() -> str:
    """Return the file and the line that the main thread is in."""
    frame = sys._current_frames().get(main_thread().ident or 0)
    return "no Python code" if frame is None else f"{frame.f_code.co_filename}, line {frame.f_lineno}"
