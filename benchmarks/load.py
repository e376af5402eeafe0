"""The load generator: many clients, each with one request in flight, every reply compared with the right one.

One epoll loop, two system calls a request and nothing else in between, so that the server is what is measured. How
busy the generator itself was comes with every measurement: while it idles for a good part of the time, it was waiting
for the server.
"""

import gc
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from attrs import frozen

Exchange = tuple[bytes, bytes]
"""A request line and the one right reply to it, both with their LF."""

PATIENCE = 20.0
"""Seconds without any reply after which requests count as lost."""

CHUNK = 65536
"""Octets read at once; a reply has at most 4096."""


class WrongReply(Exception):
    """The server answered wrongly, closed a connection or did not answer: its figures mean nothing."""


@frozen
class Measurement:
    """What one pass over some exchanges took."""

    requests: int
    seconds: float
    processor_seconds: float
    """The generator's own."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def busy(self) -> float:
        """The part of the time, 0 to 1, in which the generator was at work instead of waiting for the server."""
        return self.processor_seconds / self.seconds


def connect(port: int) -> socket.socket:
    """A client of the server on this port of the loopback interface."""
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


@contextmanager
def clients(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connected clients; closed at the end."""
    connected: list[socket.socket] = []
    try:
        for _ in range(count):
            connected.append(connect(port))
        yield connected
    finally:
        for client in connected:
            client.close()


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python's garbage collector from stopping the generator in the middle of a measurement."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def rest(client: socket.socket, received: bytes, due: bytes) -> None:
    """Wait for what is missing of a reply that came in pieces.

    Raises `WrongReply` as soon as what came is no beginning of the reply that is due.
    """
    client.settimeout(PATIENCE)
    while received != due:
        piece = client.recv(CHUNK) if due.startswith(received) else b""
        if not piece:
            raise WrongReply(f"expected the reply {due!r}, got {received!r}" + ("" if received else " (closed)"))
        received += piece
    client.setblocking(False)


def ask(port: int, exchanges: Iterable[Exchange], connections: int = 100) -> Measurement:
    """Ask everything once, over so many connections with one request in flight on each.

    Raises `WrongReply` for the first reply that is not the expected one, and where replies stay away.
    """
    questions = iter(exchanges)
    end: Exchange = (b"", b"")
    with clients(port, connections) as connected, select.epoll() as poller, without_collector():
        receive: dict[int, Callable[[int], bytes]] = {}
        send: dict[int, Callable[[bytes], int]] = {}
        due: dict[int, bytes] = {}
        by_number = {client.fileno(): client for client in connected}
        for number, client in by_number.items():
            client.setblocking(False)
            poller.register(number, select.EPOLLIN)
            receive[number] = client.recv
            send[number] = client.send
        count = in_flight = 0
        processor_start, start = time.process_time(), time.perf_counter()
        for number in by_number:
            request, due[number] = next(questions, end)
            if request:
                send[number](request)
                in_flight += 1
        while in_flight:
            ready = poller.poll(PATIENCE)
            if not ready:
                raise WrongReply(f"{in_flight} requests got no reply within {PATIENCE:.0f} seconds")
            for number, _ in ready:
                received = receive[number](CHUNK)
                if received != due[number]:
                    rest(by_number[number], received, due[number])
                request, due[number] = next(questions, end)
                if request:
                    send[number](request)
                else:
                    poller.unregister(number)
                    in_flight -= 1
            count += len(ready)
        return Measurement(count, time.perf_counter() - start, time.process_time() - processor_start)
