"""The command: measures, prints the table, exits with 1 where a bound does not hold."""

import argparse
import signal
import sys
import time
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory

from benchmarks import hostile, loading, memory, reloading, report, throughput
from benchmarks.load import WrongReply
from benchmarks.servers import ServerFailed


def measure(folder: Path, *, short: bool) -> list[report.Row]:
    """All rows of the table; the short mode has the ratios alone, with half of their bounds."""
    if short:
        return throughput.run(folder, throughput.SHORT)
    start = time.monotonic()
    sys.stderr.write("benchmarks.throughput\n")
    rows = throughput.run(folder, throughput.FULL)
    for part in (loading, reloading, memory, hostile):
        sys.stderr.write(f"{part.__name__}\n")
        rows += part.run(folder)
    return [*rows, report.fact("the whole run", f"{time.monotonic() - start:.0f} s")]


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ask only for the ratios, and for half of each bound")
    options = parser.parse_args()
    # The servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    before, own_before = report.Processors.now(), report.own_seconds()
    with TemporaryDirectory(prefix="trualias-benchmark-") as folder:
        try:
            rows = measure(Path(folder), short=options.short)
        except (WrongReply, ServerFailed, CalledProcessError) as error:
            sys.stderr.write(f"benchmarks: {error}\n")
            return 1
    others = report.others(before, own_before)
    sys.stdout.write(f"{report.machine()}\nbusy with other things: {others:.0%} of the processors' time\n\n")
    sys.stdout.write(report.table(rows) + "\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
