"""The statuses that servers wrote, as ``trualias status`` describes them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from trualias.configuration.tables import SERVER_TABLES, Table
from trualias.monitoring.status import Status, UnusableStatus, boot_id, status_clock, status_file_name


def fresh_statuses(state: Path) -> dict[Table, Status]:
    """Return the status of each server that runs, from a state directory, as far as this user can read them."""
    found = {}
    for table in SERVER_TABLES:
        try:
            file = state / status_file_name(table.value)
            status = Status.from_json(file.read_bytes())
            age = time.time() - file.stat().st_mtime
        except (OSError, UnusableStatus):
            continue
        if status.is_fresh(boot_id(), status_clock(), age):
            found[table] = status
    return found


def describe(status: Status) -> str:
    """Return since when a server runs, and with what configuration, or why it does not listen."""
    if status.problem:
        return f"{status.problem} (process {status.pid}, since {shown_time(status.started)})"
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
