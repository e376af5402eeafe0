"""Coverage-guided fuzzing: the four targets at once, each from its seeds, in a process of its own at low priority.

What a fuzzer finds wrong ends it with status 77 and the input in the working directory; that input is kept.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.servers import ROOT
from faults.case import Fault, Say

TARGETS = ("configuration", "line_protocol", "socketmap", "matcher")
SEEDS = Path(__file__).resolve().parent / "seeds"
_WORDS = SEEDS / "words.dict"
_ONE_INPUT = 20
"""Seconds after which one input counts as a hang."""
_STARTING = 60
"""Seconds that a fuzzer may take beyond its time."""


@frozen
class Fuzzed:
    """What one fuzzer did; coverage is counted in edges, features and inputs kept for them."""

    target: str
    executions: int
    edges: int
    features: int
    kept: int

    def __str__(self) -> str:
        return (
            f"{self.target}: {self.executions} executions, {self.edges} edges and {self.features} features covered, "
            f"{self.kept} inputs kept, nothing found"
        )


def fuzz(folder: Path, seconds: int, targets: Sequence[str] = TARGETS) -> Iterator[Fuzzed]:
    """Fuzz so many seconds; the corpora grow in the folder. Raises `Fault` with the end of what a fuzzer says."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for target in targets:
            processes.append(_start(folder / target, target, seconds))
        for target, process in zip(targets, processes, strict=True):
            process.wait(seconds + _STARTING)
            yield _result(folder / target, target, process.returncode)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _start(place: Path, target: str, seconds: int) -> "subprocess.Popen[bytes]":
    (place / "corpus").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "faults.fuzzing", target, f"-max_total_time={seconds}", f"-timeout={_ONE_INPUT}"]
    command += ["-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={place}/", f"-dict={_WORDS}"]
    with (place / "said").open("wb") as said:
        return subprocess.Popen(
            [*command, str(place / "corpus"), str(SEEDS / target)],
            cwd=ROOT,
            stdout=said,
            stderr=said,
            preexec_fn=_give_way,
        )


def _give_way() -> None:
    os.nice(10)


def _result(place: Path, target: str, status: int) -> Fuzzed:
    said = (place / "said").read_text("utf-8", "replace")
    if status != 0:
        raise Fault(f"{target}: the fuzzer ended with status {status}, its input is in {place}\n{said[-3000:]}")
    executions = re.search(r"number_of_executed_units:\s*(\d+)", said)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/", said)
    if executions is None or not covered:
        raise Fault(f"{target}: the fuzzer gives no figures\n{said[-3000:]}")
    return Fuzzed(target, int(executions.group(1)), *map(int, covered[-1]))


def run(folder: Path, say: Say, seconds: int) -> None:
    """Fuzz all targets at once."""
    say(f"{seconds} s each, {len(TARGETS)} at once")
    for fuzzed in fuzz(folder, seconds):
        say(str(fuzzed))
