"""The effect of reloads of many statements on clients: latencies, and whether all replies are right."""

import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise
from pathlib import Path

from attrs import field, frozen, mutable

from benchmarks import policies
from benchmarks.load import CHUNK, PATIENCE, WrongReply, clients, without_collector
from benchmarks.report import Row, at_most, fact
from benchmarks.servers import alias_server, resident, running
from trualias.testing.live import free_port

STATEMENTS = 30_000
MOST_STATEMENTS = 100_000
CLIENTS = 20
KEYS = 6_000
SETTLED = 1.0
"""Seconds of requests before the file is changed, and after the first reply by the new configuration."""
DEADLINE = 120.0
"""Seconds that a reload may take before the run is given up."""

Request = tuple[bytes, bytes, bytes]
"""A request line, its reply by the old configuration, and its reply by the new one."""


def requests(statements: int, old: str, new: str) -> list[Request]:
    """Return requests that the configurations with these signs answer differently, or both do not find."""
    before = dict(islice(policies.many_statements_answers(statements, old), KEYS))
    after = dict(islice(policies.many_statements_answers(statements, new), KEYS))
    made = []
    for key in {**before, **after}:
        request, reply = policies.exchange((key, before.get(key, "")))
        made.append((request, reply, policies.exchange((key, after.get(key, "")))[1]))
    return made


@mutable
class Clients:
    """Clients that send requests without a pause, and the latencies of the replies.

    After the first reply by the new configuration, every later request must be answered by it too.
    """

    requests: Iterator[Request]
    switched: float | None = None
    """The time of the first reply by the new configuration (``time.perf_counter``)."""
    latencies: list[tuple[float, float]] = field(factory=list)
    """For each reply, its time and the seconds since its request."""

    def run(self, port: int, seconds_after: float, change: "Change") -> None:
        """Send requests until ``seconds_after`` the first reply by the new configuration; raises ``WrongReply``."""
        with clients(port, CLIENTS) as connected, select.epoll() as poller, without_collector():
            by_number = {client.fileno(): client for client in connected}
            sent: dict[int, tuple[float, Request]] = {}
            for number in by_number:
                poller.register(number, select.EPOLLIN)
            start = now = time.perf_counter()
            ready = [(number, 0) for number in by_number]
            while sent or ready:
                for number, _ in ready:
                    if number in sent:
                        received = by_number[number].recv(CHUNK)
                        now = time.perf_counter()
                        begun, answered = sent.pop(number)
                        self.latencies.append((now, now - begun))
                        self.check(answered, received, now)
                    if self.switched is None or now < self.switched + seconds_after:
                        line, old, new = next(self.requests)
                        expected = (line, old if self.switched is None else new, new)
                        sent[number] = (time.perf_counter(), expected)
                        by_number[number].sendall(line)
                change.make_when_due(now - start)
                if self.switched is None and now - start > DEADLINE:
                    raise WrongReply(f"the new configuration is not in force after {DEADLINE:.0f} seconds")
                ready = poller.poll(PATIENCE) if sent else []
                if sent and not ready:
                    raise WrongReply(f"{len(sent)} requests got no reply within {PATIENCE:.0f} seconds")

    def check(self, answered: Request, received: bytes, now: float) -> None:
        """Compare a reply with the right ones."""
        line, old, new = answered
        if received not in (old, new):
            raise WrongReply(f"sent {line!r}, expected {old!r} or {new!r}, got {received!r}")
        if self.switched is None and received == new != old:
            self.switched = now


@mutable
class Change:
    """Replaces the configuration file by ``prepared`` and sends SIGHUP to the server, once."""

    path: Path
    prepared: Path
    pid: int
    made: float | None = None
    """The time of the change (``time.perf_counter``)."""

    def make_when_due(self, seconds: float) -> None:
        """Make the change if it is due; called often, with the seconds since the first request."""
        if self.made is None and seconds >= SETTLED:
            os.replace(self.prepared, self.path)
            os.kill(self.pid, signal.SIGHUP)
            self.made = time.perf_counter()


@frozen
class Reload:
    """The figures of one reload."""

    seconds: float
    """The seconds from the signal to the first reply by the new configuration."""
    during: Sequence[float]
    """The latencies of all replies until then in seconds, sorted."""
    worst: float
    """The largest latency until ``SETTLED`` seconds after that."""
    replies: int


def reload(port: int, pid: int, path: Path, statements: int, old: str, new: str) -> Reload:
    """Replace the configuration with the old sign by the one with the new sign while clients send requests."""
    prepared = path.with_suffix(".new")
    # Written beforehand: the clients run in this thread, and their replies would wait for that.
    prepared.write_text(policies.with_settings(policies.many_statements(statements, new), port), encoding="utf-8")
    change = Change(path, prepared, pid)
    sending = Clients(cycle(requests(statements, old, new)))
    sending.run(port, SETTLED, change)
    assert change.made is not None and sending.switched is not None
    after = [(came, took) for came, took in sending.latencies if came >= change.made]
    during = sorted(took for came, took in after if came <= sending.switched)
    return Reload(sending.switched - change.made, during, max(took for _, took in after), len(sending.latencies))


@frozen
class Reloads:
    """The figures of a server that reloaded several times; the sizes are the largest until then, in MB."""

    fresh: float
    """The resident size before the first reload."""
    reloaded: float
    """The resident size after all."""
    slow: float
    """The largest latency of 99 % of the replies during the slowest reload, in seconds."""
    worst: float
    """The largest latency of all, in seconds."""
    seconds: float
    """The seconds that the longest reload took."""
    replies: int


def measure(folder: Path, statements: int, signs: str) -> Reloads:
    """Reload a server with so many statements from the first sign to the next, and so on."""
    port, path = free_port(), folder / "reloaded.conf"
    path.write_text(policies.with_settings(policies.many_statements(statements, signs[0]), port), encoding="utf-8")
    with running(alias_server(path), port) as server:
        fresh = resident(server.pid, "VmHWM")
        reloads = [reload(port, server.pid, path, statements, *pair) for pair in pairwise(signs)]
        reloaded = resident(server.pid, "VmHWM")
    return Reloads(
        fresh,
        reloaded,
        max(one.during[int(len(one.during) * 0.99)] for one in reloads),
        max(one.worst for one in reloads),
        max(one.seconds for one in reloads),
        sum(one.replies for one in reloads),
    )


def _large(folder: Path) -> list[Row]:
    """Return the rows of one reload of ``MOST_STATEMENTS``."""
    found = measure(folder, MOST_STATEMENTS, "xy")
    case = f"reload of {MOST_STATEMENTS} statements beside {CLIENTS} clients"
    return [
        at_most(f"{case}: until the first new reply", found.seconds, 25, " s", f"{found.replies} replies, all right"),
        at_most(f"{case}: all replies within", found.worst * 1000, 90, " ms"),
        fact(f"{case}: resident size, largest", f"{found.reloaded:.0f} MB ({found.fresh:.0f} MB before)"),
    ]


def run(folder: Path) -> list[Row]:
    """Return the rows of the table, from two reloads to another configuration and back, and a reload of many more."""
    found = measure(folder, STATEMENTS, "xyx")
    fresh, reloaded, slow, worst = found.fresh, found.reloaded, found.slow, found.worst
    seconds, replies = found.seconds, found.replies
    return [
        at_most(f"{STATEMENTS} statements: resident size, largest", fresh, 250, " MB"),
        at_most(f"{STATEMENTS} statements reloaded twice: resident size, largest", reloaded, 160, " MB"),
        fact(f"while reloading, {CLIENTS} clients: all replies right", f"{replies} replies, reload {seconds:.1f} s"),
        at_most("while reloading: 99 % of the replies within", slow * 1000, 30, " ms"),
        at_most("while reloading: all replies within", worst * 1000, 150, " ms"),
        *_large(folder),
    ]
