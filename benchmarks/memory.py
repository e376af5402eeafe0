"""The growth of the server's memory with the number of different keys that it has looked up.

Over a socket, five million requests would take most of the whole run's time. So the protocol gets them without one,
line by line, in a process of its own: ``python -m benchmarks.memory FILE`` prints its resident size, in MB, after each
part of them.
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
"""Memory may grow during the first of them only."""
GROWTH = 5.0
"""MB (10**6 octets) by which it may vary without a leak: one octet for each lookup."""

PLACEHOLDER = "?????"
"""Replaced in each block by another word of the same length."""


def block_answers() -> Iterator[policies.Answer]:
    """Yield different keys for the sample configuration, with ``PLACEHOLDER`` in each; half of them found."""
    for number in range(BLOCK):
        name = policies.word(number, policies.ALPHA) + PLACEHOLDER
        yield f"foo-{name}-0{name[0]}0", "foo"
        yield f"{name}isnot.{len(name)}3", "baz"
        yield f"fred.morris+{name}+x{len(name)}", "fred.morris"
        yield f"ameliawants{name}.6k1", ""
        yield f"nobody-{name}-{len(name)}", ""
        yield f"{name}isnot.{len(name)}4", ""


def look_up_all(path: str) -> Iterator[float]:
    """Send all requests to a server with this configuration; yield the resident size after each part.

    Raises ``WrongReply``.
    """
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
        for line in requests.replace(PLACEHOLDER.encode(), word).splitlines(keepends=True):
            protocol.dataReceived(line)
        if transport.value() != replies:
            raise WrongReply(f"expected {replies!r}, got {transport.value()!r}")
        transport.clear()
        if (block + 1) % (LOOKUPS // BLOCK // PARTS) == 0:
            yield resident(os.getpid())


def run(folder: Path) -> list[Row]:
    """Return the row of the table."""
    path = folder / "memory.conf"
    path.write_text(policies.with_settings(policies.sample(), 0), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.memory", str(path)]
    sizes = [float(size) for size in subprocess.check_output(command, cwd=ROOT, text=True).split()]
    note = f"{sizes[0]:.1f} MB after {LOOKUPS // PARTS}, {sizes[-1]:.1f} MB at the end"
    return [at_most(f"memory over {LOOKUPS} different keys: growth", max(sizes) - sizes[0], GROWTH, " MB", note)]


if __name__ == "__main__":
    for megabytes in look_up_all(sys.argv[1]):
        sys.stdout.write(f"{megabytes}\n")
