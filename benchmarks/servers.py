"""The servers that are measured: each a process on a free port of the loopback interface."""

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
"""Seconds within which a server must listen."""
STOPPING = 10.0
"""Seconds from SIGTERM to SIGKILL."""
IDLE = 0.005
"""Seconds without use of the processor after which a server counts as idle."""


class ServerFailed(Exception):
    """A server did not start, or ended too early; with its output."""


@frozen
class Server:
    """A running server."""

    port: int
    pid: int
    forks: bool = False
    """Whether it has child processes, whose processor time counts as well."""


def with_compiled_modules(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules in the folder, as in an installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "modules")}


def resident(pid: int, line: str = "VmRSS") -> float:
    """Return the resident size of a process in MB (10**6 octets); its peak with ``VmHWM`` (proc(5))."""
    for name, _, value in (row.partition(":") for row in Path(f"/proc/{pid}/status").read_text().splitlines()):
        if name == line:
            return int(value.removesuffix("kB")) * 1024 / 1e6
    raise ServerFailed(f"/proc/{pid}/status has no {line}")


def children(pid: int) -> list[int]:
    """Return the identifiers of the child processes that a process of one thread has (proc(5))."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def processor_seconds(pid: int, *, forks: bool = False) -> float:
    """Return the processor time of a process, in user and kernel mode; with ``forks`` also its running children's.

    The clock is the one of clock_getcpuclockid(3). It is exact while the process sleeps, and may lag by one tick of the
    kernel while it runs.
    """
    own = time.clock_gettime(~pid << 3 | 2)
    if not forks:
        return own
    return own + sum(map(processor_seconds, children(pid)))


def processor_seconds_when_idle(server: Server) -> float:
    """Return the processor time of a server once it is idle, or after a second at most."""
    deadline = time.monotonic() + 1
    used = processor_seconds(server.pid, forks=server.forks)
    while True:
        time.sleep(IDLE)
        before, used = used, processor_seconds(server.pid, forks=server.forks)
        if used == before or time.monotonic() > deadline:
            return used


@contextmanager
def running(command: Sequence[str], *ports: int, root: Path = ROOT) -> Iterator[Server]:
    """Start a server from the source tree at ``root`` and wait until it listens on all ports; stop it at the end.

    The port of the yielded server is the first one. Raises ``ServerFailed`` if it ends or does not listen in time.
    """
    with TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as output:
        deadline = time.monotonic() + STARTING
        process = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            while not all(map(is_listening, ports)):
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise ServerFailed(f"{' '.join(command)}\ndoes not listen on {ports}:\n{output.read()}")
                time.sleep(0.01)
            yield Server(ports[0], process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def reference_server(name: str, port: int) -> list[str]:
    """Return the command for one of ``benchmarks.reference_servers``."""
    return [sys.executable, "-m", "benchmarks.reference_servers", name, str(port)]


def counting_server(configuration: Path, rate: int, *, is_discarding: bool = False) -> list[str]:
    """Return the command for ``benchmarks.counting_server``."""
    command = [sys.executable, "-m", "benchmarks.counting_server", str(configuration), str(rate)]
    return [*command, "discarding"] if is_discarding else command


def alias_server(configuration: Path, *, virtual: bool = False) -> list[str]:
    """Return the command for an alias server, as an administrator runs it."""
    plugin = "trualias-virtual" if virtual else "trualias-table"
    return [*TWISTD, "--nodaemon", "--pidfile=", plugin, "--config", str(configuration)]
