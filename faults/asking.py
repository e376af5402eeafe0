"""Ordinary clients: each has one request in flight, every reply is checked, and the time that it took is known."""

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
"""Latencies that are kept; of more, every other one, again and again."""


class Questions(Protocol):
    """What is asked, and which replies are right."""

    def next(self) -> tuple[bytes, object]:
        """Give a request with its line feed, and what has to be known to check the reply."""

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Raise `Fault` unless a reply is right."""


class SampleQuestions:
    """The ten keys of the table server's sample configuration, over and over."""

    def __init__(self) -> None:
        self._exchanges = cycle([policies.exchange(answer) for answer in policies.SAMPLE_KEYS])

    def next(self) -> Exchange:
        """Give a request, and the one right reply."""
        return next(self._exchanges)

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Compare."""
        if reply != known:
            raise Fault(f"asked {request!r}, expected {known!r}, got {reply!r}")


@define
class Asked:
    """What the clients saw; latencies in seconds, a selection of them where they are many."""

    replies: int = 0
    seconds: float = 0.0
    latencies: list[float] = Factory(list)
    _every: int = 1

    def took(self, seconds: float) -> None:
        """Take down one reply."""
        self.replies += 1
        if self.replies % self._every == 0:
            self.latencies.append(seconds)
            if len(self.latencies) >= _KEPT:
                self.latencies = self.latencies[::2]
                self._every *= 2

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.replies / self.seconds

    def within(self, part: float) -> float:
        """Milliseconds within which this part of the replies, 0 to 1, came."""
        return percentile(sorted(self.latencies), part) * 1000

    def __str__(self) -> str:
        return (
            f"{self.replies} right replies, {self.rate:.0f}/s, 50 % within {self.within(0.5):.2f} ms, "
            f"99 % within {self.within(0.99):.2f} ms, all within {self.within(1):.1f} ms"
        )


def together(parts: Iterable[Asked]) -> Asked:
    """Put together what was asked at different times."""
    whole = Asked()
    for asked in parts:
        whole.replies += asked.replies
        whole.seconds += asked.seconds
        whole.latencies += asked.latencies
    return whole


def ask(
    port: int,
    count: int,
    seconds: float,
    questions: Questions,
    rate: float | None = None,
    meanwhile: Callable[[float], None] = lambda passed: None,
) -> Asked:
    """Ask with so many clients for so many seconds, `rate` requests a second at most or as many as are answered.

    ``meanwhile`` is called often, with the seconds that have passed. Raises `Fault` for a wrong reply, a lost
    connection, or none for `PATIENCE` seconds.
    """
    asked = Asked()
    with clients(port, count) as connected, select.epoll() as poller, without_collector():
        by_number = {client.fileno(): client for client in connected}
        for number in by_number:
            poller.register(number, select.EPOLLIN)
        idle = list(by_number)
        sent: dict[int, tuple[float, bytes, object]] = {}
        start = now = heard = time.perf_counter()
        begun = 0
        while now - start < seconds or sent:
            meanwhile(now - start)
            due = len(idle) if rate is None else int((now - start) * rate) - begun
            if now - start >= seconds:
                due = 0
            for _ in range(min(due, len(idle))):
                number = idle.pop()
                request, known = questions.next()
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
                    raise Fault(f"a client that asked nothing got {reply!r}" if reply else "a client was turned away")
                then, request, known = sent.pop(number)
                if not reply:
                    raise Fault(f"asked {request!r}, and the server closed the connection")
                asked.took(time.perf_counter() - then)
                questions.check(request, known, reply)
                idle.insert(0, number)
            heard = now if ready or not sent else heard
            if now - heard > PATIENCE:
                raise Fault(f"{len(sent)} requests got no reply within {PATIENCE:.0f} s")
        asked.seconds = now - start
    return asked


def _send(client: socket.socket, request: bytes) -> None:
    with suppress(ConnectionError):  # which is also what there is to be received
        client.sendall(request)


def _receive(client: socket.socket) -> bytes:
    """Give what there is, b"" where the connection was closed, orderly or by a reset."""
    try:
        return client.recv(CHUNK)
    except ConnectionError:
        return b""
