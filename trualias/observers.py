"""Two ways to write the log to standard error, for twistd: ``twistd --logger trualias.observers.journal ...``."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from attrs import frozen
from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText
from zope.interface import implementer

_LEVELS = {"debug": 7, "info": 6, "warn": 4, "error": 3, "critical": 2}
"""Twisted's levels as the priorities of syslog(3), which the journal knows."""


def _level(event: LogEvent) -> str:
    level = event.get("log_level")
    return str(level.name) if level is not None and level.name in _LEVELS else LogLevel.info.name


def _text(event: LogEvent, traceback: bool) -> str:
    return eventAsText(event, includeTraceback=traceback, includeTimestamp=False, includeSystem=False)


@implementer(ILogObserver)
@frozen
class JournalObserver:
    """Writes lines without the time, which the journal adds itself; ``levels``: with their levels in front.

    sd-daemon(3) has the form: ``<4>`` before each line of a message, since the journal takes each line for one.
    """

    out: TextIO
    levels: bool

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        mark = f"<{_LEVELS[_level(event)]}>" if self.levels else ""
        lines = f"[{event.get('log_namespace', '-')}] {_text(event, traceback=True)}".splitlines()
        self.out.write("".join(f"{mark}{line}\n" for line in lines))
        self.out.flush()


@implementer(ILogObserver)
@frozen
class JSONObserver:
    """Writes an object a line: time, level, from and message, and the traceback where there is one."""

    out: TextIO

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        entry = {
            "time": datetime.fromtimestamp(event.get("log_time", 0.0), UTC).isoformat(timespec="milliseconds"),
            "level": _level(event),
            "from": event.get("log_namespace", "-"),
            "message": _text(event, traceback=False),
        }
        if event.get("log_failure") is not None:
            entry["traceback"] = event["log_failure"].getTraceback()
        self.out.write(json.dumps(entry) + "\n")
        self.out.flush()


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether it is systemd's journal that reads a stream: systemd.exec(5), ``JOURNAL_STREAM``."""
    status = os.fstat(stream.fileno())
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def journal() -> JournalObserver:
    """Make twistd's observer that writes for the journal."""
    return JournalObserver(sys.stderr, is_journal(sys.stderr, os.environ))


def json_lines() -> JSONObserver:
    """Make twistd's observer that writes JSON."""
    return JSONObserver(sys.stderr)
