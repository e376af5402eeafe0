"""Measure the servers' speed and print a table; the exit status is 1 if a bound does not hold."""

import argparse
import signal
import sys
import time
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory

from benchmarks import (
    checking,
    comparison,
    counting,
    hostile,
    large_store,
    loading,
    mail_cost,
    memory,
    peers,
    reloading,
    replaying,
    report,
    starting,
    throughput,
)
from benchmarks.load import WrongReply
from benchmarks.servers import ServerFailed


def measure(folder: Path, *, short: bool) -> list[report.Row]:
    """Return all rows of the table; in the short mode only the ratios, with half of their bounds."""
    if short:
        return throughput.run(folder, throughput.SHORT)
    start = time.monotonic()
    sys.stderr.write("benchmarks.throughput\n")
    rows = throughput.run(folder, throughput.FULL)
    for part in (loading, reloading, memory, hostile, starting, replaying, checking, counting, mail_cost, large_store):
        sys.stderr.write(f"{part.__name__}\n")
        rows += part.run(folder)
    return [*rows, report.fact("the whole run", f"{time.monotonic() - start:.0f} s")]


def main() -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="measure only the ratios, with half of each bound")
    single = parser.add_mutually_exclusive_group()
    single.add_argument(
        "--against",
        metavar="DIR",
        type=Path,
        help="compare the processor time of a request with that of the server in another source tree, and do no more",
    )
    single.add_argument(
        "--peers",
        action="store_true",
        help="measure the rate and the processor time beside other servers that are installed, and do no more",
    )
    options = parser.parse_args()
    if options.against and not (options.against / "trualias").is_dir():
        parser.error(f"{options.against} is no source tree: it has no folder trualias")
    # SIGTERM must stop the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    before, own_before = report.ProcessorUse.now(), report.own_seconds()
    rows: list[report.Row] = []
    with TemporaryDirectory(prefix="trualias-benchmark-") as folder:
        try:
            if options.against:
                volume = comparison.SHORT if options.short else comparison.FULL
                table = comparison.run(Path(folder), options.against.resolve(), volume, sys.stderr.write)
            else:
                if options.peers:
                    rows = peers.run(Path(folder), peers.SHORT if options.short else peers.FULL)
                else:
                    rows = measure(Path(folder), short=options.short)
                table = report.table(rows)
        except (WrongReply, ServerFailed, CalledProcessError) as error:
            sys.stderr.write(f"benchmarks: {error}\n")
            return 1
    others = report.other_load(before, own_before)
    sys.stdout.write(f"{report.machine()}\nother processes: {others:.0%} of the processors' time\n\n{table}\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
