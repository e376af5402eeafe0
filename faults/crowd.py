"""Slow, idle and greedy clients beside ordinary ones, whose latencies must hardly grow."""

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
from faults.case import Fault, Say
from faults.clients import Replies, combined
from faults.live import check_log, descriptors, serving
from faults.paired import Paired, send_in_turns, separate_processors
from trualias.server.file_limits import raise_descriptor_limit
from trualias.testing.live import wait_until

ORDINARY = 20
IDLE = 900
GREEDY = 50
SLOW = 50
RESETS = 20
"""Connections a second that are reset in the middle of a request."""
RATE = 2000.0
"""Requests a second of the ordinary clients together; far more than a mail server sends."""
CONNECTIONS = 1200
"""The server's limit: enough for all of these, and those that have just disconnected."""
ROUNDS = 7
STUCK = 0.1
"""Seconds without a byte sent from which on the greedy clients count as stuck."""
ROUND = 5.5
"""Replies in a round for each one while the crowd arrives."""
LEAST_ARRIVING, LEAST_PRESENT = 50, 1000
"""Replies of each server that must count before a part of a round ends."""
LONGEST = 600.0
"""Seconds that a part of a round may take."""
SLOWER = 2.0
"""The bound on the ratio of the latencies within which 99 % of the replies come: to a server with the crowd, and to one
without. It holds while the whole crowd is there, and for a whole round, its arrival included."""

_REQUEST = b"get samissexy.34\n"
_FLOOD = _REQUEST * 1000


@define
class Crowd:
    """The clients that disturb: they connect one after another, mixed, and each acts at once."""

    port: int
    expected: int
    """The number of idle clients to connect."""
    idle: list[socket.socket] = field(factory=list)
    greedy: deque[socket.socket] = field(factory=deque)
    """Clients that send without reading."""
    slow: list[socket.socket] = field(factory=list)
    """Clients that send one byte a second."""
    flooded: int = 0
    """Bytes that the greedy clients could send."""
    resets: int = 0
    letters: int = 0
    """Bytes that each of the first slow clients has sent."""
    stuck: float = 0.0
    """Seconds from the beginning to the last bytes that a greedy client could send."""
    _begun: float = field(factory=time.perf_counter)

    def __len__(self) -> int:
        """Return the number of clients."""
        return len(self.idle) + len(self.greedy) + len(self.slow)

    @property
    def is_complete(self) -> bool:
        """Whether all clients are connected."""
        return len(self) == self.expected + GREEDY + SLOW

    @property
    def is_stuck(self) -> bool:
        """Whether all clients are connected, and the greedy ones can send no more."""
        return self.is_complete and time.perf_counter() - self._begun - self.stuck > STUCK

    def disturb(self, _: float = 0.0) -> None:
        """Do what is due; to be called often."""
        passed = time.perf_counter() - self._begun
        if not self.is_complete:
            self._connect_next()
        if self.greedy:
            self.greedy.rotate()
            self._flood(self.greedy[0], passed)
        if passed * RESETS > self.resets:
            self.resets += 1
            reset(self.port)
        if passed > self.letters:
            offset = self.letters % len(_REQUEST)
            self.letters += 1
            for client in self.slow:
                client.sendall(_REQUEST[offset : offset + 1])

    def _connect_next(self) -> None:
        """Connect a client of the kind of which the smallest part is connected."""
        client = connect(self.port)
        if len(self.idle) * GREEDY < len(self.greedy) * self.expected:
            self.idle.append(client)
        elif len(self.slow) * GREEDY < len(self.greedy) * SLOW:
            self.slow.append(client)
        else:
            # Small buffers: the server is stuck with its replies soon, and not after megabytes of them, and this
            # process, which measures latencies, is not busy with megabytes of requests.
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
            raise Fault("a client that sends without reading was disconnected") from error

    def disconnect(self) -> None:
        """Close all connections."""
        for client in (*self.idle, *self.greedy, *self.slow):
            client.close()

    def still_connected(self) -> int:
        """Return the number of clients that the server has not disconnected."""
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
    """Connect, send one and a half requests, and reset the connection."""
    client = connect(port)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(_REQUEST + _REQUEST[:7])
    client.close()


@contextmanager
def crowd(port: int, idle: int) -> Iterator[Crowd]:
    """Yield a crowd, which connects while it disturbs; disconnect it at the end."""
    clients = Crowd(port, idle)
    try:
        yield clients
    finally:
        clients.disconnect()


@frozen
class Round:
    """The replies to the ordinary clients."""

    calm: Replies
    """Of a server without a crowd, during the whole round."""
    arriving: Replies
    """While the crowd arrives, and the greedy clients get their first replies."""
    present: Replies
    """From then on."""

    def times(self, replies: Replies) -> float:
        """Return the ratio of the latency within which 99 % of these replies came to that without a crowd."""
        return replies.within(0.99) / self.calm.within(0.99)


def run(folder: Path, say: Say, idle: int = IDLE, rounds: int = ROUNDS) -> None:
    """Send requests to a server with a crowd and to one without, in turns."""
    raise_descriptor_limit(2 * CONNECTIONS)
    flooded = resets = left_out = 0
    stuck: list[float] = []
    seen: list[Round] = []
    other_folder = folder / "calm"
    other_folder.mkdir()
    with serving(folder, more=f"CONNECTIONS: {CONNECTIONS}\n") as (server, _), serving(other_folder) as (calm, _):

        def ordinary(disturb: Callable[[], None], is_enough: Callable[[Paired], bool]) -> Paired:
            began = time.monotonic()

            def is_over(paired: Paired) -> bool:
                if time.monotonic() - began > LONGEST:
                    raise Fault(f"no end after {LONGEST:.0f} s: the machine is too busy, or the server")
                return is_enough(paired)

            return send_in_turns((server.port, server.pid), (calm.port, calm.pid), ORDINARY, RATE, disturb, is_over)

        with separate_processors((server.pid, calm.pid)):
            held = descriptors(server.pid)
            ordinary(lambda: None, lambda paired: paired.count > RATE)
            for _ in range(rounds):
                with crowd(server.port, idle) as clients:

                    def has_arrived(paired: Paired, clients: Crowd = clients) -> bool:
                        return clients.is_stuck and _least(paired) >= LEAST_ARRIVING

                    arriving = ordinary(clients.disturb, has_arrived)
                    rest = arriving.count * (ROUND - 1)

                    def has_ended(paired: Paired, rest: float = rest) -> bool:
                        return paired.count >= rest and _least(paired) >= LEAST_PRESENT

                    present = ordinary(clients.disturb, has_ended)
                    if clients.still_connected() != len(clients):
                        raise Fault(f"of {len(clients)} clients {clients.still_connected()} are still connected")
                seen.append(Round(combined([arriving.calm, present.calm]), arriving.crowded, present.crowded))
                left_out += arriving.left_out + present.left_out
                flooded += clients.flooded
                resets += clients.resets
                stuck.append(clients.stuck)
                wait_until(lambda: descriptors(server.pid) <= held, "as many descriptors as before")
        check_log(server.log)
        if "refused a connection" in server.log:
            raise Fault("the log has refused connections")
    say(f"without a crowd, {ORDINARY} clients: {combined(each.calm for each in seen)}")
    say(f"while it arrives, {rounds} times: {combined(each.arriving for each in seen)}")
    say(f"beside {idle} idle, {GREEDY} greedy, {SLOW} slow clients: {combined(each.present for each in seen)}")
    say(f"both: {combined(part for each in seen for part in (each.arriving, each.present))}")
    say(f"{left_out} more replies that do not count, since a process waited for a processor")
    say(
        f"{flooded / 1e6:.1f} MB of requests without a reader of the replies, sent within {max(stuck):.1f} s at most; "
        f"{resets} resets; {held} descriptors before each round and after"
    )
    check_times(seen, say)


def _least(paired: Paired) -> int:
    return min(paired.crowded.count, paired.calm.count)


def check_times(rounds: Sequence[Round], say: Say) -> None:
    """Report the ratios of the latencies; raise `Fault` if their median over the rounds exceeds `SLOWER`."""
    of_present = [each.times(each.present) for each in rounds]
    of_arriving = [each.times(each.arriving) for each in rounds]
    of_both = [each.times(combined([each.arriving, each.present])) for each in rounds]
    say("99 % of the replies within so many times the latency without a crowd, the median of the rounds (range):")
    say(f"  beside the crowd {_range(of_present)}, while it arrives {_range(of_arriving)}, both {_range(of_both)}")
    for times in (of_present, of_both):
        if median(times) > SLOWER:
            raise Fault(f"replies take {median(times):.2f} times as long, more than {SLOWER:g}")


def _range(times: Sequence[float]) -> str:
    return f"{median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
