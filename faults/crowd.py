"""Slow, dead and greedy clients beside ordinary ones: these must hardly notice."""

import itertools
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from benchmarks.load import connect
from faults.asking import Asked, SampleQuestions, ask
from faults.case import Fault, Say
from faults.live import check_log, descriptors, serving
from trualias.descriptors import allow

ORDINARY = 20
IDLE = 900
GREEDY = 50
SLOW = 50
RESETS = 20
"""Connections that are reset in the middle of a request, a second."""
RATE = 2000.0
"""Requests a second of the ordinary clients together; far more than a mail server asks."""
SLOWER = 2.0
"""How many times as long as undisturbed 99 % of the replies may take."""
LIMIT = 1200
"""Connections that the server takes: all of these, and those that have just gone."""

_REQUEST = b"get samissexy.34\n"
_FLOOD = _REQUEST * 1000


@define
class Crowd:
    """The clients that disturb."""

    port: int
    idle: list[socket.socket] = field(factory=list)
    greedy: list[socket.socket] = field(factory=list)
    slow: list[socket.socket] = field(factory=list)
    flooded: int = 0
    resets: int = 0
    _letters: "itertools.cycle[bytes]" = field(
        factory=lambda: itertools.cycle([_REQUEST[at : at + 1] for at in range(len(_REQUEST))])
    )
    _seconds: int = 0

    def come(self, idle: int) -> None:
        """Connect."""
        self.idle += [connect(self.port) for _ in range(idle)]
        self.greedy += [connect(self.port) for _ in range(GREEDY)]
        for client in self.greedy:
            # So that the server is soon stuck with its replies, and not only after megabytes of them.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.slow += [connect(self.port) for _ in range(SLOW)]
        for client in self.greedy:
            client.setblocking(False)

    def disturb(self, passed: float) -> None:
        """Do what is due after so many seconds; to be called often."""
        client = self.greedy[self.flooded % len(self.greedy)]
        try:
            self.flooded += client.send(_FLOOD)
        except BlockingIOError:
            self.flooded += 1
        if passed * RESETS > self.resets:
            self.resets += 1
            reset(self.port)
        if passed > self._seconds:
            self._seconds += 1
            letter = next(self._letters)
            for client in self.slow:
                client.sendall(letter)

    def leave(self) -> None:
        """Disconnect."""
        for client in self.idle + self.greedy + self.slow:
            client.close()

    def still_connected(self) -> int:
        """How many of those that are slow or dead the server has not sent away."""
        return sum(1 for client in self.idle + self.slow if _is_open(client))


def _is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def reset(port: int) -> None:
    """Connect, send half of a request, and reset the connection."""
    client = connect(port)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(_REQUEST + _REQUEST[:7])
    client.close()


@contextmanager
def crowd(port: int, idle: int) -> Iterator[Crowd]:
    """Let the crowd come, and leave."""
    clients = Crowd(port)
    try:
        clients.come(idle)
        yield clients
    finally:
        clients.leave()


def run(folder: Path, say: Say, seconds: float = 10.0, idle: int = IDLE, rounds: int = 3) -> None:
    """Ask undisturbed and disturbed in turns, as the machine has other things to do as well."""
    allow(2 * LIMIT)
    calm, flooding, disturbed = Asked(), Asked(), Asked()
    flooded = resets = 0
    with serving(folder, more=f"CONNECTIONS: {LIMIT}\n") as (server, _):
        ask(server.port, ORDINARY, 1, SampleQuestions(), RATE)
        for _ in range(rounds):
            _add(calm, ask(server.port, ORDINARY, seconds / rounds, SampleQuestions(), RATE))
            with crowd(server.port, idle) as clients:
                # As long as the kernel has room for replies that nobody reads, the server is as busy as it can be.
                _add(flooding, ask(server.port, ORDINARY, seconds / rounds, SampleQuestions(), RATE, clients.disturb))
                _add(disturbed, ask(server.port, ORDINARY, seconds / rounds, SampleQuestions(), RATE, clients.disturb))
                if clients.still_connected() != idle + SLOW:
                    raise Fault(f"of {idle + SLOW} idle and slow clients {clients.still_connected()} are connected")
                flooded += clients.flooded
                resets += clients.resets
        opened = descriptors(server.pid)
        check_log(server)
    say(f"undisturbed, {ORDINARY} clients: {calm}")
    say(f"while the greedy ones get replies: {flooding}")
    say(f"beside {idle} idle, {GREEDY} that never read, {SLOW} of a byte a second, {resets} resets: {disturbed}")
    say(f"{flooded / 1e6:.1f} MB of requests whose replies nobody read; {opened} descriptors at the end")
    factor = disturbed.within(0.99) / calm.within(0.99)
    say(f"99 % of the replies within {factor:.2f} times the undisturbed time; nobody refused")
    if factor > SLOWER:
        raise Fault(f"replies take {factor:.2f} times as long, more than {SLOWER}")


def _add(total: Asked, asked: Asked) -> None:
    total.replies += asked.replies
    total.seconds += asked.seconds
    total.latencies += asked.latencies
