"""How soon a command has done its work, to an interpreter that does nothing; by the processor's time.

Python's caches of the modules are warm, as after an installation.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.policies import sample
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT

ROUNDS = 9
PROGRAM = (sys.executable, "-m", "trualias")
VERSION_BOUND = 4
"""The most that ``trualias --version`` takes, to an interpreter that does nothing."""
COMMAND_BOUND = 16
"""The same for commands that read a small configuration: 0.2 s where the interpreter takes 0.0125 s."""


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of all processes: the source tree, and warm caches in a folder of their own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "modules")}


def _processor_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Run a command that succeeds, and return its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _commands(folder: Path, environment: dict[str, str]) -> list[Row]:
    configuration = folder / "starting.conf"
    configuration.write_text(sample(), encoding="utf-8")
    find = ("-c", str(configuration))
    arguments = {
        "--version": ("--version",),
        "query": ("query", *find, "pinky-macys-m5"),
        "compose": ("compose", *find, "pinky", "macys"),
    }
    commands = {name: (*PROGRAM, *words) for name, words in arguments.items()}
    commands["pass"] = (sys.executable, "-c", "pass")
    for command in commands.values():
        _processor_seconds(command, environment)
    rounds = [[_processor_seconds(command, environment) for command in commands.values()] for _ in range(ROUNDS)]
    least = dict(zip(commands, map(min, zip(*rounds, strict=True)), strict=True))
    return [
        at_most(
            f"trualias {name}, processor to python -c pass",
            least[name] / least["pass"],
            VERSION_BOUND if name == "--version" else COMMAND_BOUND,
            note=f"{least[name]:.3f} s to {least['pass']:.3f}",
        )
        for name in arguments
    ]


def run(folder: Path) -> list[Row]:
    """The rows of the table."""
    return _commands(folder, _environment(folder))


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        print(*run(Path(name)), sep="\n")
