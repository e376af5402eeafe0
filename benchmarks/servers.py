"""The servers that are measured: each a process of its own, on a free port of the loopback interface."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from attrs import frozen

from trualias.testing.live import TWISTD, is_listening

ROOT = Path(__file__).resolve().parent.parent
STARTING = 60.0
"""Seconds that a server may take until it listens."""
STOPPING = 10.0
"""Seconds after which a server that was asked to stop is killed."""


class ServerFailed(Exception):
    """A server did not start, or ended too early; with what it wrote."""


@frozen
class Server:
    """A running server."""

    port: int
    pid: int


def resident(pid: int, line: str = "VmRSS") -> float:
    """The resident size of a process in MB (10**6 octets); `VmHWM` for the largest that it ever was. proc(5)."""
    for name, _, value in (row.partition(":") for row in Path(f"/proc/{pid}/status").read_text().splitlines()):
        if name == line:
            return int(value.removesuffix("kB")) * 1024 / 1e6
    raise ServerFailed(f"/proc/{pid}/status has no {line}")


def processor_seconds(pid: int) -> float:
    """How much processor time a process has used, its own and in the kernel. proc(5), /proc/PID/stat."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Server]:
    """Start a server that listens on this port, wait until it does; stop it at the end.

    Raises `ServerFailed` where it ends or does not listen in time.
    """
    with TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as output:
        deadline = time.monotonic() + STARTING
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            while not is_listening(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise ServerFailed(f"{' '.join(command)}\ndoes not listen on port {port}:\n{output.read()}")
                time.sleep(0.01)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def own(name: str, port: int) -> list[str]:
    """The command for one of the servers of `benchmarks.rivals`."""
    return [sys.executable, "-m", "benchmarks.rivals", name, str(port)]


def alias_server(configuration: Path, *, virtual: bool = False) -> list[str]:
    """The command for a server of the project, as an administrator runs it."""
    plugin = "trualias-virtual" if virtual else "trualias-table"
    return [*TWISTD, "--nodaemon", "--pidfile=", plugin, "--config", str(configuration)]
