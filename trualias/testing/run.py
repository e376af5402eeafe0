"""The test runner of ``./run-tests``: trial's output condensed to progress, failures, and one line of counts."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from attrs import Factory, define

from trualias.testing.requirements import find_program, source_tree

# These modules measure times and their ratios: nothing else runs at the same time, and they run without coverage.
ALONE = ("test_benchmark", "test_faults", "test_processor_time")

# Optional programs, and the folder that is searched for one that is not on the search path, from the source tree.
PROGRAMS = {
    "bash": "",
    "dovecot": "",
    "exim4": "build/exim/usr/sbin",
    "fish": "",
    "gcc": "",
    "lmtp": "/usr/lib/dovecot",
    "m4": "",
    "postfix": "",
    "prometheus": "build/prometheus",
    "promtool": "build/prometheus",
    "sendmail": "build/sendmail/usr/libexec/sendmail",
    "systemd-analyze": "",
    "systemd-socket-activate": "",
    "unshare": "",
    "zsh": "",
}

_RULE = "=" * 79
_MODULE = re.compile(r"(\w+(?:\.\w+)+)$").fullmatch
_CLASS = re.compile(r"  \w+$").fullmatch
_TEST = re.compile(r"    (\w+) \.\.\. +\[(\w+)\]$").fullmatch
_TOTAL = re.compile(r"Running (\d+) tests\.$").fullmatch
_CLOSING = re.compile(r"(?:PASSED|FAILED)(?: \((.*)\))?$").fullmatch


@define
class Results:
    """The counts of one or several runs of trial, and the names of the skipped tests by reason."""

    passed: int = 0
    failed: int = 0
    skipped: dict[str, list[str]] = Factory(dict)

    def add_closing(self, counts: str | None) -> None:
        """Add the counts of trial's closing line, given as the text in its parentheses; None if it has none."""
        numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts or "")}
        self.passed += numbers.get("successes", 0) + numbers.get("expectedFailures", 0)
        self.failed += sum(numbers.get(name, 0) for name in ("failures", "errors", "unexpectedSuccesses"))


@define
class Report:
    """Reads the lines of trial's tree reporter, prints a condensed report, and adds to the results."""

    results: Results
    _out: TextIO = sys.stdout
    _begun: float = Factory(time.monotonic)
    _total: int = 0
    _done: int = 0
    _module: str = ""
    _case: str = ""
    _shown: set[str] = Factory(set)
    _section: list[str] | None = None
    _closed: bool = False

    def feed(self, line: str) -> None:
        """Read the next line, without its end."""
        if line == _RULE:
            self._end_section()
            self._section = []
        elif closing := _CLOSING(line):
            self._closed = True
            self.results.add_closing(closing[1])
        elif line == "-" * 79:
            self._end_section()
        elif self._section is not None:
            self._section.append(line)
        else:
            self._feed_tree(line)

    def _feed_tree(self, line: str) -> None:
        if total := _TOTAL(line):
            self._total = int(total[1])
        elif module := _MODULE(line):
            self._module = module[1]
        elif _CLASS(line):
            self._case = line.strip()
        elif test := _TEST(line):
            self._done += 1
            if self._module not in self._shown:
                self._shown.add(self._module)
                seconds = time.monotonic() - self._begun
                print(
                    f"{self._done:5} of {self._total} after {seconds:4.0f} s: {self._module}",
                    file=self._out,
                    flush=True,
                )
            if test[2] in ("FAIL", "ERROR", "SUCCESS!?!"):
                print(f"      {test[2]}: {self._module}.{self._case}.{test[1]}", file=self._out, flush=True)
        elif line and not line.startswith("Ran "):
            print(line, file=self._out, flush=True)

    def _end_section(self) -> None:
        """Print a section of trial's report; record a section about skipped tests in the results instead."""
        section, self._section = self._section, None
        if not section:
            return
        if section[0] == "[SKIPPED]":
            reason, *names = (line for line in section[1:] if line)
            self.results.skipped.setdefault(reason, []).extend(names)
        else:
            print(_RULE, *section, sep="\n", file=self._out, flush=True)

    def end(self, status: int) -> None:
        """Record the end of trial. A run without a closing line, or with an unexplained status, has failed."""
        self._end_section()
        if not self._closed or (status != 0 and self.results.failed == 0):
            print(f"trial ended with status {status}, and its report does not say why", file=self._out, flush=True)
            self.results.failed += 1


def modules(root: Path, *, integration: bool) -> list[str]:
    """Return the dotted names of the modules of unit tests or of integration tests, in order."""
    folder = root / "trualias" / "test" / ("integration" if integration else "")
    return [".".join(path.relative_to(root).with_suffix("").parts) for path in sorted(folder.glob("test_*.py"))]


def missing(root: Path) -> list[str]:
    """Return the optional requirements that this machine does not meet."""
    found = [
        name for name, folder in PROGRAMS.items() if find_program(name, (root / folder,) if folder else ()) is None
    ]
    if os.geteuid() != 0:
        found.append("root's rights")
    if importlib.util.find_spec("atheris") is None:
        found.append("the Python package atheris")
    return found


def print_missing(root: Path) -> None:
    """Print what this machine lacks, before the tests begin."""
    if absent := missing(root):
        print(f"Missing, so that tests which need it are skipped: {', '.join(absent)}.", flush=True)


def run_trial(names: Iterable[str], results: Results, *, coverage: bool = False, workers: int = 1) -> None:
    """Run the tests *names* with a number of *workers* of trial, and print their progress."""
    command = [
        sys.executable,
        "-u",
        "-m",
        *(("coverage", "run", "-m") if coverage else ()),
        "twisted.trial",
        f"-j{workers}",
    ]
    report = Report(results)
    with subprocess.Popen(
        [*command, *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            report.feed(line.rstrip("\n"))
    report.end(process.returncode)


def run_coverage(*arguments: str) -> int:
    """Run a command of coverage.py and return its status."""
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], check=False).returncode


def run_units(root: Path, workers: int, results: Results) -> int:
    """Run the unit tests without coverage; return 0."""
    print(f"Unit tests on {workers} processors, without coverage: less than a minute on two.", flush=True)
    print_missing(root)
    run_trial(modules(root, integration=False), results, workers=workers)
    return 0


def run_all(root: Path, workers: int, results: Results) -> int:
    """Run all tests and report the coverage of the parallel ones; return the exit status of coverage.py."""
    print(
        f"Unit and integration tests on {workers} processors, with coverage; then, one after the other, the benchmark, "
        "the fault tests and the processor times. All of it takes about 15 minutes on two processors.",
        flush=True,
    )
    print_missing(root)
    integration = modules(root, integration=True)
    alone = [name for name in integration if name.rpartition(".")[2] in ALONE]
    os.environ["COVERAGE_FILE"] = str(root / ".coverage")
    run_coverage("erase")
    beside = [name for name in integration if name not in alone] + modules(root, integration=False)
    run_trial(beside, results, coverage=True, workers=workers)
    print("One after the other:", flush=True)
    run_trial(alone, results)
    return run_coverage("combine", "--quiet") or run_coverage("report")


def main(arguments: Sequence[str]) -> int:
    """Run the unit tests for ``--quick``, all tests without arguments; print "N passed, N failed" last."""
    root = source_tree()
    workers = max(2, len(os.sched_getaffinity(0)))
    results = Results()
    status = {(): run_all, ("--quick",): run_units}[tuple(arguments)](root, workers, results)
    for reason, names in results.skipped.items():
        print(f"Skipped, because {reason}:", *names, sep="\n  ")
    print(f"{results.passed} passed, {results.failed} failed", flush=True)
    return status or results.failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
