"""The time and the memory that a configuration takes to load, and their growth with the configuration's size.

Every load is measured in a fresh process: ``python -m benchmarks.loading FILE`` prints the elapsed time and the
processor time of one load, in seconds, and the growth of the process' resident size, in MB. Other load on the machine
makes the times differ.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import policies
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT, alias_server, processor_seconds, resident, running
from trualias.lookup.loading import load_snapshot
from trualias.server.gc_tuning import full_collections_suspended
from trualias.testing.live import free_port

REPEATS = 3
FEW, MANY, ACCOUNTS, MOST_ACCOUNTS = 3_000, 30_000, 100_000, 1_000_000


def load(path: Path, repeats: int = REPEATS) -> tuple[float, float, float]:
    """Return the medians of the elapsed time, the processor time and the growth in MB over some loads of this file."""
    command = [sys.executable, "-m", "benchmarks.loading", str(path)]
    loads = [subprocess.check_output(command, cwd=ROOT, text=True).split() for _ in range(repeats)]
    clock, processor, growth = [median(map(float, figures)) for figures in zip(*loads, strict=True)]
    return clock, processor, growth


def run(folder: Path) -> list[Row]:
    """Return the rows of the table."""

    def measure(text: str, repeats: int = REPEATS) -> tuple[float, float, float]:
        path = folder / "loaded.conf"
        path.write_text(text, encoding="utf-8")
        return load(path, repeats)

    _, few, _ = measure(policies.many_statements(FEW))
    many_clock, many, _ = measure(policies.many_statements(MANY))
    accounts_clock, accounts, _ = measure(policies.many_accounts(ACCOUNTS))
    _, _, growth = measure(policies.many_shapes(MANY), 1)  # the size hardly differs from load to load
    return [
        at_most(f"loading {MANY} statements", many_clock, 6.0, " s", f"processor: {many:.2f} s"),
        at_most(f"loading {MANY} statements, to {FEW}", many / few, 12.0, note=f"{FEW}, processor: {few:.2f} s"),
        at_most(
            f"loading one statement with {ACCOUNTS} accounts", accounts_clock, 3.0, " s", f"processor: {accounts:.2f} s"
        ),
        at_most(f"{MANY} statements of different shapes: resident size for each", growth * 1000 / MANY, 2.2, " kB"),
        *_start_with_most_accounts(folder / "most.conf"),
    ]


def _start_with_most_accounts(path: Path) -> list[Row]:
    """Start a server once; return the rows of the time until it listens, and of its size."""
    port = free_port()
    path.write_text(policies.with_settings(policies.many_accounts(MOST_ACCOUNTS), port), encoding="utf-8")
    begun = time.monotonic()
    with running(alias_server(path), port) as server:
        elapsed, processor = time.monotonic() - begun, processor_seconds(server.pid)
        size = resident(server.pid)
    case = f"server of one statement with {MOST_ACCOUNTS} accounts"
    return [
        at_most(f"{case}: start", elapsed, 40.0, " s", f"processor: {processor:.1f} s"),
        at_most(f"{case}: resident size", size, 450, " MB"),
    ]


if __name__ == "__main__":
    size = resident(os.getpid())
    clock, processor = time.perf_counter(), time.process_time()
    # As the servers load.
    with full_collections_suspended():
        snapshot = load_snapshot(sys.argv[1])
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    sys.stdout.write(f"{clock} {processor} {resident(os.getpid()) - size}\n")
