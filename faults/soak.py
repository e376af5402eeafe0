"""Long operation in short: many requests a second, and a new configuration every second.

Beside them the log's reader stalls again and again, a hook fails and is logged, and a client pipelines ``/metrics``.
"""

import itertools
import os
import re
import signal
import time
from pathlib import Path

from attrs import define, field

from benchmarks import policies
from benchmarks.servers import processor_seconds, resident
from faults.case import Fault, Say
from faults.clients import send
from faults.disturbances import Stalls, failing_hook, pipelining, stalling_log
from faults.live import check_log, descriptors
from faults.numbered import Numbers, configuration, wait_for_number
from faults.served import served

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
WITHIN = 3.0
"""Milliseconds within which 99 % of the replies must come, unless the machine is slow."""
RATIO = 2.0
"""On a slow machine: how many times as long they may take as without the disturbances, but with the reloads."""
CALM = 60.0
"""Seconds without the disturbances, before the others."""
STALLS = Stalls()
FAILURES = 100.0
"""Failing hooks a second, each with a traceback in the log: a stalled reader's pipe and the queue are soon full."""


def _request(number: int) -> tuple[bytes, bool]:
    """Return a request with another key for each number, and whether it is found."""
    word = policies.word(number, policies.ALNUM)
    wrong = number % 4 == 3
    return f"get shop-{word}-{word[0]}{len(word) + wrong}\n".encode(), not wrong


_FAILING_HOOK = re.compile(
    r"^[^\n]*raises-\d+[^\n]*\n\s+Traceback .*?^\s+builtins\.ValueError: raises-\d+$", re.M | re.S
)
"""The log's text of one failing hook."""


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


def run(
    folder: Path,
    say: Say,
    seconds: float,
    rate: float = RATE,
    in_force: float = IN_FORCE,
    stalls: Stalls = STALLS,
    failures: float = FAILURES,
    calm: float = CALM,
    within: float = WITHIN,
) -> None:
    """Send requests, reload, and read the memory and descriptors in use once before each reload.

    The first ``calm`` seconds are without the disturbances. ``in_force`` is the share of the changes that must come
    into force, and ``within`` bounds 99 % of the latencies, in milliseconds, unless the machine is slow; a short run
    with few of them needs a lower and a higher one.
    """
    numbers = Numbers()
    requests = _Requests(numbers)
    sizes: list[float] = []
    opened: list[int] = []
    answered: list[int] = []
    late = 0
    with (
        stalling_log(folder / "copied.log", stalls) as writer,
        served(folder / "soak", configuration(0), "PROCESSOR: hooks\n", output=writer) as running,
    ):
        server = running.server

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
            running.replace(configuration(numbers.written))
            os.kill(server.pid, signal.SIGHUP)
            if numbers.written % 60 == 0:
                say(f"after {passed:.0f} s: {requests.answered} replies, {sizes[-1]:.1f} MB, {opened[-1]} descriptors")

        undisturbed = send(server.port, CLIENTS, calm, requests, rate, reload)
        with pipelining(running.metrics) as scraped, failing_hook(server.port, failures):
            own, servers = time.process_time(), processor_seconds(server.pid)
            replies = send(server.port, CLIENTS, seconds - calm, requests, rate, lambda passed: reload(calm + passed))
            own, servers = time.process_time() - own, processor_seconds(server.pid) - servers
        sizes.append(resident(server.pid))
        wait_for_number(server, numbers.written)
        dropped = running.metric("trualias_log_messages_dropped_total")
        ended = running.terminate()
    check_log(_FAILING_HOOK.sub("", (folder / "copied.log").read_text("utf-8")))
    slowest = min(after - before for before, after in itertools.pairwise(answered)) / RELOADS
    say(f"{undisturbed.seconds:.0f} s, {rate:.0f} requests/s intended, undisturbed: {undisturbed}")
    say(f"{replies.seconds:.0f} s, {rate:.0f} requests/s intended, disturbed: {replies}")
    say(f"no wrong reply, none lost; {slowest:.0f}/s in the slowest second")
    say(f"of a processor the server used {servers / replies.seconds:.0%}, the clients {own / replies.seconds:.0%}")
    say(f"reloads: {numbers.written} changes, {numbers.in_force} in force, {late} of them later than the next change")
    start, warm, middle, end = (sizes[int(share * (len(sizes) - 1))] for share in (0, WARM, 0.5, 1))
    most = max(sizes[int(WARM * (len(sizes) - 1)) :])
    say(f"resident, MB: start {start:.1f}, warm {warm:.1f}, middle {middle:.1f}, end {end:.1f}, most then {most:.1f}")
    say(f"descriptors: start {opened[0]}, end {opened[-1]}, most {max(opened)}")
    say(f"{scraped.value} connections pipelined requests for the metrics and were served")
    say(f"{dropped:.0f} log messages dropped while the log's reader stalled; SIGTERM to the end {ended:.2f} s")
    check_pace(replies.rate / rate, numbers, in_force)
    if replies.within(0.99) > max(within, RATIO * undisturbed.within(0.99)):
        raise Fault(f"99 % within {replies.within(0.99):.2f} ms, undisturbed within {undisturbed.within(0.99):.2f} ms")
    if not (dropped and scraped.value):
        raise Fault("no log message was dropped, or no metrics were served: a disturbance was missing")
    if most - warm > GROWTH:
        raise Fault(f"memory grew by {most - warm:.1f} MB, more than {GROWTH:.0f} MB")
    # A load opens files for a moment, and so do clients of the metrics.
    half = len(opened) // 2
    before, after = min(opened[int(WARM * half) : half]), min(opened[half:])
    if after > before + 2:
        raise Fault(f"from {before} descriptors to {after}")


def check_pace(reached: float, numbers: Numbers, in_force: float = IN_FORCE) -> None:
    """Raise `Fault` if too small a share of the intended rate was reached, or too few changes came into force."""
    if reached < REACHED:
        raise Fault(f"{reached:.1%} of the intended rate, less than {REACHED:.0%}")
    if numbers.in_force < in_force * numbers.written:
        raise Fault(f"of {numbers.written} changes {numbers.in_force} in force, less than {in_force:.0%}")
