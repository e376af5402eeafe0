"""One fuzzer, in a process of its own: ``python -m faults.fuzzing TARGET [libFuzzer's arguments]``.

Nothing of trualias may be imported before the fuzzer can put its counters into it, hence the order in here.
"""

import sys

import atheris


def main() -> None:
    """Fuzz until the arguments say to stop, or a promise does not hold."""
    with atheris.instrument_imports(include=["trualias"], enable_loader_override=False):
        from faults.targets import TARGETS
    from twisted.logger import LimitedHistoryLogObserver, globalLogBeginner

    # What is logged is no concern here, and Twisted keeps it until somebody takes it.
    globalLogBeginner.beginLoggingTo([LimitedHistoryLogObserver(0)], redirectStandardIO=False, discardBuffer=True)
    name, *arguments = sys.argv[1:]
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
