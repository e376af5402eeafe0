"""Ordinary clients: each has one request in flight, every reply is checked, and its latency is measured."""

import select
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle
from typing import Protocol

from attrs import Factory, define

from benchmarks import policies
from benchmarks.load import CHUNK, PATIENCE, Exchange, clients, without_collector
from faults.case import Fault, percentile

_KEPT = 200_000
"""The number of latencies at which every other one is dropped."""


class Requests(Protocol):
    """The requests to send, and a check of their replies."""

    def next(self) -> tuple[bytes, object]:
        """Return a request with its line feed, and the data for the check of its reply."""

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Raise `Fault` unless a reply is right; ``known`` is the second result of `next`."""


class SampleRequests:
    """The ten keys of the table server's sample configuration, in a cycle."""

    def __init__(self) -> None:
        self._exchanges = cycle([policies.exchange(answer) for answer in policies.SAMPLE_KEYS])

    def next(self) -> Exchange:
        """Return a request, and the one right reply."""
        return next(self._exchanges)

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Compare."""
        if reply != known:
            raise Fault(f"sent {request!r}, expected {known!r}, got {reply!r}")


@define
class Replies:
    """The number of replies, and their latencies in seconds: an even selection of many."""

    count: int = 0
    seconds: float = 0.0
    """The time that all of them took."""
    latencies: list[float] = Factory(list)
    _every: int = 1

    def add(self, seconds: float) -> None:
        """Add the latency of one reply."""
        self.count += 1
        if self.count % self._every == 0:
            self.latencies.append(seconds)
            if len(self.latencies) >= _KEPT:
                self.latencies = self.latencies[::2]
                self._every *= 2

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.count / self.seconds

    def within(self, share: float) -> float:
        """Return the milliseconds within which this share of the replies, 0 to 1, came."""
        return percentile(sorted(self.latencies), share) * 1000

    def __str__(self) -> str:
        return (
            f"{self.count} right replies, {self.rate:.0f}/s, 50 % within {self.within(0.5):.2f} ms, "
            f"99 % within {self.within(0.99):.2f} ms, all within {self.within(1):.1f} ms"
        )


def combined(parts: Iterable[Replies]) -> Replies:
    """Return the replies of several times as one."""
    whole = Replies()
    for replies in parts:
        whole.count += replies.count
        whole.seconds += replies.seconds
        whole.latencies += replies.latencies
    return whole


def send(
    port: int,
    count: int,
    seconds: float,
    requests: Requests,
    rate: float | None = None,
    meanwhile: Callable[[float], None] = lambda passed: None,
) -> Replies:
    """Send requests with ``count`` clients for so many seconds, at most ``rate`` a second if that is given.

    ``meanwhile`` is called often, with the seconds that have passed. Raises `Fault` for a wrong reply, a lost
    connection, or no reply for `PATIENCE` seconds.
    """
    replies = Replies()
    with clients(port, count) as connected, select.epoll() as poller, without_collector():
        by_number = {client.fileno(): client for client in connected}
        for number in by_number:
            poller.register(number, select.EPOLLIN)
        idle = list(by_number)
        sent: dict[int, tuple[float, bytes, object]] = {}
        start = now = last_reply = time.perf_counter()
        begun = 0
        while now - start < seconds or sent:
            meanwhile(now - start)
            due = len(idle) if rate is None else int((now - start) * rate) - begun
            if now - start >= seconds:
                due = 0
            for _ in range(min(due, len(idle))):
                number = idle.pop()
                request, known = requests.next()
                sent[number] = (time.perf_counter(), request, known)
                _send(by_number[number], request)
                begun += 1
            if not sent and rate is not None:
                time.sleep(0.5 / rate)
            ready = poller.poll(0.002 if rate is not None else 0.1) if sent else []
            now = time.perf_counter()
            for number, _ in ready:
                reply = _receive(by_number[number])
                if number not in sent:
                    raise Fault(f"a client without a request got {reply!r}" if reply else "a client was refused")
                then, request, known = sent.pop(number)
                if not reply:
                    raise Fault(f"sent {request!r}, and the server closed the connection")
                replies.add(time.perf_counter() - then)
                requests.check(request, known, reply)
                idle.insert(0, number)
            last_reply = now if ready or not sent else last_reply
            if now - last_reply > PATIENCE:
                raise Fault(f"{len(sent)} requests got no reply within {PATIENCE:.0f} s")
        replies.seconds = now - start
    return replies


def _send(client: socket.socket, request: bytes) -> None:
    with suppress(ConnectionError):  # `_receive` finds the connection closed
        client.sendall(request)


def _receive(client: socket.socket) -> bytes:
    """Return the received octets, b"" if the connection was closed, orderly or by a reset."""
    try:
        return client.recv(CHUNK)
    except ConnectionError:
        return b""
