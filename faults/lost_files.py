"""Faults of the configuration file: content that is lost, files that are half-written or gone, reads that fail."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from benchmarks import policies
from faults.case import Fault, beside
from faults.lookups import CONFIGURATION, asking
from faults.preload import built
from faults.served import Served, served
from faults.table import Table
from trualias.testing.live import ENVIRONMENT, PATIENCE, TWISTD, wait_until

IN_FORCE = 3.0
"""Seconds from a good file to the first lookup that it answers, or of lookups after a loss."""

LAST = "ACCOUNT last MATCHES last-%alpha%-%code% WITH CHARS();\n"
"""The last statement of a file."""


def _check_rejected(
    table: Table, running: Served, case: str, lose: Callable[[], object], whole: str, signalled: bool
) -> None:
    """Lose some of the file: it is rejected, and the log, a metric and a lookup of the last statement show that.

    The server notices by itself, or gets a SIGHUP.
    """

    def signal_change() -> None:
        if signalled:
            os.kill(running.server.pid, signal.SIGHUP)

    running.mark_log()
    lose()
    signal_change()
    running.wait_for_log("stays in use")
    running.wait_for_metric("trualias_configuration_current", 0)
    reply = running.server.ask(b"get last-shop-4")
    table.require(case, "rejected, logged, current is 0", reply == b"200 last\n")
    running.replace(whole)
    signal_change()
    running.wait_for_metric("trualias_configuration_current", 1)


def lost_content(folder: Path, table: Table, *, signalled: bool = False) -> None:
    """Remove content from a file in several ways."""
    # Others come first, so that the file is long.
    long = CONFIGURATION + policies.many_statements(300) + LAST

    def copy_on_full_disk() -> None:
        # As `cp` does on a disk that has 4,096 bytes left.
        program = (
            "import resource, signal, sys\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "open(sys.argv[2], 'wb', 0).write(open(sys.argv[1], 'rb').read())\n"
        )
        whole = running.path.with_name("whole")
        whole.write_text(running.text(long + "END\n"), "utf-8")
        subprocess.run([sys.executable, "-c", program, str(whole), str(running.path)], check=True, timeout=PATIENCE)
        if running.path.stat().st_size != 4096:
            raise Fault("the file was not cut off")

    short = CONFIGURATION + LAST
    with served(folder / "emptied", short) as running, asking(running.server):
        for case, lose in (
            ("no statement left", lambda: running.replace("")),
            (": > FILE", lambda: running.path.write_text("")),
        ):
            _check_rejected(table, running, case, lose, short, signalled)
    with served(folder / "cut", long + "END\n") as running, asking(running.server):
        for case, lose in (
            ("cut before END", lambda: running.replace(long.removesuffix(LAST))),
            ("full disk", copy_on_full_disk),
        ):
            _check_rejected(table, running, case, lose, long + "END\n", signalled)


def dropped_accounts(folder: Path, table: Table) -> None:
    """Remove most accounts from a file without END: it comes into force with a warning, and a metric counts them."""
    text = CONFIGURATION + policies.many_statements(30)
    with served(folder / "dropped", text) as running, asking(running.server):
        running.mark_log()
        running.replace()
        running.wait_for_log("lacks 30 of the 31 accounts of the configuration before it")
        running.wait_for_metric("trualias_configuration_accounts_dropped", 30)
    table.require("most accounts removed", "in force, warned of and counted", True)


def start_during_write(folder: Path, table: Table) -> None:
    """Start a server while its file is being written, piece by piece."""
    with served(folder / "written", start=False) as running:
        lines = running.text(CONFIGURATION + policies.many_statements(20) + LAST).splitlines(keepends=True)
        running.path.write_text(lines[0], "utf-8")
        begun = Event()

        def write(end: Event) -> None:
            with running.path.open("a", encoding="utf-8") as file:
                for line in lines[1:]:
                    file.write(line)
                    file.flush()
                    begun.set()
                    time.sleep(0.1)

        with beside(write):
            begun.wait(PATIENCE)
            running.server.start()
            reply = running.server.ask(b"get last-shop-4")
        table.require("start during a write", "answers the last line", reply == b"200 last\n")


def restarts(folder: Path, table: Table, names: Sequence[str] = ("broken", "gone", "empty")) -> None:
    """Restart servers whose file is broken, gone or empty: they start from the kept copy, and say so."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    with served(folder / "restarts", CONFIGURATION + LAST, arguments=("--state", str(state))) as running:
        running_arguments = ("trualias-table", "--config", str(running.path), "--state", str(state))

        def refused() -> bool:
            command = [*TWISTD, "--nodaemon", "--pidfile=", *running_arguments, "--no-fallback"]
            done = subprocess.run(
                command, env=ENVIRONMENT, cwd=running.path.parent, capture_output=True, timeout=PATIENCE, check=False
            )
            return done.returncode == 1 and bool(done.stderr)

        wait_until(lambda: any(state.glob("table-*.kept")), "a copy")
        ways: dict[str, Callable[[], object]] = {
            "broken": lambda: running.replace("PROT: 1\n" + CONFIGURATION),
            "gone": running.path.unlink,
            "empty": lambda: running.path.write_bytes(b""),
        }
        for name in names:
            running.server.stop()
            ways[name]()
            if name != "empty":  # without a copy, an empty file is a configuration
                table.require(f"{name}, --no-fallback", "status 1, with the reason", refused())
            running.mark_log()
            running.server.start()
            with asking(running.server) as asker:
                holds = (
                    running.server.ask(b"get last-shop-4") == b"200 last\n"
                    and running.metric("trualias_configuration_fallback") == 1
                    and running.page("healthz").startswith("ok, but started from the copy of ")
                    and "the server starts with the copy of " in running.log
                )
                table.require(f"{name}, restart", "kept copy; log, metric, healthz", holds)
                running.replace(CONFIGURATION + LAST)
                running.wait_for_metric("trualias_configuration_fallback", 0)
                table.require(f"{name}, then good", "healthz is ok", running.page("healthz") == "ok\n")
                asker.latencies()


def reads_that_fail(
    folder: Path, table: Table, errors: Sequence[int] = (errno.ETIMEDOUT, errno.EACCES, errno.EIO)
) -> None:
    """Let open(2) of the configuration fail for a while, by a library that is loaded before the others."""
    library = built("failing_open", folder, table, "reads that fail")
    if library is None:
        return
    switch = folder / "fail"
    environment = {
        "LD_PRELOAD": str(library),
        "FAILING_PATH": str(folder / "reads" / "faults.conf"),
        "FAILING_SWITCH": str(switch),
    }
    with served(folder / "reads", environment=environment) as running, asking(running.server):
        for number in errors:
            name = errno.errorcode[number]
            running.mark_log()
            switch.write_text(str(number))
            running.replace(f"{CONFIGURATION}ACCOUNT new MATCHES {name.lower()}-%alpha%-%code% WITH CHARS();\n")
            running.wait_for_log(os.strerror(number))
            running.wait_for_metric("trualias_configuration_current", 0)
            switch.unlink()
            # The file does not change any more.
            seconds = running.seconds_until_in_force("new", f"{name.lower()}-shop-4")
            table.at_most(f"{name}, passes", "in force after", seconds, IN_FORCE)
            running.wait_for_metric("trualias_configuration_current", 1)
