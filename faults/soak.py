"""Long operation in short: many requests a second, and a new configuration every second."""

import itertools
import os
import signal
import time
from pathlib import Path

from attrs import define, field

from benchmarks import policies
from benchmarks.servers import processor_seconds, resident
from faults.case import Fault, Say
from faults.clients import send
from faults.live import check_log, descriptors, replace, serving, settings
from faults.numbered import Numbers, configuration, wait_for_number

CLIENTS = 50
KEYS = 200_000
"""The number of different keys, in a cycle; far more than the server caches replies."""
RATE = 10_000.0
"""The intended requests a second."""
RELOADS = 1.0
"""Seconds from one change to the next."""
WARM = 0.1
"""The share of the time after which memory must be constant."""
GROWTH = 8.0
"""MB (10**6 octets) by which it may grow after that."""
REACHED = 0.95
"""The share of the intended rate that must be reached over the whole time."""
IN_FORCE = 0.9
"""The share of the changes that must come into force before the next one."""


def _request(number: int) -> tuple[bytes, bool]:
    """Return a request with another key for each number, and whether it is found."""
    word = policies.word(number, policies.ALNUM)
    wrong = number % 4 == 3
    return f"get shop-{word}-{word[0]}{len(word) + wrong}\n".encode(), not wrong


@define
class _Requests:
    """Requests with different keys; one of four is not found by any configuration."""

    numbers: Numbers
    answered: int = 0
    # Made before, so that the server is the bottleneck.
    _requests: "itertools.cycle[tuple[bytes, bool]]" = field(
        factory=lambda: itertools.cycle([_request(number) for number in range(KEYS)])
    )

    def next(self) -> tuple[bytes, object]:
        """Return a request, and the lowest number that may reply to it; None for "not found"."""
        request, found = next(self._requests)
        return request, self.numbers.seen if found else None

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Compare the number in the reply."""
        self.answered += 1
        if isinstance(known, int):
            self.numbers.check(request, known, reply)
        elif reply != b"500 not found\n":
            raise Fault(f"sent {request!r}, expected 'not found', got {reply!r}")


def run(folder: Path, say: Say, seconds: float, rate: float = RATE, in_force: float = IN_FORCE) -> None:
    """Send requests, reload, and read the memory and descriptors in use once before each reload.

    ``in_force`` is the share of the changes that must come into force; a short run with few of them needs a lower one.
    """
    numbers = Numbers()
    requests = _Requests(numbers)
    sizes: list[float] = []
    opened: list[int] = []
    answered: list[int] = []
    late = 0
    with serving(folder, configuration(0)) as (server, path):

        def reload(passed: float) -> None:
            # The last change gets as much time as the others.
            if not (numbers.written + 1) * RELOADS <= passed <= seconds - RELOADS:
                return
            nonlocal late
            late += numbers.seen < numbers.written
            sizes.append(resident(server.pid))
            opened.append(descriptors(server.pid))
            answered.append(requests.answered)
            numbers.written += 1
            replace(path, settings(server.port) + configuration(numbers.written))
            os.kill(server.pid, signal.SIGHUP)
            if numbers.written % 60 == 0:
                say(f"after {passed:.0f} s: {requests.answered} replies, {sizes[-1]:.1f} MB, {opened[-1]} descriptors")

        own, servers = time.process_time(), processor_seconds(server.pid)
        replies = send(server.port, CLIENTS, seconds, requests, rate, reload)
        own, servers = time.process_time() - own, processor_seconds(server.pid) - servers
        sizes.append(resident(server.pid))
        wait_for_number(server, numbers.written)
        check_log(server)
    slowest = min(after - before for before, after in itertools.pairwise(answered)) / RELOADS
    say(f"{replies.seconds:.0f} s, {rate:.0f} requests/s intended: {replies}")
    say(f"no wrong reply, none lost; {slowest:.0f}/s in the slowest second")
    say(f"of a processor the server used {servers / replies.seconds:.0%}, the clients {own / replies.seconds:.0%}")
    say(f"reloads: {numbers.written} changes, {numbers.in_force} in force, {late} of them later than the next change")
    start, warm, middle, end = (sizes[int(share * (len(sizes) - 1))] for share in (0, WARM, 0.5, 1))
    most = max(sizes[int(WARM * (len(sizes) - 1)) :])
    say(f"resident, MB: start {start:.1f}, warm {warm:.1f}, middle {middle:.1f}, end {end:.1f}, most then {most:.1f}")
    say(f"descriptors: start {opened[0]}, end {opened[-1]}, most {max(opened)}")
    check_pace(replies.rate / rate, numbers, in_force)
    if most - warm > GROWTH:
        raise Fault(f"memory grew by {most - warm:.1f} MB, more than {GROWTH:.0f} MB")
    # A load opens the file for a moment, and the thread pool grows once.
    if opened[-1] > opened[int(WARM * (len(opened) - 1))] + 2:
        raise Fault(f"from {opened[0]} descriptors to {opened[-1]}")


def check_pace(reached: float, numbers: Numbers, in_force: float = IN_FORCE) -> None:
    """Raise `Fault` if too small a share of the intended rate was reached, or too few changes came into force."""
    if reached < REACHED:
        raise Fault(f"{reached:.1%} of the intended rate, less than {REACHED:.0%}")
    if numbers.in_force < in_force * numbers.written:
        raise Fault(f"of {numbers.written} changes {numbers.in_force} in force, less than {in_force:.0%}")
