"""The server that the cases are about, as an administrator runs it, and what it holds of the machine."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import policies
from faults.case import Fault
from trualias.testing.live import LiveServer, free_port

LOGGING = "warning"
"""So that the log tells of clients that are refused."""


def descriptors(pid: int) -> int:
    """How many files, sockets and so on a process has open. proc(5)."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def settings(port: int) -> str:
    """The settings of a configuration for this port."""
    return policies.with_settings("", port, LOGGING)


def replace(path: Path, text: str) -> None:
    """Put a whole new file in the place of another, as a careful editor does."""
    prepared = path.with_name(path.name + ".new")
    prepared.write_text(text, encoding="utf-8")
    os.replace(prepared, path)


@contextmanager
def serving(folder: Path, text: str | None = None, more: str = "") -> Iterator[tuple[LiveServer, Path]]:
    """Run a table server with this configuration, settings apart, or with the sample; with the path of its file.

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


def check_log(server: LiveServer, *, allowed: str = "$^") -> None:
    """Raise `Fault` where the log has a traceback or an error that does not match the regular expression."""
    for line in server.log.splitlines():
        if re.search(r"Traceback|#error|#critical|Unhandled", line) and not re.search(allowed, line):
            raise Fault(f"the server's log has: {line}")
