"""The statuses that servers wrote, as ``trualias status`` describes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from trualias.configuration.tables import SERVER_TABLES, Table
from trualias.monitoring.status import Status, UnusableStatus
from trualias.monitoring.status_files import read_status, status_paths


def fresh_statuses(state: str) -> Iterator[tuple[Table, Status]]:
    """Yield the table and the status of each server that runs, from a state directory, as far as they are readable."""
    for table in SERVER_TABLES:
        with suppress(OSError):
            for path in status_paths(state, table.value):
                with suppress(OSError, UnusableStatus):
                    status, is_fresh = read_status(path)
                    if is_fresh:
                        yield table, status


def describe(status: Status) -> str:
    """Return since when a server runs, and with what configuration, or why it does not listen."""
    if status.problem:
        return f"{status.problem} (process {status.pid}, since {shown_time(status.started)}): {status.path}"
    if status.fallback:
        configuration = f"{status.fallback} of {status.path}, since the file cannot be used"
    elif status.current:
        configuration = f"{status.path}, loaded {shown_time(status.loaded_at)}"
    else:
        configuration = f"{status.path}, loaded {shown_time(status.loaded_at)}; the last change was not loaded"
    return f"running since {shown_time(status.started)} (process {status.pid}), {status.size}: {configuration}"


def shown_time(seconds: float) -> str:
    """Return a time, in seconds since 1970, as this machine's local time."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"
