"""The load generator: many clients, each with one request in flight, every reply compared with the right one.

It is one epoll loop with two system calls a request and nothing else, so that the server is the bottleneck. Each
measurement has the generator's own processor time: a generator that idles for a good part of the time was waiting for
the server.
"""

import gc
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median

from attrs import frozen

from benchmarks.servers import Server, processor_seconds_when_idle

Exchange = tuple[bytes, bytes]
"""A request and the one right reply to it, both as they are sent."""

PATIENCE = 20.0
"""Seconds without any reply after which requests count as lost."""

CHUNK = 65536
"""Octets read at once; a reply has at most 4096."""


BACKLOG = 40
"""Clients that connect at once. Twisted's backlog is 50: the kernel drops others, which try again after a second."""

ACCEPTING = 0.02
"""Seconds for the server to accept so many clients."""


class WrongReply(Exception):
    """The server sent a wrong reply, closed a connection or did not reply: its figures are invalid."""


@frozen
class Measurement:
    """The time that one pass over some exchanges took."""

    requests: int
    seconds: float
    processor_seconds: float
    """The load generator's processor time."""
    server_seconds: float
    """The server's processor time, without that for connecting and disconnecting clients."""
    latency: float | None = None
    """Seconds from a request to its reply, the median; only of ``send_one_by_one``."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def busy(self) -> float:
        """The share of the time, 0 to 1, in which the generator worked instead of waiting for the server."""
        return self.processor_seconds / self.seconds

    @property
    def cost(self) -> float:
        """The server's processor time for one request, in seconds."""
        return self.server_seconds / self.requests


def connect(port: int) -> socket.socket:
    """Return a client connected to this port of the loopback interface."""
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


@contextmanager
def clients(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connect ``count`` clients, and close them at the end."""
    connected: list[socket.socket] = []
    try:
        for number in range(count):
            if number % BACKLOG == BACKLOG - 1:
                time.sleep(ACCEPTING)
            connected.append(connect(port))
        yield connected
    finally:
        for client in connected:
            client.close()


@contextmanager
def without_collector() -> Iterator[None]:
    """Disable Python's garbage collector during a measurement."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def receive_rest(client: socket.socket, received: bytes, expected: bytes) -> None:
    """Receive the rest of an incomplete reply.

    Raises ``WrongReply`` as soon as the received octets are not the beginning of the expected reply.
    """
    client.settimeout(PATIENCE)
    while received != expected:
        piece = client.recv(CHUNK) if expected.startswith(received) else b""
        if not piece:
            raise WrongReply(f"expected the reply {expected!r}, got {received!r}" + ("" if received else " (closed)"))
        received += piece
    client.setblocking(False)


def send_all(server: Server, exchanges: Iterable[Exchange], connections: int = 100) -> Measurement:
    """Send every request once, over several connections with one request in flight on each.

    Raises ``WrongReply`` for the first wrong reply, and if no reply comes for ``PATIENCE`` seconds.
    """
    remaining = iter(exchanges)
    end: Exchange = (b"", b"")
    with clients(server.port, connections) as connected, select.epoll() as poller, without_collector():
        receive: dict[int, Callable[[int], bytes]] = {}
        send: dict[int, Callable[[bytes], int]] = {}
        expected: dict[int, bytes] = {}
        by_number = {client.fileno(): client for client in connected}
        for number, client in by_number.items():
            client.setblocking(False)
            poller.register(number, select.EPOLLIN)
            receive[number] = client.recv
            send[number] = client.send
        count = in_flight = 0
        server_start = processor_seconds_when_idle(server)
        processor_start, start = time.process_time(), time.perf_counter()
        for number in by_number:
            request, expected[number] = next(remaining, end)
            if request:
                send[number](request)
                in_flight += 1
        while in_flight:
            ready = poller.poll(PATIENCE)
            if not ready:
                raise WrongReply(f"{in_flight} requests got no reply within {PATIENCE:.0f} seconds")
            for number, _ in ready:
                received = receive[number](CHUNK)
                if received != expected[number]:
                    receive_rest(by_number[number], received, expected[number])
                request, expected[number] = next(remaining, end)
                if request:
                    send[number](request)
                else:
                    poller.unregister(number)
                    in_flight -= 1
            count += len(ready)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor_start
        return Measurement(count, seconds, processor, processor_seconds_when_idle(server) - server_start)


def send_one_by_one(server: Server, exchanges: Iterable[Exchange]) -> Measurement:
    """Send every request once on a single connection, each after the reply to the one before.

    Raises ``WrongReply`` for the first wrong reply, and if no reply comes for ``PATIENCE`` seconds.
    """
    latencies: list[float] = []
    with clients(server.port, 1) as [client], without_collector():
        server_start = processor_seconds_when_idle(server)
        processor_start, start = time.process_time(), time.perf_counter()
        for request, expected in exchanges:
            sent = time.perf_counter()
            client.sendall(request)
            try:
                received = client.recv(CHUNK)
            except TimeoutError as error:
                raise WrongReply(f"{request!r} got no reply within {PATIENCE:.0f} seconds") from error
            latencies.append(time.perf_counter() - sent)
            if received != expected:
                raise WrongReply(f"expected the reply {expected!r}, got {received!r}")
        seconds, processor = time.perf_counter() - start, time.process_time() - processor_start
        used = processor_seconds_when_idle(server) - server_start
    return Measurement(len(latencies), seconds, processor, used, median(latencies))
