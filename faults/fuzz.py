"""Coverage-guided fuzzing of the five targets at the same time, each in its own process at low priority.

A fuzzer that finds a fault ends with status 77 and writes the input to its folder.
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

TARGETS = ("configuration", "line_protocol", "socketmap", "policy", "matcher")
SEEDS = Path(__file__).resolve().parent / "seeds"
_WORDS = SEEDS / "words.dict"
_ONE_INPUT = 20
"""Seconds after which one input counts as a hang."""
_STARTING = 60
"""Seconds that a fuzzer may take in addition to its time."""


@frozen
class Fuzzed:
    """The figures of one fuzzer; its coverage in edges and features, and the inputs kept for them."""

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
    """Fuzz for so many seconds; the corpora are in the folder. Raises `Fault` with the end of a fuzzer's output."""
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


def _start(folder: Path, target: str, seconds: int) -> "subprocess.Popen[bytes]":
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "faults.fuzzer", target, f"-max_total_time={seconds}", f"-timeout={_ONE_INPUT}"]
    command += ["-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={folder}/", f"-dict={_WORDS}"]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [*command, str(folder / "corpus"), str(SEEDS / target)],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            preexec_fn=_lower_priority,
        )


def _lower_priority() -> None:
    os.nice(10)


def _result(folder: Path, target: str, status: int) -> Fuzzed:
    output = (folder / "output").read_text("utf-8", "replace")
    if status != 0:
        raise Fault(f"{target}: the fuzzer ended with status {status}, its input is in {folder}\n{output[-3000:]}")
    executions = re.search(r"number_of_executed_units:\s*(\d+)", output)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/", output)
    if executions is None or not covered:
        raise Fault(f"{target}: the fuzzer printed no figures\n{output[-3000:]}")
    return Fuzzed(target, int(executions.group(1)), *map(int, covered[-1]))


def run(folder: Path, say: Say, seconds: int) -> None:
    """Fuzz all targets at the same time."""
    say(f"{seconds} s each, {len(TARGETS)} at once")
    for fuzzed in fuzz(folder, seconds):
        say(str(fuzzed))
