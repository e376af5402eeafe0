"""Faults that could make a server lose its addresses, or hide the loss: each must look unlike an unknown address.

In each case lookups go on, and each of an address of the configuration in force must be answered with its account. The
metrics, the log and ``/healthz`` must show what happened.
"""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.load import connect
from faults.case import Fault, Say
from faults.lookups import CONFIGURATION, REPLY, REQUEST, asking
from faults.lost_files import dropped_accounts, lost_content, reads_that_fail, restarts, start_during_write
from faults.served import served
from faults.table import Table, run_cases
from trualias.protocols.wire import FAULT
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, wait_until


def stopped_process(folder: Path, table: Table) -> None:
    """Stop a server (SIGSTOP): ``trualias status`` notices within 30 seconds, and when it goes on."""
    state = folder / "status-state"
    state.mkdir(mode=0o700)
    command = [*PROGRAM, "status", "--state", str(state), "table"]

    def status() -> tuple[int, str]:
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout

    with served(folder / "status", arguments=("--state", str(state))) as running:
        wait_until(lambda: status()[0] == 0, "a status", lambda: str(status()))
        os.kill(running.server.pid, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            wait_until(lambda: status()[0] == 1, "a status that shows it", lambda: str(status()), 45)
            table.at_most("SIGSTOP", "trualias status exits with 1 after", time.monotonic() - begun, 32)
            table.require("SIGSTOP", "says that it hangs", "hangs, or ended without notice" in status()[1])
        finally:
            os.kill(running.server.pid, signal.SIGCONT)
        wait_until(lambda: status()[0] == 0, "a status after SIGCONT", lambda: str(status()))
        table.require("SIGCONT", "status 0 again", True)


_FORGED = "2026-01-01T00:00:00+0000 [trualias.server.reload#error] forged"


def log_injection(folder: Path, table: Table) -> None:
    """Send a key with a line break and an escape sequence to a hook that raises, and puts the key into its message."""
    key = "raises%0A" + _FORGED.replace(" ", "%20").replace("#", "%23") + "%0A%1b%5b31m%c2%9b"
    for name, arguments in (("text", ()), ("journal", ("--logger", "trualias.observers.journal"))):
        with served(
            folder / f"injection-{name}", more="PROCESSOR: hooks\n", before=_with_twistd_options(arguments)
        ) as running:
            with asking(running.server), connect(running.server.port) as client:
                client.sendall(f"get {key}\n".encode())
                if (reply := client.recv(4096)) != FAULT:
                    raise Fault(f"a failing hook: {reply!r}")
                running.wait_for_log("raises")
                running.wait_for_log("ValueError")
            lines = running.server.log.splitlines()
            forged = [line for line in lines if line.startswith((_FORGED, "forged", "<3>[trualias.server.reload#"))]
            forged += [line for line in lines if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", line)]
            table.require(f"log injection, {name}", "no forged line, no control character", not forged)


def _with_twistd_options(arguments: tuple[str, ...]) -> str:
    """Return Python that puts options of twistd before the name of the plugin."""
    return f"import sys; sys.argv[1:1] = {list(arguments)!r}\n" if arguments else ""


def replay(folder: Path, table: Table) -> None:
    """Replay logs without recipients: that is an error, since nothing was compared."""
    configuration = folder / "replayed.conf"
    configuration.write_text("ALIAS DOMAINS: example.com\n" + CONFIGURATION, "utf-8")
    for name, content in (
        ("empty log", b""),
        ("log without recipients", b"Nov 25 08:15:42 mail systemd[1]: Started\n"),
    ):
        done = subprocess.run(
            [*PROGRAM, "replay", str(configuration)],
            input=content,
            env=ENVIRONMENT,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        table.add(f"replay, {name}", f"status {done.returncode}", "status 2", done.returncode == 2)


def removed_socket(folder: Path, table: Table) -> None:
    """Remove a unix socket that a server listens at; then put a socket of another program in its place."""
    # Its own folder: the path of a unix socket has at most 107 octets, which a test's folder may use up.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        _remove_socket(folder, table, Path(short) / "s")


def _remove_socket(folder: Path, table: Table, path: Path) -> None:
    with served(folder / "socket", more=f"LISTEN: tcp_table unix:{path}\n") as running:

        def answers() -> bool:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                if client.connect_ex(str(path)) != 0:
                    return False
                client.sendall(REQUEST)
                return client.recv(4096) == REPLY

        table.require("unix socket", "answers", answers())
        path.unlink()
        begun = time.monotonic()
        wait_until(lambda: path.exists() and answers(), "a new socket", lambda: running.server.log[-3000:])
        table.at_most("unix socket removed", "made anew after", time.monotonic() - begun, 12)
        table.require("unix socket removed", "healthz is ok again", running.page("healthz") == "ok\n")
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            number = path.stat().st_ino
            wait_until(lambda: running.page("healthz").startswith("503 "), "healthz 503")
            table.require("another's socket there", "healthz is 503", True)
            running.server.stop()
            is_kept = path.exists() and path.stat().st_ino == number
            table.require("another's socket there", "left there by SIGTERM", is_kept)


ELSEWHERE = (
    ("deleted, a folder, zeros", "faults edits, test_faults"),
    ("half-written, 10,000 times", "faults edits, test_faults"),
    ("kept copy that is damaged", "test_kept_copy"),
)


def run(folder: Path, say: Say) -> None:
    """Run all cases."""
    cases = (
        lost_content,
        dropped_accounts,
        start_during_write,
        restarts,
        reads_that_fail,
        stopped_process,
        log_injection,
        replay,
        removed_socket,
    )
    run_cases(cases, ELSEWHERE, folder, say)
