"""Slow, dead and greedy clients beside ordinary ones: these must hardly notice."""

import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from attrs import define, field, frozen

from benchmarks.load import connect
from faults.asking import Asked, SampleQuestions, ask, together
from faults.case import Fault, Say
from faults.live import check_log, descriptors, serving
from trualias.server.file_limits import raise_descriptor_limit
from trualias.testing.live import wait_until

ORDINARY = 20
IDLE = 900
GREEDY = 50
SLOW = 50
RESETS = 20
"""Connections that are reset in the middle of a request, a second."""
RATE = 2000.0
"""Requests a second of the ordinary clients together; far more than a mail server asks."""
PLACES = 1200
"""Connections that the server takes: all of these, and those that have just gone."""
ROUNDS = 5
CALM_SECONDS = 2.0
"""How long the ordinary clients ask undisturbed before each round and after the last."""
COMING_SECONDS = 1.5
"""How long a round gives the others to come, and those who never read to be stuck; it takes them a second."""
PRESENT_SECONDS = 4.0
"""How long a round lasts after that."""
SLOWER = 2.0
"""How many times as long as undisturbed 99 % of the replies may take beside all the others, and in a whole round, in
which they come."""

_REQUEST = b"get samissexy.34\n"
_FLOOD = _REQUEST * 1000


@define
class Crowd:
    """The clients that disturb: they come one after another, mixed, and each does at once what it is for."""

    port: int
    expected: int
    """How many of those that are idle come."""
    idle: list[socket.socket] = field(factory=list)
    greedy: deque[socket.socket] = field(factory=deque)
    slow: list[socket.socket] = field(factory=list)
    flooded: int = 0
    """Bytes that those who never read could send."""
    resets: int = 0
    letters: int = 0
    """How many each of the slow ones has sent that were there from the beginning."""
    stuck: float = 0.0
    """Seconds from the beginning to the last bytes that one who never reads could send."""
    _begun: float = field(factory=time.perf_counter)

    def __len__(self) -> int:
        """How many are there."""
        return len(self.idle) + len(self.greedy) + len(self.slow)

    @property
    def is_complete(self) -> bool:
        """Whether all are there."""
        return len(self) == self.expected + GREEDY + SLOW

    def disturb(self, _: float) -> None:
        """Do what is due; to be called often."""
        passed = time.perf_counter() - self._begun
        if not self.is_complete:
            self._come()
        if self.greedy:
            self.greedy.rotate()
            self._flood(self.greedy[0], passed)
        if passed * RESETS > self.resets:
            self.resets += 1
            reset(self.port)
        if passed > self.letters:
            at = self.letters % len(_REQUEST)
            self.letters += 1
            for client in self.slow:
                client.sendall(_REQUEST[at : at + 1])

    def _come(self) -> None:
        """Let the next one connect, of the kind of which there is the smallest part."""
        client = connect(self.port)
        if len(self.idle) * GREEDY < len(self.greedy) * self.expected:
            self.idle.append(client)
        elif len(self.slow) * GREEDY < len(self.greedy) * SLOW:
            self.slow.append(client)
        else:
            # So that the server is soon stuck with its replies, and not only after megabytes of them; nor is this
            # process, which tells how long the ordinary clients wait, to be busy with megabytes of requests.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            client.setblocking(False)
            self.greedy.append(client)

    def _flood(self, client: socket.socket, passed: float) -> None:
        try:
            self.flooded += client.send(_FLOOD)
            self.stuck = passed
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise Fault("a client that sends without reading was sent away") from error

    def leave(self) -> None:
        """Disconnect."""
        for client in (*self.idle, *self.greedy, *self.slow):
            client.close()

    def still_connected(self) -> int:
        """How many the server has not sent away."""
        return sum(map(_is_open, (*self.idle, *self.greedy, *self.slow)))


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
    """Make a crowd, which comes while it disturbs; let it leave."""
    clients = Crowd(port, idle)
    try:
        yield clients
    finally:
        clients.leave()


@frozen
class Round:
    """What the ordinary clients saw."""

    calm: Asked
    """Undisturbed, before and after the others."""
    coming: Asked
    """While they come, and those who never read get their first replies."""
    present: Asked
    """Thereafter."""

    def times(self, asked: Asked) -> float:
        """How many times as long as undisturbed 99 % of these replies took."""
        return asked.within(0.99) / self.calm.within(0.99)


def run(folder: Path, say: Say, idle: int = IDLE, rounds: int = ROUNDS) -> None:
    """Ask undisturbed and disturbed in turns, as the machine has other things to do as well."""
    raise_descriptor_limit(2 * PLACES)
    flooded = resets = 0
    stuck: list[float] = []
    calm: list[Asked] = []
    coming: list[Asked] = []
    present: list[Asked] = []
    with serving(folder, more=f"CONNECTIONS: {PLACES}\n") as (server, _):

        def ordinary(seconds: float, meanwhile: Callable[[float], None] = lambda passed: None) -> Asked:
            return ask(server.port, ORDINARY, seconds, SampleQuestions(), RATE, meanwhile)

        held = descriptors(server.pid)
        ordinary(1)
        calm.append(ordinary(CALM_SECONDS))
        for _ in range(rounds):
            with crowd(server.port, idle) as clients:
                coming.append(ordinary(COMING_SECONDS, clients.disturb))
                if not clients.is_complete:
                    raise Fault(f"in {COMING_SECONDS} s {len(clients)} came")
                present.append(ordinary(PRESENT_SECONDS, clients.disturb))
                if clients.still_connected() != len(clients):
                    raise Fault(f"of {len(clients)} that came {clients.still_connected()} are connected")
            flooded += clients.flooded
            resets += clients.resets
            stuck.append(clients.stuck)
            # A server that is busy with a thousand who go is not undisturbed.
            wait_until(lambda: descriptors(server.pid) <= held, "as many descriptors as before")
            calm.append(ordinary(CALM_SECONDS))
        check_log(server)
        if "refused a connection" in server.log:
            raise Fault("the log tells of connections that were refused")
    say(f"undisturbed, {ORDINARY} clients: {together(calm)}")
    say(f"while the others come, {COMING_SECONDS} s each of {rounds} times: {together(coming)}")
    say(f"beside {idle} idle, {GREEDY} that never read, {SLOW} of a byte a second: {together(present)}")
    say(f"in both: {together([*coming, *present])}")
    say(
        f"{flooded / 1e6:.1f} MB of requests whose replies nobody read, sent within {max(stuck):.1f} s at most; "
        f"{resets} resets; {held} descriptors before each round and after"
    )
    check_times(
        [Round(together(calm[at : at + 2]), coming[at], present[at]) for at in range(rounds)],
        say,
    )


def check_times(rounds: Sequence[Round], say: Say) -> None:
    """Tell how long replies take beside the others; raises `Fault` where that is too long in half of the rounds."""
    both = [together([each.coming, each.present]) for each in rounds]
    of_present = [each.times(each.present) for each in rounds]
    of_coming = [each.times(each.coming) for each in rounds]
    of_both = [each.times(asked) for each, asked in zip(rounds, both, strict=True)]
    say("99 % of the replies within so many times the undisturbed time, the median of the rounds (least to most):")
    say(f"  beside them {_range(of_present)}, while they come {_range(of_coming)}, in both {_range(of_both)}")
    for times in (of_present, of_both):
        if median(times) > SLOWER:
            raise Fault(f"replies take {median(times):.2f} times as long, more than {SLOWER:g}")


def _range(times: Sequence[float]) -> str:
    return f"{median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
