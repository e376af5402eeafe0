"""Stores that are lost, replaced, or older than what is in force.

The metric, one line of the log and ``/healthz`` show that the store is not used, and commands refuse changes.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from faults.case import Fault
from faults.lookups import asking
from faults.remembering import (
    ACTIVE,
    IN_FORCE,
    KEPT,
    LATE,
    LOST,
    NOTICED,
    PARTS,
    Remembering,
    check_undisturbed,
    move,
    remembering,
)
from faults.table import Table
from trualias.server.store_service import REPORT_SECONDS
from trualias.store.sqlite_file import create


def _aside(one: Remembering) -> Path:
    return one.store.with_name("aside")


def _rename(one: Remembering) -> None:
    move(one.store, _aside(one))


def _replace(one: Remembering, prepared: Path) -> None:
    """Put a file into the place of the store in one step, so that the server sees one fault; leave the store aside."""
    for part in PARTS[1:]:
        with suppress(FileNotFoundError):
            os.replace(f"{one.store}{part}", f"{_aside(one)}{part}")
    os.link(one.store, _aside(one))
    os.replace(prepared, one.store)


def _prepared(one: Remembering) -> Path:
    return one.store.with_name("prepared")


def _empty(one: Remembering) -> None:
    _prepared(one).touch()
    _replace(one, _prepared(one))


def _other(one: Remembering) -> None:
    create(str(_prepared(one)))
    _replace(one, _prepared(one))


def _backup(one: Remembering) -> Path:
    path = one.store.with_name("backup")
    done = one.command("store", "backup", str(path))
    if done.returncode:
        raise Fault(f"store backup: {done.stderr.strip()}")
    return path


def _in_two_steps(one: Remembering) -> None:
    """Take the store away, and put another one into its place when the server has seen that."""
    create(str(_prepared(one)))
    _rename(one)
    one.running.wait_for_metric("trualias_store_in_use", 0)
    os.replace(_prepared(one), one.store)


def _older(one: Remembering) -> None:
    """Put a backup of before another revocation, and an import, into the place of the store."""
    backup = _backup(one)
    one.keep(LATE)
    one.revoke("foo-late-4")
    one.wait_until_refused("foo-late-4")
    one.wait_for_copy()
    _replace(one, backup)


def _no_database(one: Remembering) -> None:
    _prepared(one).write_text("This is a text.\n" * 1_000)
    _replace(one, _prepared(one))


def _newer(one: Remembering) -> None:
    """Put a store of a later version into the place of the store, with the same states."""
    backup = _backup(one)
    with sqlite3.connect(backup) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    _replace(one, backup)


LOSSES: dict[str, Callable[[Remembering], None]] = {
    "renamed": _rename,
    "recreated empty": _empty,
    "replaced by another store": _other,
    "replaced in two steps": _in_two_steps,
    "restored from a backup": _older,
    "not a database": _no_database,
    "of a newer version": _newer,
}
"""Ways to lose the store; each leaves the one in force aside."""


def lost_stores(folder: Path, table: Table, names: Sequence[str] = tuple(LOSSES)) -> None:
    """Lose the store in several ways, restart the server meanwhile, and bring the store back."""
    for name in names:
        with remembering(folder / name.replace(" ", "-")) as one:
            running = one.running
            with asking(running.server) as asker:
                running.mark_log()
                LOSSES[name](one)
                table.at_most(name, "metric 0 after", running.wait_for_metric("trualias_store_in_use", 0), NOTICED)
                _check_lost(table, name, one)
                check_undisturbed(table, name, asker)
            running.server.stop()
            running.mark_log()
            running.server.start()
            with asking(running.server) as asker:
                table.require(name, "refused after a restart, by the copy", one.is_refused())
                table.require(name, "kept after a restart, by the copy", one.is_kept())
                table.require(name, "logged after the restart", running.log.count(LOST) == 1)
                move(_aside(one), one.store)
                running.wait_for_metric("trualias_store_in_use", 1)
                table.require(name, "refused after the store's return", one.is_refused())
                table.require(name, "kept after the store's return", one.is_kept())
                one.revoke("foo-next-4")
                table.at_most(name, "a command in force after", one.wait_until_refused("foo-next-4"), IN_FORCE)
                check_undisturbed(table, name, asker)


def adopted_store(folder: Path, table: Table) -> None:
    """Adopt a backup: what was revoked after it stays revoked, and commands change the store again."""
    with remembering(folder / "adopted") as one, asking(one.running.server):
        _older(one)
        one.running.wait_for_metric("trualias_store_in_use", 0)
        done = one.command("store", "adopt")
        table.add("adopt a backup", f"status {done.returncode}", "0", done.returncode == 0)
        one.running.wait_for_metric("trualias_store_in_use", 1)
        table.require("adopt a backup", "both stay refused", one.is_refused() and one.is_refused("foo-late-4"))
        table.require("adopt a backup", "both stay kept", one.is_kept() and one.is_kept(LATE))
        one.revoke("foo-next-4")
        table.at_most("adopt a backup", "a command in force after", one.wait_until_refused("foo-next-4"), IN_FORCE)


def _check_lost(table: Table, case: str, one: Remembering) -> None:
    running = one.running
    table.require(case, "the revoked alias stays refused", one.is_refused())
    table.require(case, "the kept alias stays kept", one.is_kept())
    table.require(case, "others are found", running.server.ask(f"get {ACTIVE}".encode()) == b"200 foo\n")
    time.sleep(REPORT_SECONDS + 1)  # some looks more
    lines = running.log.count(LOST)
    table.add(case, f"lines in the log: {lines}", "1", lines == 1)
    health = running.page("healthz")
    table.require(case, "healthz says so", health.startswith("ok") and LOST in health)
    done = one.command("alias", "revoke", ACTIVE)
    table.add(case, f"a command exits with {done.returncode}", "2", done.returncode == 2 and bool(done.stderr))
    table.require(case, "a refused command changes nothing", not one.is_refused(ACTIVE))


def nothing_left(folder: Path, table: Table) -> None:
    """Start the server with neither store nor copy: nothing is not found that may be kept, until the store is back."""
    case = "neither store nor copy"
    with remembering(folder / "nothing", more="ALIAS DOMAINS: example.com\n") as one:
        running = one.running
        running.server.stop()
        _rename(one)
        one.copy.unlink()
        one.store.write_text("This is a text.\n" * 1_000)
        running.mark_log()
        running.server.start()
        with asking(running.server) as asker:
            answers = {
                alias: running.server.ask(f"get {alias}".encode())[:3] for alias in (KEPT, "other", "foo", ACTIVE)
            }
            table.require(case, "kept and unknown ones get 400", answers[KEPT] == answers["other"] == b"400")
            table.require(case, "a mailbox is not found", answers["foo"] == b"500")
            table.require(case, "what policies accept is found", answers[ACTIVE] == b"200")
            time.sleep(1)  # some looks more
            table.require(case, "logged once", running.log.count(LOST) == 1)
            done = one.command("alias", "revoke", ACTIVE)
            table.add(case, f"a command exits with {done.returncode}", "2", done.returncode == 2)
            move(_aside(one), one.store)
            running.wait_for_metric("trualias_store_in_use", 1)
            table.require(case, "then refused and kept as before", one.is_refused() and one.is_kept())
            unknown = running.server.ask(b"get other")
            table.require(case, "and an unknown one is not found", unknown[:3] == b"500")
            check_undisturbed(table, case, asker)
