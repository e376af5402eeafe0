"""How long a configuration takes to load, and how that grows with its size.

Every load is measured in a fresh process: ``python -m benchmarks.loading FILE`` prints the seconds of one.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import policies
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT
from trualias.loading import load

REPEATS = 3
FEW, MANY, ACCOUNTS = 3_000, 30_000, 100_000


def seconds_to_load(path: Path) -> float:
    """The median of a few loads of this file."""
    command = [sys.executable, "-m", "benchmarks.loading", str(path)]
    return median(float(subprocess.check_output(command, cwd=ROOT, text=True)) for _ in range(REPEATS))


def run(folder: Path) -> list[Row]:
    """The rows of the table."""

    def seconds(text: str) -> float:
        path = folder / "loaded.conf"
        path.write_text(text, encoding="utf-8")
        return seconds_to_load(path)

    few, many = seconds(policies.many_statements(FEW)), seconds(policies.many_statements(MANY))
    accounts = seconds(policies.many_accounts(ACCOUNTS))
    return [
        at_most(f"loading {MANY} statements", many, 6.0, " s"),
        at_most(f"loading {MANY} statements, to {FEW}", many / few, 12.0, note=f"{FEW}: {few:.2f} s"),
        at_most(f"loading one statement with {ACCOUNTS} accounts", accounts, 3.0, " s"),
    ]


if __name__ == "__main__":
    start = time.perf_counter()
    load(sys.argv[1])
    sys.stdout.write(f"{time.perf_counter() - start}\n")
