"""Hours in little: many requests a second, and a new configuration every second.

Every configuration names its account after its number, so that it is known of each reply by which one it was given: by
none that is older than one that somebody has already heard, and never "not found" for a key that all of them have.
"""

import itertools
import os
import re
import signal
from pathlib import Path

from attrs import define, field

from benchmarks import policies
from benchmarks.servers import resident
from faults.asking import ask
from faults.case import Fault, Say
from faults.live import check_log, descriptors, replace, serving, settings

CLIENTS = 50
RATE = 10_000.0
"""Requests a second that are aimed at."""
RELOADS = 1.0
"""Seconds from one change to the next."""
WARM = 0.1
"""The part of the time after which memory is expected to be flat."""
GROWTH = 8.0
"""MB (10**6 octets) that may come and go after that."""
STATEMENTS = 300

_OTHERS = policies.many_statements(STATEMENTS)


def configuration(number: int) -> str:
    """The configuration of this number, without settings."""
    return f"ACCOUNT number{number} MATCHES shop-%ident%-%code% WITH CHAR(1,-), CHARS();\n{_OTHERS}"


@define
class _Numbered:
    """Asks for different keys; of four one is wrong under every configuration, and the others are right."""

    written: int = 0
    heard: int = 0
    lag: int = 0
    _numbers: "itertools.count[int]" = field(factory=itertools.count)

    def next(self) -> tuple[bytes, object]:
        """Give a request, and the lowest number that may answer it; -1 for "not found"."""
        number = next(self._numbers)
        word = policies.word(number % 200_000, policies.ALNUM)
        wrong = number % 4 == 3
        return b"get shop-%b-%b%d\n" % (word.encode(), word[0].encode(), len(word) + wrong), (
            -1 if wrong else self.heard
        )

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Compare the number that answered."""
        if known == -1:
            if reply != b"500 not found\n":
                raise Fault(f"asked {request!r}, expected 'not found', got {reply!r}")
            return
        found = re.fullmatch(rb"200 number(\d+)\n", reply)
        if found is None or not isinstance(known, int) or not known <= int(found.group(1)) <= self.written:
            raise Fault(f"asked {request!r}, expected a number from {known} to {self.written}, got {reply!r}")
        self.heard = max(self.heard, int(found.group(1)))
        self.lag = max(self.lag, self.written - self.heard)


def run(folder: Path, say: Say, seconds: int, rate: float = RATE) -> None:
    """Ask, reload, and look at memory and descriptors."""
    numbered = _Numbered()
    sizes: list[float] = []
    opened: list[int] = []
    with serving(folder, configuration(0)) as (server, path):

        def reload(passed: float) -> None:
            if passed < (numbered.written + 1) * RELOADS:
                return
            numbered.written += 1
            if passed >= seconds * WARM:
                sizes.append(resident(server.pid))
                opened.append(descriptors(server.pid))
            replace(path, settings(server.port) + configuration(numbered.written))
            os.kill(server.pid, signal.SIGHUP)
            if numbered.written % 60 == 0:
                say(f"after {passed:.0f} s: {resident(server.pid):.1f} MB, {descriptors(server.pid)} descriptors")

        asked = ask(server.port, CLIENTS, seconds, numbered, rate, reload)
        check_log(server)
    say(f"{asked.seconds:.0f} s, {rate:.0f} requests/s aimed at: {asked}")
    say(f"{numbered.written} changes, {numbered.heard} the last heard of, {numbered.lag} the most not yet heard of")
    say(f"resident: {sizes[0]:.1f} MB at first, {sizes[-1]:.1f} MB at last, {max(sizes):.1f} MB at most")
    say(f"descriptors: {opened[0]} at first, {opened[-1]} at last, {max(opened)} at most")
    if max(sizes) - sizes[0] > GROWTH:
        raise Fault(f"memory grew by {max(sizes) - sizes[0]:.1f} MB, more than {GROWTH:.0f} MB")
    # A load has the file open for a moment, and the thread pool grows once.
    if opened[-1] > opened[0] + 2:
        raise Fault(f"from {opened[0]} descriptors to {opened[-1]}")
