"""The time that a configuration takes to load, and its growth with the configuration's size.

Every load is measured in a fresh process: ``python -m benchmarks.loading FILE`` prints the elapsed time and the
processor time of one load, in seconds. Other load on the machine makes them differ.
"""

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


def seconds_to_load(path: Path) -> tuple[float, float]:
    """Return the median elapsed time and the median processor time of some loads of this file."""
    command = [sys.executable, "-m", "benchmarks.loading", str(path)]
    loads = [subprocess.check_output(command, cwd=ROOT, text=True).split() for _ in range(REPEATS)]
    clock, processor = zip(*loads, strict=True)
    return median(map(float, clock)), median(map(float, processor))


def run(folder: Path) -> list[Row]:
    """Return the rows of the table."""

    def seconds(text: str) -> tuple[float, float]:
        path = folder / "loaded.conf"
        path.write_text(text, encoding="utf-8")
        return seconds_to_load(path)

    _, few = seconds(policies.many_statements(FEW))
    many_clock, many = seconds(policies.many_statements(MANY))
    accounts_clock, accounts = seconds(policies.many_accounts(ACCOUNTS))
    return [
        at_most(f"loading {MANY} statements", many_clock, 6.0, " s", f"processor: {many:.2f} s"),
        at_most(f"loading {MANY} statements, to {FEW}", many / few, 12.0, note=f"{FEW}, processor: {few:.2f} s"),
        at_most(
            f"loading one statement with {ACCOUNTS} accounts", accounts_clock, 3.0, " s", f"processor: {accounts:.2f} s"
        ),
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
    clock, processor = time.perf_counter(), time.process_time()
    # As the servers load.
    with full_collections_suspended():
        load_snapshot(sys.argv[1])
    sys.stdout.write(f"{time.perf_counter() - clock} {time.process_time() - processor}\n")
