"""What a machine runs out of: places for connections, descriptors, room for the log; and the time of day set back."""

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
"""Connections that a server takes."""

_EXCHANGES = [policies.exchange(answer) for answer in policies.SAMPLE_KEYS]


BACKLOG = 40
"""Clients that connect at once: fewer than Twisted lets wait to be accepted, which are 50."""


def answered(client: socket.socket) -> bool:
    """Ask all keys of the sample; whether there were replies, and not the end of the connection, orderly or by a reset.

    Raises `Fault` for a wrong reply, and for none at all.
    """
    for request, right in _EXCHANGES:
        try:
            client.sendall(request)
            reply = client.recv(4096)
        except ConnectionError:
            return False
        except TimeoutError as error:
            raise Fault(f"asked {request!r}, and was neither answered nor refused") from error
        if not reply:
            return False
        if reply != right:
            raise Fault(f"asked {request!r}, expected {right!r}, got {reply!r}")
    return True


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Fault(what)


def _connected(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    return [stack.enter_context(connect(port)) for _ in range(count)]


def _come_back(port: int) -> None:
    def works() -> bool:
        with connect(port) as client:
            return answered(client)

    wait_until(works, "a place for a new client")


def connections(folder: Path, say: Say, beyond: int = 50) -> None:
    """More connections than the limit: those beyond are closed at once, those within are answered."""
    with serving(folder) as (server, _), ExitStack() as stack:
        # All the clients are of this process; the server keeps to what it was started with.
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
        raise_descriptor_limit(2 * LIMIT)
        within: list[socket.socket] = []
        while len(within) < LIMIT:
            # As many as the kernel lets wait to be accepted; it drops others, which come again a second later.
            within += _connected(stack, server.port, min(BACKLOG, LIMIT - len(within)))
            _require(answered(within[-1]), "a client within the limit was not answered")
        others = _connected(stack, server.port, beyond)
        _require(not any(map(answered, others)), "more connections than the limit were answered")
        _require(all(map(answered, within)), "a client within the limit was not answered")
        _require(f"there are {LIMIT} already" in server.log, "the log does not tell of those beyond the limit")
        for client in within[: LIMIT // 2]:
            client.close()
        _come_back(server.port)
        check_log(server)
    say(f"{LIMIT} connections answered, {beyond} beyond refused at once; a place that is free is taken again")


def no_descriptors(folder: Path, say: Say, free: int = 20) -> None:
    """No descriptor left: those who are connected are answered, and new ones are once there are descriptors again.

    The configuration is changed meanwhile; it is tried again until it can be read, and in force then.
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
        # Descriptors have numbers: these are the ones that may be given out.
        limit = max(int(number) for number in os.listdir(f"/proc/{server.pid}/fd")) + free
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
        later = _connected(stack, server.port, 5 * free)
        fates = [answered(client) for client in later]
        _require(0 < sum(fates) < len(later), f"of {len(later)} new clients {sum(fates)} were answered")
        replace(path, path.read_text(encoding="utf-8") + statement(1))
        os.kill(server.pid, signal.SIGHUP)
        wait_until(
            lambda: all_answered() and failures() >= 2, "two reloads without descriptors", log=lambda: server.log
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
        _come_back(server.port)
        wait_until(lambda: descriptors(server.pid) <= held + 2, "as many descriptors as before")
        check_log(server, allowed=f"{re.escape(str(path))} has errors")
    say(
        f"limit of {limit} descriptors: of {len(later)} new clients {sum(fates)} answered, the others refused; those "
        "connected before always answered, also during reloads that failed; the new configuration in force "
        f"{took:.1f} s after there were descriptors again; back to {held} of them"
    )


@contextmanager
def _started(
    folder: Path, text: str, *, output: Path, mode: str = "ab", options: tuple[str, ...] = (), before: str = ""
) -> Iterator[tuple["subprocess.Popen[bytes]", int, Path]]:
    """Run a table server whose standard output is a file opened in this mode; ``before`` is Python that runs first."""
    port, path = free_port(), folder / "faults.conf"
    path.write_text(settings(port) + text, encoding="utf-8")
    *python, programme = TWISTD
    command = [
        *python,
        before + programme,
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
        wait_until(lambda: process.poll() is not None or is_serving(port), "a server at work")
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
    _require(found is not None, "the metrics do not tell of reloads")
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
    """The log's disk is full or read-only: on standard output, and in a log file that cannot grow.

    At first it can be written, to see that there is something to be logged.
    """
    metrics = free_port()
    text = f"METRICS: 127.0.0.1:{metrics}\nPROCESSOR: failing_hooks\n" + configuration(0)
    (folder / "failing_hooks.py").write_text(_FAILING_HOOKS, "utf-8")
    writable, unwritable = folder / "writable", folder / "unwritable"
    unwritable.touch()
    # A disk that becomes read-only refuses to write to a file that was opened before; so does what is open to be read.
    for output, mode in ((writable, "ab"), (Path("/dev/full"), "ab"), (unwritable, "rb")):
        with _started(folder, text, output=output, mode=mode) as (process, port, path):
            _log_a_lot(port, metrics, path, process.pid)
    said = writable.read_text("utf-8")
    faults, errors = said.count("#critical]"), said.count("#error]")
    _require(faults == MESSAGES and errors > 0, f"the log has {faults} faults and {errors} errors:\n{said[-3000:]}")
    _require(unwritable.stat().st_size == 0, "what is open to be read was written")
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


# Twisted asks time.time() for the time of day; this puts it as many seconds off as a file says.
_OTHER_DAY = """
import pathlib, time
of_day, told = time.time, pathlib.Path("seconds")
time.time = lambda: of_day() + float(told.read_text())
"""


def clock_set_back(folder: Path, say: Say, seconds: int = 3600) -> None:
    """The time of day is set back: a change of the configuration is seen within seconds all the same."""
    told = folder / "seconds"
    told.write_text("0")
    with _started(folder, configuration(0), output=folder / "server.log", before=_OTHER_DAY) as (_, port, path):

        def account() -> bytes:
            with connect(port) as client:
                client.sendall(KEY + b"\n")
                return client.recv(4096)

        _require(account() == b"200 number0\n", "no right reply at first")
        prepared = told.with_suffix(".new")
        prepared.write_text(str(-seconds))
        prepared.replace(told)
        path.write_text(settings(port) + configuration(1), encoding="utf-8")
        begun = time.monotonic()
        wait_until(lambda: account() == b"200 number1\n", "the new configuration")
        took = time.monotonic() - begun
    say(f"clock set back by {seconds} s: the next change of the configuration in force {took:.1f} s later")


def run(folder: Path, say: Say) -> None:
    """All of it."""
    connections(folder, say)
    no_descriptors(folder, say)
    full_log(folder, say)
    clock_set_back(folder, say)
