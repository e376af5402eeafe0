"""Run the named cases, or all of them, and print figures; the exit status is 1 if one is not survived."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.load import WrongReply
from benchmarks.report import machine
from benchmarks.servers import ServerFailed
from faults import crash, crowd, edits, fuzz, losses, memory, shortages, soak, stalls
from faults.case import Fault, Say

Case = Callable[[Path, Say, argparse.Namespace], None]

CASES: dict[str, Case] = {
    "crowd": lambda folder, say, options: crowd.run(folder, say),
    "shortages": lambda folder, say, options: shortages.run(folder, say),
    "edits": lambda folder, say, options: edits.run(folder, say),
    "stalls": lambda folder, say, options: stalls.run(folder, say),
    "losses": lambda folder, say, options: losses.run(folder, say),
    "memory": lambda folder, say, options: memory.run(folder, say),
    "crash": lambda folder, say, options: crash.run(folder, say),
    "fuzz": lambda folder, say, options: fuzz.run(folder, say, options.seconds or 600),
    "soak": lambda folder, say, options: soak.run(folder, say, options.seconds or 1800, options.rate),
}


def main() -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"the case to run (default: all): {', '.join(CASES)}")
    parser.add_argument("--seconds", type=int, help="the duration of fuzz (default: 600) and of soak (default: 1800)")
    parser.add_argument("--rate", type=float, default=soak.RATE, help="requests a second of soak (default: 10000)")
    options = parser.parse_args()
    unknown = set(options.names) - set(CASES)
    if unknown:
        parser.error(f"unknown case {', '.join(sorted(unknown))}; the cases are {', '.join(CASES)}")
    sys.stdout.write(f"{machine()}\n")
    return max(_run(name, options) for name in options.names or CASES)


def _run(name: str, options: argparse.Namespace) -> int:
    """Run a case; return 0 if it is survived, otherwise 1."""

    def say(line: str) -> None:
        sys.stdout.write(f"  {line}\n")
        sys.stdout.flush()

    sys.stdout.write(f"{name} ({time.strftime('%H:%M:%S')})\n")
    sys.stdout.flush()
    # Not deleted: after a fault it has the server's log, and the fuzzer's input.
    folder = Path(tempfile.mkdtemp(prefix=f"trualias-{name}-"))
    try:
        CASES[name](folder, say, options)
    except (Fault, WrongReply, ServerFailed, AssertionError) as error:
        say(f"NOT SURVIVED: {error}\n  see {folder}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
