"""A real server in a process of its own, for tests with real mail software and other clients."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import trualias

# Far longer than anything here takes on a slow machine: it ends a test that hangs, and promises nothing.
PATIENCE = 30.0

# By the module and not by the script, so that twistd runs in the interpreter that the tests run in ...
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")

# ... and finds the trualias under test, also where that is a source tree that is not installed. Coverage would slow it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
ENVIRONMENT["PYTHONPATH"] = str(Path(trualias.__file__).resolve().parent.parent)


def wait_until(
    condition: Callable[[], bool], what: str, log: Callable[[], str] = str, seconds: float = PATIENCE
) -> None:
    """Wait until *condition* holds; after *seconds*, raise an AssertionError that contains *what* and the *log*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}\n{log()}")
        time.sleep(0.02)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Return whether 127.0.0.1 accepts a connection to *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_serving(port: int) -> bool:
    """Return whether a server runs, which closes a connection without a request. By then it listens everywhere."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        probe.shutdown(socket.SHUT_WR)
        try:
            return probe.recv(1) == b""
        except OSError:  # it is ending
            return False


class LiveServer:
    """A ``twistd`` in the foreground with these *arguments*, whose working directory is *folder*; it serves *port*.

    Its output goes to ``server.log`` in *folder*, or to the descriptor *output*. It can be started again after it was
    stopped or killed. Its environment is that of the tests, updated by *environment*. *before* is Python to run first.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        port: int,
        environment: dict[str, str] | None = None,
        *,
        before: str = "",
        output: int | None = None,
    ) -> None:
        self._environment = {**ENVIRONMENT, **(environment or {})}
        self.port = port
        *python, program = TWISTD
        self._command = (*python, before + program, "--nodaemon", "--pidfile=", *arguments)
        self._output = output
        self._folder = folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """The server's output so far."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start the server; return when it serves."""
        assert self._process is None, "the server is running already"
        with self._log.open("ab") as log:
            output = log.fileno() if self._output is None else self._output
            process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=output, stderr=output
            )
        self._process = process
        wait_until(
            lambda: process.poll() is not None or is_serving(self.port), "a server at work", log=lambda: self.log
        )
        if process.poll() is not None:
            self._process = None
            raise AssertionError(f"the server ended with status {process.returncode}:\n{self.log}")

    def stop(self) -> None:
        """Stop the server by SIGTERM and wait for its end; do nothing if it does not run."""
        if self._process is not None:
            self._process.terminate()
            self.wait()

    def kill(self) -> None:
        """Kill the server by SIGKILL, as after a crash."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def wait(self) -> None:
        """Wait for the end of the server; raise AssertionError if it does not end."""
        assert self._process is not None
        process, self._process = self._process, None
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not end when it was asked to:\n{self.log}") from None

    def ask(self, line: bytes) -> bytes:
        """Send one request *line*, given without LF, on a new connection; return the reply with its LF."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(line + b"\n")
            with connection.makefile("rb") as replies:
                return replies.readline()
