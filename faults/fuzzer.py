"""One fuzzer, in its own process: ``python -m faults.fuzzer TARGET [libFuzzer's arguments]``.

No module of trualias may be imported before the fuzzer instruments it, hence the order of the imports.
"""

import sys

import atheris


def main() -> None:
    """Fuzz until the limit in the arguments is reached, or a promise is broken."""
    with atheris.instrument_imports(include=["trualias"], enable_loader_override=False):
        from faults.targets import TARGETS
    from twisted.logger import LimitedHistoryLogObserver, globalLogBeginner

    # Without an observer, Twisted would keep all log events in memory.
    globalLogBeginner.beginLoggingTo([LimitedHistoryLogObserver(0)], redirectStandardIO=False, discardBuffer=True)
    name, *arguments = sys.argv[1:]
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
