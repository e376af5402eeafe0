"""Latencies of two servers at the same time, on a machine that has other things to do.

One of the two has a crowd of other clients, the other has none. In windows of some milliseconds requests go to the one
and to the other in turn, so that the machine's state is the same for both. A reply counts only if neither the server
nor this process had to wait for a processor since the reply before: the kernel counts that time for every thread
(/proc/PID/schedstat, the second figure). What is left is the time that the server itself takes.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import Factory, define

from benchmarks.load import CHUNK, PATIENCE, clients, without_collector
from faults.case import Fault
from faults.clients import Replies, SampleRequests

_WINDOW = 0.05
"""Seconds of requests to one server before it is the other's turn."""
_WAITED = 0.0001
"""Seconds of waiting for a processor from which on a reply does not count: less than any other process' turn lasts.
Waking up a thread takes a tenth of it."""


@define
class WaitCounter:
    """The time that a process' first thread has been ready to run, and waited for a processor."""

    pid: int
    _path: Path = Factory(lambda self: Path(f"/proc/{self.pid}/schedstat"), takes_self=True)
    _last: int = 0

    def seconds(self) -> float:
        """Return the seconds of waiting since the last call."""
        before, self._last = self._last, int(self._path.read_text(encoding="ascii").split()[1])
        return (self._last - before) / 1e9


@define
class Paired:
    """The replies of the two servers: the one with the crowd, and the one without it."""

    crowded: Replies = Factory(Replies)
    calm: Replies = Factory(Replies)
    left_out: int = 0
    """Replies that do not count in either."""

    @property
    def count(self) -> int:
        """The number of all replies."""
        return self.crowded.count + self.calm.count + self.left_out


@contextmanager
def separate_processors(pids: Sequence[int]) -> Iterator[None]:
    """Keep this process on one processor and the others off it, if there are two or more.

    Otherwise a server waits now and then while this process does the crowd's work.
    """
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        yield
        return
    own = {min(allowed)}
    for pid in pids:
        os.sched_setaffinity(pid, allowed - own)
    os.sched_setaffinity(0, own)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def send_in_turns(
    crowded: tuple[int, int],
    calm: tuple[int, int],
    count: int,
    rate: float,
    disturb: Callable[[], None],
    is_enough: Callable[[Paired], bool],
) -> Paired:
    """Send requests to two servers, each given by its port and its pid, with ``count`` clients of each.

    At most ``rate`` requests a second are sent, each after the reply to the one before, so that requests do not pile up
    while a process waits. Before each ``disturb`` is called once, whichever server it goes to: the crowd does as much
    for each request, however slow the machine is. Raises `Fault` for a wrong reply, or none.
    """
    paired = Paired()
    requests = SampleRequests()
    own = WaitCounter(os.getpid())
    with ExitStack() as stack, without_collector():
        servers = [
            (stack.enter_context(clients(port, count)), WaitCounter(pid), replies)
            for (port, pid), replies in ((crowded, paired.crowded), (calm, paired.calm))
        ]
        start = now = due = window = time.perf_counter()
        while not is_enough(paired):
            now = time.perf_counter()
            if now >= window:
                window = now + _WINDOW
                servers.reverse()
                servers[0][1].seconds()
                own.seconds()
            connected, server, replies = servers[0]
            if now < due:
                time.sleep(due - now)
            due = max(due, time.perf_counter()) + 1 / rate
            disturb()
            client = connected[paired.count % count]
            request, right = requests.next()
            then = time.perf_counter()
            try:
                client.sendall(request)
                reply = client.recv(CHUNK)
            except TimeoutError as error:
                raise Fault(f"{request!r} got no reply within {PATIENCE:.0f} s") from error
            except ConnectionError as error:
                raise Fault(f"sent {request!r}, and the server closed the connection") from error
            latency = time.perf_counter() - then
            requests.check(request, right, reply)
            if max(server.seconds(), own.seconds()) < _WAITED:
                replies.add(latency)
            else:
                paired.left_out += 1
        paired.crowded.seconds = paired.calm.seconds = (now - start) / 2
    return paired
