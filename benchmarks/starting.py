"""How soon a command has done its work, and a server answers, to an interpreter and to a null Twisted server.

Python's caches of the modules are warm, as after an installation.
"""

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.null_tap import PLUGIN
from benchmarks.policies import sample
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT, STARTING, STOPPING, ServerFailed, with_compiled_modules
from trualias.testing.live import TWISTD, free_port

ROUNDS = 9
PROGRAM = (sys.executable, "-m", "trualias")
VERSION_BOUND = 4
"""The most that ``trualias --version`` and ``--help`` take, to an interpreter that does nothing."""
COMMAND_BOUND = 15
"""The same for commands that read a small configuration: 0.2 s where the interpreter takes 0.0133 s."""
ANSWER_BOUND = 1.25
"""The most that a server takes to its first answer, to a null server that twistd starts alike."""


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of all processes: the source tree, a plugin for the null server, and warm caches."""
    plugins = folder / "null" / "twisted" / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / "benchmark_null.py").write_text(PLUGIN)
    return {**with_compiled_modules(folder), "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder / "null")))}


def _processor_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Run a command that succeeds, and return its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _seconds_to_answer(command: Sequence[str], port: int, environment: dict[str, str]) -> float:
    """Start a server, and return the seconds until a client has its first reply; stop the server."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _has_reply(port):
            if process.poll() is not None or time.perf_counter() > start + STARTING:
                raise ServerFailed(f"{' '.join(command)}\ndoes not answer on port {port}")
            time.sleep(0.001)
        return time.perf_counter() - start
    finally:
        process.terminate()
        process.wait(STOPPING)


def _has_reply(port: int) -> bool:
    """Ask once; return whether there was a reply, and not a refused connection."""
    try:
        client = socket.create_connection(("127.0.0.1", port), STARTING)
    except ConnectionRefusedError:
        return False
    with closing(client):
        client.sendall(b"get foo\n")
        return client.recv(100) == b"500 not found\n"


def _commands(folder: Path, environment: dict[str, str]) -> list[Row]:
    configuration = folder / "starting.conf"
    configuration.write_text(sample(), encoding="utf-8")
    find = ("-c", str(configuration))
    arguments = {
        "--version": ("--version",),
        "--help": ("--help",),
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
            VERSION_BOUND if name in ("--version", "--help") else COMMAND_BOUND,
            note=f"{least[name]:.3f} s to {least['pass']:.3f}",
        )
        for name in arguments
    ]


def _first_answer(folder: Path, environment: dict[str, str]) -> Row:
    configuration = folder / "starting.conf"
    port = free_port()
    endpoint = f"tcp:{port}:interface=127.0.0.1"
    twistd = (*TWISTD, "--nodaemon", "--pidfile=")
    ours = (*twistd, "trualias-table", "--config", str(configuration), "--endpoint", endpoint)
    null = (*twistd, "benchmark-null", "--endpoint", endpoint)
    for command in (ours, null):
        _seconds_to_answer(command, port, environment)
    rounds = [[_seconds_to_answer(command, port, environment) for command in (ours, null)] for _ in range(ROUNDS)]
    our_seconds, null_seconds = map(min, zip(*rounds, strict=True))
    note = f"{our_seconds:.3f} s to {null_seconds:.3f}"
    return at_most("first answer after the start, to null", our_seconds / null_seconds, ANSWER_BOUND, note=note)


def run(folder: Path) -> list[Row]:
    """The rows of the table."""
    environment = _environment(folder)
    return [*_commands(folder, environment), _first_answer(folder, environment)]


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        print(*run(Path(name)), sep="\n")
