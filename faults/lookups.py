"""Ordinary lookups in a process of their own, by turns of the server that is disturbed and of one that is not.

Ten connections to each server ask one thing at a time. Every reply is checked. The time that the server's threads and
this process waited for a processor (/proc/PID/task/TID/schedstat, the second figure) is subtracted from the longest
latency, and ratios are of latencies without it, so that other load on the machine does not count. All threads of the
server matter: one that waits for a processor may have the interpreter's lock.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from attrs import Factory, define, frozen

from benchmarks.load import CHUNK, clients, without_collector
from faults.case import Fault, percentile
from faults.paired import WaitCounter
from trualias.testing.live import ENVIRONMENT, PATIENCE, LiveServer

REQUEST, REPLY = b"get foo-shop-4\n", b"200 foo\n"
"""The lookup, and its reply from every configuration of these cases; at any time anything else is wrong."""

CONFIGURATION = "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();\n"

CONNECTIONS = 10

WAITED = 0.0001
"""Seconds of waiting for a processor from which on a latency does not count in a ratio."""

FEWEST = 100
"""Latencies that a ratio needs."""

PAUSE = 0.001
"""Seconds between two lookups."""


@define
class ThreadWaits:
    """The time that the threads of a process have been ready to run, and waited for a processor."""

    pid: int
    _last: dict[str, int] = Factory(dict)

    def seconds(self) -> float:
        """Return the seconds of waiting since the last call."""
        before, self._last = self._last, {}
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # it has ended
                self._last[thread.name] = int((thread / "schedstat").read_text(encoding="ascii").split()[1])
        return sum(waited - before.get(thread, waited) for thread, waited in self._last.items()) / 1e9


Sample = tuple[float, float]
"""A latency, and the time meanwhile that a process waited for a processor, in seconds. A wait counts as a whole when it
ends, also if it began earlier."""


@frozen
class Latencies:
    """The lookups of a time: of the disturbed server, and of the other one, if there is one."""

    disturbed: Sequence[Sample]
    calm: Sequence[Sample]

    @property
    def longest(self) -> float:
        """The longest wait beside the disturbance, in seconds, without waits for a processor."""
        return max(latency - waited for latency, waited in self.disturbed)

    def within(self, share: float) -> float:
        """Return the seconds in which a share of the lookups of the disturbed server, 0 to 1, were answered."""
        return percentile(_alone(self.disturbed), share)

    def ratio(self, share: float) -> float:
        """Return how many times as long a share of the lookups, 0 to 1, took at most as without the disturbance."""
        return self.within(share) / percentile(_alone(self.calm), share)


def _alone(samples: Sequence[Sample]) -> list[float]:
    """Return the latencies, sorted, during which no process waited for a processor; all, if there are few of these."""
    alone = sorted(latency for latency, waited in samples if waited < WAITED)
    return alone if len(alone) >= FEWEST else sorted(latency for latency, _ in samples)


class Asker:
    """A process that asks all the time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 2 * PATIENCE)[0]:
            raise Fault("lookups got no reply")
        line: bytes = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            errors = self._process.stderr.read().decode().strip().splitlines() or ["their process ended"]
            raise Fault(f"lookups failed: {errors[-1]}")
        return line

    def latencies(self) -> Latencies:
        """Return the latencies since the last call, or since the first lookup."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            # The process has failed, and there is no line. What waits to be written would fail again at the end.
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        return Latencies(*json.loads(self._line()))

    def during(self, seconds: float) -> Latencies:
        """Wait for some time, and return the latencies from now on."""
        self.latencies()
        time.sleep(seconds)
        return self.latencies()


@contextmanager
def asking(server: LiveServer, calm: LiveServer | None = None, pause: float = PAUSE) -> Iterator[Asker]:
    """Ask a server during the context, and by turns one without a disturbance.

    Raises `Fault` for a wrong reply at any time.
    """
    command = [sys.executable, "-m", "faults.lookups", str(pause)]
    for each in (server, calm):
        if each is not None:
            command += [str(each.port), str(each.pid)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        try:
            asker = Asker(process)
            asker.latencies()
            yield asker
            asker.latencies()
        finally:
            process.kill()


def _latency(connection: socket.socket) -> float:
    then = time.perf_counter()
    connection.sendall(REQUEST)
    reply = connection.recv(CHUNK)
    latency = time.perf_counter() - then
    if reply != REPLY:
        raise Fault(f"sent {REQUEST!r}, expected {REPLY!r}, got {reply!r}")
    return latency


def _ask(servers: Sequence[tuple[int, int]], pause: float, orders: IO[str]) -> None:
    """Ask until the orders end; for each line of them print the latencies."""
    own = WaitCounter(os.getpid())
    found: list[list[Sample]] = [[], []]
    with ExitStack() as stack, without_collector():
        parts = [
            (stack.enter_context(clients(port, CONNECTIONS)), ThreadWaits(pid), latencies)
            for (port, pid), latencies in zip(servers, found, strict=False)
        ]
        number = 0
        while True:
            for connected, waits, latencies in parts:
                waits.seconds()
                own.seconds()
                latency = _latency(connected[number % CONNECTIONS])
                latencies.append((latency, waits.seconds() + own.seconds()))
            number += 1
            if select.select([orders], [], [], pause)[0]:
                if not orders.readline():
                    return
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
                for latencies in found:
                    latencies.clear()


if __name__ == "__main__":
    _arguments = [int(argument) for argument in sys.argv[2:]]
    _ask(list(zip(_arguments[::2], _arguments[1::2], strict=True)), float(sys.argv[1]), sys.stdin)
