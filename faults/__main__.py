"""The command: runs the cases that are named, or all, prints figures, exits with 1 where something was not survived."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.load import WrongReply
from benchmarks.report import machine
from benchmarks.servers import ServerFailed
from faults import crash, crowd, edits, fuzz, shortages, soak
from faults.case import Fault, Say

Case = Callable[[Path, Say, argparse.Namespace], None]

CASES: dict[str, Case] = {
    "crowd": lambda folder, say, options: crowd.run(folder, say),
    "shortages": lambda folder, say, options: shortages.run(folder, say),
    "edits": lambda folder, say, options: edits.run(folder, say),
    "crash": lambda folder, say, options: crash.run(folder, say),
    "fuzz": lambda folder, say, options: fuzz.run(folder, say, options.seconds or 600),
    "soak": lambda folder, say, options: soak.run(folder, say, options.seconds or 1800, options.rate),
}


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"what to run (default: all): {', '.join(CASES)}")
    parser.add_argument("--seconds", type=int, help="how long fuzz (default: 600) and soak (default: 1800) last")
    parser.add_argument("--rate", type=float, default=soak.RATE, help="requests/s that soak aims at (default: 10000)")
    options = parser.parse_args()
    unknown = set(options.names) - set(CASES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    sys.stdout.write(f"{machine()}\n")
    return max(_survived(name, options) for name in options.names or CASES)


def _survived(name: str, options: argparse.Namespace) -> int:
    def say(line: str) -> None:
        sys.stdout.write(f"  {line}\n")
        sys.stdout.flush()

    say_name = time.strftime("%H:%M:%S")
    sys.stdout.write(f"{name} ({say_name})\n")
    sys.stdout.flush()
    # Kept where something was not survived: it has the server's log, and the fuzzer's input.
    folder = Path(tempfile.mkdtemp(prefix=f"trualias-{name}-"))
    try:
        CASES[name](folder, say, options)
    except (Fault, WrongReply, ServerFailed, AssertionError) as error:
        say(f"NOT SURVIVED: {error}\n  see {folder}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
