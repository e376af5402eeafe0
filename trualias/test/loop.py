"""A reactor that a test iterates explicitly, for tests with real sockets."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorCore, IReactorTime
from twisted.internet.task import Clock

TURNS = 200_000
"""The most iterations before a test fails. It is not a time, so that a busy machine does not fail a test."""


def _make_small(connection: socket.socket) -> None:
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        connection.setsockopt(socket.SOL_SOCKET, buffer, 4_096)


def _reactor() -> Any:
    """Return a new reactor of Twisted's default kind on this system."""
    try:
        from twisted.internet.epollreactor import EPollReactor

        return EPollReactor()
    except ImportError:
        from twisted.internet.selectreactor import SelectReactor

        return SelectReactor()


class Loop:
    """Iterates a reactor until a condition holds. Its time is that of ``clock``, which a test advances."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._reactor = _reactor()
        self._reactor.seconds = self.clock.seconds
        self._port: IListeningPort | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of the unix socket
        self._sockets: list[socket.socket] = []

    @property
    def time(self) -> IReactorTime:
        """The reactor, for delayed calls."""
        return cast(IReactorTime, self._reactor)

    @property
    def core(self) -> IReactorCore:
        """The reactor, for listening."""
        return cast(IReactorCore, self._reactor)

    def listen(self, factory: IProtocolFactory) -> None:
        """Listen on a free port of the loopback interface, with small buffers, which fill quickly."""
        self._port = port = self._reactor.listenTCP(0, factory, interface="127.0.0.1")
        _make_small(port.socket)

    def listen_unix(self, factory: IProtocolFactory) -> None:
        """Listen on a unix socket instead.

        There, sent bytes have arrived at once, and a full socket stays full until the other end reads; with TCP, both
        can take time.
        """
        self._folder = tempfile.TemporaryDirectory()
        self._port = self._reactor.listenUNIX(f"{self._folder.name}/a.sock", factory)

    def connect(self) -> socket.socket:
        """Connect; return the client's non-blocking socket with small buffers."""
        assert self._port is not None
        client = socket.socket(socket.AF_UNIX if self._folder else socket.AF_INET)
        self._sockets.append(client)
        _make_small(client)
        host: Any = self._port.getHost()
        client.connect(host.name if self._folder else ("127.0.0.1", host.port))
        client.setblocking(False)
        return client

    def turn(self, times: int = 1) -> None:
        """Iterate a number of times."""
        for _ in range(times):
            self._reactor.iterate(0)

    def turn_until(self, condition: Callable[[], object]) -> None:
        """Iterate until a condition holds; raise AssertionError after ``TURNS`` iterations."""
        for _ in range(TURNS):
            if condition():
                return
            self._reactor.iterate(0.001)
        raise AssertionError(f"not after {TURNS} turns")

    def receive(self, client: socket.socket, enough: Callable[[bytes], object] = lambda received: False) -> bytes:
        """Iterate until a client has received enough or the connection ends; raises ConnectionResetError."""
        received = bytearray()
        ended = False

        def is_enough() -> object:
            nonlocal ended
            try:
                while not ended:
                    data = client.recv(65536)
                    received.extend(data)
                    ended = not data
            except BlockingIOError:
                pass
            return ended or enough(bytes(received))

        self.turn_until(is_enough)
        return bytes(received)

    def send(self, client: socket.socket, data: bytes) -> None:
        """Iterate until a client has sent all of *data*."""
        rest = memoryview(data)

        def is_sent() -> bool:
            nonlocal rest
            try:
                while rest:
                    rest = rest[client.send(rest) :]
            except BlockingIOError:
                pass
            return not rest

        self.turn_until(is_sent)

    def close(self) -> None:
        """Close all sockets."""
        for client in self._sockets:
            client.close()
        if self._port is not None:
            self._port.stopListening()
        self.turn(3)
        for selectable in self._reactor.removeAll():
            selectable.connectionLost(None)
        self._reactor.waker.connectionLost(None)
        if self._folder is not None:
            self._folder.cleanup()
