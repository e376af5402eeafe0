"""Log observers for twistd that write to standard error: ``twistd --logger trualias.observers.journal ...``."""

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
"""The syslog(3) priorities of Twisted's levels."""


def _level_name(event: LogEvent) -> str:
    level = event.get("log_level")
    return str(level.name) if level is not None and level.name in _LEVELS else LogLevel.info.name


def _text(event: LogEvent, traceback: bool) -> str:
    return eventAsText(event, includeTraceback=traceback, includeTimestamp=False, includeSystem=False)


@implementer(ILogObserver)
@frozen
class JournalObserver:
    """Writes lines without the time, which the journal adds; with ``levels``, each line begins with its priority.

    The journal reads each line as a message, so each needs its own ``<4>``, sd-daemon(3).
    """

    out: TextIO
    levels: bool

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        priority = f"<{_LEVELS[_level_name(event)]}>" if self.levels else ""
        lines = f"[{event.get('log_namespace', '-')}] {_text(event, traceback=True)}".splitlines()
        self.out.write("".join(f"{priority}{line}\n" for line in lines))
        self.out.flush()


@implementer(ILogObserver)
@frozen
class JSONObserver:
    """Writes one JSON object per line: time, level, from, message, and the traceback of a failure."""

    out: TextIO

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        entry = {
            "time": datetime.fromtimestamp(event.get("log_time", 0.0), UTC).isoformat(timespec="milliseconds"),
            "level": _level_name(event),
            "from": event.get("log_namespace", "-"),
            "message": _text(event, traceback=False),
        }
        if event.get("log_failure") is not None:
            entry["traceback"] = event["log_failure"].getTraceback()
        self.out.write(json.dumps(entry) + "\n")
        self.out.flush()


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a stream is connected to systemd's journal: ``JOURNAL_STREAM``, systemd.exec(5)."""
    status = os.fstat(stream.fileno())
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def journal() -> JournalObserver:
    """Make the observer for the journal."""
    return JournalObserver(sys.stderr, is_journal(sys.stderr, os.environ))


def json_lines() -> JSONObserver:
    """Make the observer that writes JSON."""
    return JSONObserver(sys.stderr)
