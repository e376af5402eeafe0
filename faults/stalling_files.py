"""Stalls by the configuration file, its filesystem, its hooks, and signals while it is loaded."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from faults.lookups import CONFIGURATION, asking
from faults.preload import built
from faults.served import Served, served
from faults.table import Table
from faults.windows import LONGEST, best_longest
from trualias.testing.live import wait_until

IN_FORCE = 3.0
"""Seconds from a good file to the first lookup that it answers."""
LOG_TEXT = 200_000
"""Characters of the log for one configuration with errors, whatever their number."""
REPORTED = 10.0
"""Seconds from a file with errors to the message."""


def examination(folder: Path, table: Table) -> None:
    """Let stat(2) of the configuration hang, by a library that is loaded before the others."""
    library = built("hanging_stat", folder, table, "stat hangs")
    if library is None:
        return
    switch = folder / "hang"
    path = folder / "stat" / "faults.conf"
    environment = {"LD_PRELOAD": str(library), "HANGING_PATH": str(path), "HANGING_SWITCH": str(switch)}
    with served(folder / "stat", environment=environment) as running, asking(running.server) as asker:
        switch.touch()
        table.at_most(
            "stat hangs", "longest wait", best_longest(lambda: asker.during(2), 3) * 1000, LONGEST * 1000, "ms"
        )
        seconds = 6 + running.wait_for_log("cannot be examined: its filesystem has not responded for 10 s")
        table.at_most("stat hangs", "a message after", seconds, 14)
        running.wait_for_metric("trualias_configuration_unreachable", 1)
        table.require("stat hangs", "the metric is 1", True)
        running.replace(CONFIGURATION + "ACCOUNT new MATCHES new-%alpha%-%code% WITH CHARS();\n")
        switch.unlink()
        table.at_most("stat returns", "in force after", running.seconds_until_in_force("new", "new-shop-4"), IN_FORCE)


def _good(running: Served, number: int) -> float:
    """Replace the file by a good one; return the seconds until it is in force."""
    running.replace(f"{CONFIGURATION}ACCOUNT new{number} MATCHES new{number}-%alpha%-%code% WITH CHARS();\n")
    return running.seconds_until_in_force(f"new{number}", f"new{number}-shop-4")


def large_files(folder: Path, table: Table, windows: int = 2, megabytes: int = 24, mistakes: int = 20_000) -> None:
    """Copy log text over the configuration, and a configuration with a mistake in each line."""
    line = "Nov 25 08:15:42 mail postfix/smtpd[12345]: connect from unknown[192.0.2.1] (number {})\n"
    texts = {
        f"{megabytes} MiB of log text": "".join(map(line.format, range(megabytes * 2**20 // 90))),
        f"{mistakes} mistakes": "".join(
            f"ACCOUNT foo{number} MATCHES %acount%-%code% WITH CHARS();\n" for number in range(mistakes)
        ),
    }
    with served(folder / "large") as running, asking(running.server) as asker:
        for name, text in texts.items():
            waits, in_force, logged, reported = [], [], [], False
            for number in range(windows):
                running.mark_log()
                asker.latencies()
                running.path.write_text(text, encoding="utf-8")
                with suppress(AssertionError):
                    running.wait_for_log("stays in use", REPORTED)
                    reported = True
                time.sleep(1)
                waits.append(asker.latencies().longest)
                logged.append(len(running.log))
                in_force.append(_good(running, number + len(name)))
            table.require(name, f"logged within {REPORTED:.0f} s", reported)
            table.at_most(name, "longest wait", min(waits) * 1000, LONGEST * 1000, "ms")
            table.at_most(name, "characters of the log", max(logged), LOG_TEXT, "")
            table.at_most(name, "good file in force after", min(in_force), IN_FORCE)


def no_file(folder: Path, table: Table) -> None:
    """Put a FIFO, a device and a folder in the file's place; then a good file."""
    with served(folder / "no-file") as running, asking(running.server) as asker:

        def make_device() -> None:
            # A symbolic link, for which root's rights are not needed; zeros without an end.
            running.path.symlink_to("/dev/zero")

        ways: dict[str, Callable[[], object]] = {
            "a FIFO": lambda: os.mkfifo(running.path),
            "a device": make_device,
            "a folder": running.path.mkdir,
        }
        for number, (name, make) in enumerate(ways.items()):
            running.mark_log()
            asker.latencies()
            running.path.unlink()
            make()
            running.wait_for_log("stays in use")
            running.wait_for_metric("trualias_configuration_current", 0)
            table.require(name, "logged, and current is 0", True)
            table.at_most(name, "longest wait", asker.latencies().longest * 1000, LONGEST * 1000, "ms")
            if running.path.is_dir():
                running.path.rmdir()
            table.at_most(name, "good file in force after", _good(running, number), IN_FORCE)


def hanging_reload(folder: Path, table: Table, limit: float = 60) -> None:
    """Let a hook's module hang while it is loaded; ``limit`` is put in place of the server's 60 seconds."""
    before = f"import trualias.server.reload as module; module.LOAD_SECONDS = {limit}\n"
    with (
        served(folder / "reload", more="PROCESSOR: hooks\n", before=before) as running,
        asking(running.server) as asker,
    ):
        hooks = running.path.with_name("hooks.py")
        good = hooks.read_text("utf-8")
        running.mark_log()
        hooks.write_text(good.replace("def reload():\n", "def reload():\n    time.sleep(3600)\n"), "utf-8")
        asker.latencies()
        running.replace()
        table.at_most("reload() hangs", "a message after", running.wait_for_log("hangs; this load", 90), limit + 5)
        table.at_most("reload() hangs", "longest wait", asker.latencies().longest * 1000, LONGEST * 1000, "ms")
        running.wait_for_metric("trualias_configuration_current", 0)
        table.require("reload() hangs", "current is 0", True)
        hooks.write_text(good, "utf-8")
        table.at_most("reload() hangs", "good file in force after", _good(running, 1), IN_FORCE)


def early_sighup(folder: Path, table: Table, starts: int = 7) -> None:
    """Send SIGHUP to servers that start, as soon as their modules are loaded, and later."""
    survived = reloaded = 0
    for number in range(starts):
        # The signal comes so many tenths of a second after it is held, in which the server still starts.
        before = (
            "import trualias.server.early_sighup as early, threading, os, signal\n"
            "early.hold_sighup()\n"
            f"threading.Timer({number / 10}, os.kill, (os.getpid(), signal.SIGHUP)).start()\n"
        )
        with served(folder / f"start-{number}", before=before, start=False, more="LOGGING: info\n") as running:
            text = running.path.read_text("utf-8").replace("LOGGING: warning\n", "")
            running.path.write_text(text, "utf-8")
            with suppress(AssertionError):
                running.server.start()
                survived += 1
                wait_until(lambda: running.log.count(" is loaded: ") == 2, "a reload")
                reloaded += 1
    table.add("SIGHUP in a start", f"{survived} of {starts} servers live", "all", survived == starts)
    table.add("SIGHUP in a start", f"{reloaded} of {starts} reloaded", "all", reloaded == starts)
