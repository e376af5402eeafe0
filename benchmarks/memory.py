"""Whether the server's memory grows with the number of different keys that it was ever asked.

Five million requests would take a socket the better part of the whole run's time. So the protocol gets them without
one, one line at a time, in a process of its own: ``python -m benchmarks.memory FILE`` prints its resident size, in MB,
after each part of them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from benchmarks import policies
from benchmarks.load import WrongReply
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT, resident
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.statistics import Statistics
from trualias.protocols.tcp_table import TableFactory

LOOKUPS = 5_000_000
BLOCK = 500
PARTS = 10
"""What is held after the first of them is all that may ever be held."""
GROWTH = 5.0
"""MB (10**6 octets) that may come and go without a leak: one octet for each of the lookups."""

PLACE = "?????"
"""Where each block has a word of its own, of as many letters."""


def block_answers() -> Iterator[policies.Answer]:
    """Different keys for the sample configuration, with `PLACE` in each; half of them found."""
    for number in range(BLOCK):
        name = policies.word(number, policies.ALPHA) + PLACE
        yield f"foo-{name}-0{name[0]}0", "foo"
        yield f"{name}isnot.{len(name)}3", "baz"
        yield f"fred.morris+{name}+x{len(name)}", "fred.morris"
        yield f"ameliawants{name}.6k1", ""
        yield f"nobody-{name}-{len(name)}", ""
        yield f"{name}isnot.{len(name)}4", ""


def ask_all(path: str) -> Iterator[float]:
    """Ask a server with this configuration everything; its resident size after each part. Raises `WrongReply`."""
    factory = TableFactory(Clock(), CurrentSnapshot(load_snapshot(path)), Table.LOCAL_PART, time.perf_counter)
    factory.clients.statistics = Statistics()
    protocol, transport = factory.buildProtocol(None), StringTransport()
    assert protocol is not None
    protocol.makeConnection(transport)  # type: ignore[no-untyped-call]
    exchanges = list(policies.exchanges(islice(block_answers(), BLOCK)))
    requests = b"".join(line for line, _ in exchanges)
    replies = b"".join(reply for _, reply in exchanges)
    for block in range(LOOKUPS // BLOCK):
        word = policies.word(block, policies.ALPHA).encode()
        for line in requests.replace(PLACE.encode(), word).splitlines(keepends=True):
            protocol.dataReceived(line)
        if transport.value() != replies:
            raise WrongReply(f"expected {replies!r}, got {transport.value()!r}")
        transport.clear()
        if (block + 1) % (LOOKUPS // BLOCK // PARTS) == 0:
            yield resident(os.getpid())


def run(folder: Path) -> list[Row]:
    """The row of the table."""
    path = folder / "memory.conf"
    path.write_text(policies.with_settings(policies.sample(), 0), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.memory", str(path)]
    sizes = [float(size) for size in subprocess.check_output(command, cwd=ROOT, text=True).split()]
    note = f"{sizes[0]:.1f} MB after {LOOKUPS // PARTS}, {sizes[-1]:.1f} MB at the end"
    return [at_most(f"memory over {LOOKUPS} different keys: growth", max(sizes) - sizes[0], GROWTH, " MB", note)]


if __name__ == "__main__":
    for megabytes in ask_all(sys.argv[1]):
        sys.stdout.write(f"{megabytes}\n")
