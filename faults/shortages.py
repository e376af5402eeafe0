"""Shortages of connections, descriptors and room for the log; and a clock that is set back."""

import os
import re
import resource
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import policies
from benchmarks.load import connect
from faults.case import Fault, Say
from faults.live import check_log, descriptors, replace, serving, settings
from faults.numbered import KEY, configuration, statement
from trualias.configuration.settings import Settings
from trualias.protocols.wire import FAULT
from trualias.server.file_limits import raise_descriptor_limit
from trualias.testing.live import ENVIRONMENT, PATIENCE, TWISTD, free_port, is_serving, wait_until

LIMIT = Settings().connections
"""The server's limit of connections."""

_EXCHANGES = [policies.exchange(answer) for answer in policies.SAMPLE_KEYS]


BACKLOG = 40
"""Clients that connect at the same time: fewer than Twisted's backlog of 50."""


def answered(client: socket.socket) -> bool:
    """Send all keys of the sample; return whether the server replied, instead of closing the connection.

    Raises `Fault` for a wrong reply, and if the server does neither.
    """
    for request, right in _EXCHANGES:
        try:
            client.sendall(request)
            reply = client.recv(4096)
        except ConnectionError:
            return False
        except TimeoutError as error:
            raise Fault(f"sent {request!r}, and was neither answered nor refused") from error
        if not reply:
            return False
        if reply != right:
            raise Fault(f"sent {request!r}, expected {right!r}, got {reply!r}")
    return True


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Fault(what)


def _connected(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    return [stack.enter_context(connect(port)) for _ in range(count)]


def _wait_for_room(port: int) -> None:
    def works() -> bool:
        with connect(port) as client:
            return answered(client)

    wait_until(works, "room for a new client")


def connections(folder: Path, say: Say, beyond: int = 50) -> None:
    """Open more connections than the limit: those beyond it are closed at once, those within it are answered."""
    with serving(folder) as (server, _), ExitStack() as stack:
        # All clients belong to this process; the server keeps the limit that it was started with.
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
        raise_descriptor_limit(2 * LIMIT)
        within: list[socket.socket] = []
        while len(within) < LIMIT:
            # No more than the backlog: the kernel drops others, which connect again a second later.
            within += _connected(stack, server.port, min(BACKLOG, LIMIT - len(within)))
            _require(answered(within[-1]), "a client within the limit was not answered")
        others = _connected(stack, server.port, beyond)
        _require(not any(map(answered, others)), "more connections than the limit were answered")
        _require(all(map(answered, within)), "a client within the limit was not answered")
        _require(f"there are {LIMIT} already" in server.log, "the log does not have those beyond the limit")
        for client in within[: LIMIT // 2]:
            client.close()
        _wait_for_room(server.port)
        check_log(server.log)
    say(f"{LIMIT} connections answered, {beyond} beyond refused at once; a new client is taken after one has left")


def no_descriptors(folder: Path, say: Say, free: int = 20) -> None:
    """Use up the descriptors: connected clients are answered, and new ones as soon as there are descriptors again.

    Meanwhile the configuration is changed; the reload is tried again until the file can be read.
    """
    with serving(folder) as (server, path), ExitStack() as stack:
        before = _connected(stack, server.port, 5)

        def all_answered() -> bool:
            _require(all(map(answered, before)), "a client that was connected before was not answered")
            return True

        def reply_to_new_key() -> bytes:
            before[0].sendall(KEY + b"\n")
            return before[0].recv(4096)

        def failures() -> int:
            return len(re.findall(rf"{re.escape(str(path))}.*Too many open files", server.log))

        all_answered()
        held = descriptors(server.pid)
        # The limit is on the numbers of descriptors.
        limit = max(int(number) for number in os.listdir(f"/proc/{server.pid}/fd")) + free
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
        later = _connected(stack, server.port, 5 * free)
        results = [answered(client) for client in later]
        _require(0 < sum(results) < len(later), f"of {len(later)} new clients {sum(results)} were answered")
        # Nothing may follow the sample's END.
        replace(path, statement(1) + path.read_text(encoding="utf-8"))
        for number in (1, 2):
            os.kill(server.pid, signal.SIGHUP)
            wait_until(
                lambda number=number: all_answered() and failures() >= number,  # type: ignore[misc]
                "two reloads without descriptors",
                log=lambda: server.log,
            )
        _require(reply_to_new_key() == b"500 not found\n", "the new configuration was read without a descriptor")
        for client in later:
            client.close()
        freed = time.monotonic()
        wait_until(
            lambda: all_answered() and reply_to_new_key() == b"200 number1\n",
            "the new configuration",
            log=lambda: server.log,
        )
        took = time.monotonic() - freed
        _wait_for_room(server.port)
        wait_until(lambda: descriptors(server.pid) <= held + 2, "as many descriptors as before")
        check_log(server.log, allowed=f"{re.escape(str(path))} has errors")
    say(
        f"limit of {limit} descriptors: of {len(later)} new clients {sum(results)} answered, the others refused; those "
        "connected before always answered, also during reloads that failed; the new configuration in force "
        f"{took:.1f} s after there were descriptors again; back to {held} of them"
    )


@contextmanager
def _started(
    folder: Path, text: str, *, output: Path, mode: str = "ab", options: tuple[str, ...] = (), before: str = ""
) -> Iterator[tuple["subprocess.Popen[bytes]", int, Path]]:
    """Run a table server with its standard output on a file opened in this mode; ``before`` is Python to run first."""
    port, path = free_port(), folder / "faults.conf"
    path.write_text(settings(port) + text, encoding="utf-8")
    *python, program = TWISTD
    command = [
        *python,
        before + program,
        "--nodaemon",
        "--pidfile=",
        *options,
        "trualias-table",
        "--config",
        str(path),
    ]
    with open(output, mode, buffering=0) as stream:
        process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=stream, stderr=stream)
    try:
        wait_until(lambda: process.poll() is not None or is_serving(port), "a running server")
        _require(process.poll() is None, f"the server ended with status {process.returncode}")
        yield process, port, path
        _require(process.poll() is None, f"the server ended with status {process.returncode}")
    finally:
        process.terminate()
        process.wait(PATIENCE)


_FAILING_HOOKS = """
ACCOUNTS = ALIASES = frozenset()

def preprocess(alias, domain=None):
    if alias == "fails":
        raise ValueError(alias)
    return alias, domain

def postprocess(account, domain=None):
    return account, domain

def reload():
    pass
"""

MESSAGES = 500


def _reloads_failed(metrics: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=PATIENCE) as page:
        found = re.search(rb"^trualias_reloads_failed_total (\d+)", page.read(), re.MULTILINE)
    _require(found is not None, "the metrics do not have reloads")
    assert found is not None
    return int(found.group(1))


def _log_a_lot(port: int, metrics: int, path: Path, pid: int) -> None:
    """Make the server log a fault for every second request, and an error; check that it answers and loads."""

    def account() -> bytes:
        client.sendall(KEY + b"\n")
        return client.recv(4096)

    whole = path.read_text(encoding="utf-8")
    with connect(port) as client:
        for number in range(MESSAGES):
            for request, right in ((b"get fails\n", FAULT), (KEY + b"\n", b"200 number0\n")):
                client.sendall(request)
                reply = client.recv(4096)
                _require(reply == right, f"request {number}: got {reply!r}")
        path.write_text("nonsense\n", encoding="utf-8")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: _reloads_failed(metrics) > 0, "a reload that fails")
        _require(account() == b"200 number0\n", "no right reply after an error that could not be logged")
        path.write_text(whole.replace(statement(0), statement(1)), encoding="utf-8")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: account() == b"200 number1\n", "the new configuration")


def full_log(folder: Path, say: Say) -> None:
    """Fill the log's disk, or make it read-only: on standard output, and with a log file that cannot grow.

    The first log can be written, to check that the server logs anything.
    """
    metrics = free_port()
    text = f"METRICS: 127.0.0.1:{metrics}\nPROCESSOR: failing_hooks\n" + configuration(0)
    (folder / "failing_hooks.py").write_text(_FAILING_HOOKS, "utf-8")
    writable, unwritable = folder / "writable", folder / "unwritable"
    unwritable.touch()
    # A file on a disk that becomes read-only refuses to be written, as does a file that is opened for reading.
    for output, mode in ((writable, "ab"), (Path("/dev/full"), "ab"), (unwritable, "rb")):
        with _started(folder, text, output=output, mode=mode) as (process, port, path):
            _log_a_lot(port, metrics, path, process.pid)
    logged = writable.read_text("utf-8")
    faults, errors = logged.count("#critical]"), logged.count("#error]")
    _require(faults == MESSAGES and errors > 0, f"the log has {faults} faults and {errors} errors:\n{logged[-3000:]}")
    _require(unwritable.stat().st_size == 0, "the file that is open for reading was written")
    log = folder / "twistd.log"
    with _started(folder, text, output=Path(os.devnull), options=(f"--logfile={log}",)) as (process, port, path):
        size = log.stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
        size = log.stat().st_size  # with what was written in the meantime
        _log_a_lot(port, metrics, path, process.pid)
        _require(log.stat().st_size == size, "the log grew")
    say(
        f"log on a full device, on one that cannot be written, in a file that cannot grow: {6 * MESSAGES} right "
        f"replies, {3 * MESSAGES} messages that could not be written; a configuration with errors kept out, and a good "
        "one in force"
    )


# Twisted reads the time of day from time.time(); this adds the number of seconds in a file.
_OTHER_DAY = """
import pathlib, time
of_day, offset = time.time, pathlib.Path("seconds")
time.time = lambda: of_day() + float(offset.read_text())
"""


def clock_set_back(folder: Path, say: Say, seconds: int = 3600) -> None:
    """Set the time of day back: a change of the configuration is noticed within seconds all the same."""
    offset = folder / "seconds"
    offset.write_text("0")
    with _started(folder, configuration(0), output=folder / "server.log", before=_OTHER_DAY) as (_, port, path):

        def account() -> bytes:
            with connect(port) as client:
                client.sendall(KEY + b"\n")
                return client.recv(4096)

        _require(account() == b"200 number0\n", "no right reply at first")
        prepared = offset.with_suffix(".new")
        prepared.write_text(str(-seconds))
        prepared.replace(offset)
        path.write_text(settings(port) + configuration(1), encoding="utf-8")
        begun = time.monotonic()
        wait_until(lambda: account() == b"200 number1\n", "the new configuration")
        took = time.monotonic() - begun
    say(f"clock set back by {seconds} s: the next change of the configuration in force {took:.1f} s later")


def run(folder: Path, say: Say) -> None:
    """Run all parts."""
    connections(folder, say)
    no_descriptors(folder, say)
    full_log(folder, say)
    clock_set_back(folder, say)
