"""The server under test, run as by an administrator, and its open files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import policies
from faults.case import Fault
from trualias.testing.live import LiveServer, free_port

LOGGING = "warning"
"""The log has refused clients at this level."""


def descriptors(pid: int) -> int:
    """Return the number of open file descriptors of a process (proc(5))."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def settings(port: int) -> str:
    """Return the settings of a configuration for this port."""
    return policies.with_settings("", port, LOGGING)


def replace(path: Path, text: str) -> None:
    """Replace a file by renaming a complete new one, as a careful editor does."""
    prepared = path.with_name(path.name + ".new")
    prepared.write_text(text, encoding="utf-8")
    os.replace(prepared, path)


@contextmanager
def serving(folder: Path, text: str | None = None, more: str = "") -> Iterator[tuple[LiveServer, Path]]:
    """Run a table server with this configuration, without settings, or with the sample; yield it and its file's path.

    ``more`` are settings that come before all others.
    """
    port, path = free_port(), folder / "faults.conf"
    configuration = policies.with_settings(policies.sample() if text is None else text, port, LOGGING)
    path.write_text(more + configuration, encoding="utf-8")
    server = LiveServer(("trualias-table", "--config", str(path)), folder, port)
    server.start()
    try:
        yield server, path
    finally:
        server.stop()


def check_log(text: str, *, allowed: str = "$^") -> None:
    """Raise `Fault` if a log has a traceback or an error that does not match the regular expression ``allowed``."""
    for line in text.splitlines():
        if re.search(r"Traceback|#error|#critical|Unhandled", line) and not re.search(allowed, line):
            raise Fault(f"the server's log has: {line}")
