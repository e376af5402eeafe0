"""Faults of the store in which the states of aliases are kept.

In each case ordinary lookups go on, a revoked alias stays refused, and a kept one is found: by the states in memory,
and after a restart by the copy of them. The metric, one line of the log and ``/healthz`` show that the store is not
used, and commands refuse changes.
"""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from faults.case import Fault, Say
from faults.lookups import Asker, asking
from faults.preload import built
from faults.served import Served, served
from faults.table import Table, run_cases
from trualias.lookup.alias_states import AliasState
from trualias.store.records import Change, Kept
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import copy_file_name
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, free_port, wait_until

REVOKED, ACTIVE = "foo-leak-4", "foo-calm-4"
"""Aliases that the configuration of the cases accepts; the first one is revoked in each case."""

KEPT, LATE = "old-shop", "late-shop"
"""Aliases that the configuration does not accept; the first one is kept in each case."""

NOTICED = 2.0
"""Seconds from a fault, or from its end, to the metric."""

IN_FORCE = 1.0
"""Seconds from the end of a command to the first lookup that it changes."""

UNDISTURBED = 0.1
"""Seconds of the longest wait of a lookup beside a fault."""

LOST = "the store is not used"


@define
class Remembering:
    """A server with a store and a state directory."""

    running: Served
    store: Path
    state: Path
    environment: dict[str, str] = field(factory=dict)

    @property
    def copy(self) -> Path:
        """The copy of the states that the server keeps."""
        return self.state / copy_file_name("table", str(self.store))

    def command(self, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command that changes the store or looks after it; ``before`` is Python that comes first."""
        options = ("-c", str(self.running.path), "--state-directory", str(self.state))
        return subprocess.run(
            [*PROGRAM[:-1], before + PROGRAM[-1], *arguments, *options],
            env={**ENVIRONMENT, **self.environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def revoke(self, alias: str = REVOKED) -> None:
        """Revoke an alias by the command; raise `Fault` if it fails."""
        done = self.command("alias", "revoke", alias)
        if done.returncode:
            raise Fault(f"alias revoke: {done.stderr.strip()}")

    def is_refused(self, alias: str = REVOKED) -> bool:
        """Return whether the server does not find an alias."""
        return self.running.server.ask(f"get {alias}".encode()).startswith(b"500")

    def keep(self, alias: str) -> None:
        """Keep an alias for foo, as an import does."""
        store = SqliteStore(str(self.store))
        try:
            store.keep([Kept(f"{alias}@", alias, "foo")], "imported 1", "root", time.time())
        finally:
            store.close()
        wait_until(lambda: self.is_kept(alias), f"{alias} kept", lambda: self.running.server.log[-5000:])

    def is_kept(self, alias: str = KEPT) -> bool:
        """Return whether the server finds an alias that only the store accepts."""
        return self.running.server.ask(f"get {alias}".encode()) == b"200 foo\n"

    def wait_until_refused(self, alias: str = REVOKED) -> float:
        """Wait until the server does not find an alias; return the seconds that it took."""
        begun = time.monotonic()
        wait_until(lambda: self.is_refused(alias), f"{alias} refused", lambda: self.running.server.log[-5000:])
        return time.monotonic() - begun

    def wait_for_copy(self) -> None:
        """Wait until the copy has the revision of the store."""
        revision = b'"revision": %d' % _revision(self.store)
        copy = self.copy
        wait_until(lambda: copy.exists() and revision in copy.read_bytes()[:500], "a copy", lambda: self.running.log)


def _revision(path: Path) -> int:
    store = SqliteStore(str(path))
    try:
        return store.position().revision
    finally:
        store.close()


@contextmanager
def remembering(
    folder: Path,
    store: Path | None = None,
    environment: dict[str, str] | None = None,
    before: str = "",
    more: str = "",
) -> Iterator[Remembering]:
    """Run a server with a store in which an alias is revoked and one kept, and a copy of it; ``more`` is settings."""
    folder.mkdir()
    state = folder / "state"
    state.mkdir(mode=0o700)
    path = store or folder / "memory.sqlite"
    settings = f"STORE: sqlite:{path}\n{more}"
    arguments = ("--state", str(state))
    with served(
        folder / "served", more=settings, arguments=arguments, environment=environment, before=before
    ) as running:
        made = Remembering(running, path, state, environment or {})
        made.keep(KEPT)
        made.revoke()
        made.wait_until_refused()
        made.wait_for_copy()
        yield made


_PARTS = ("", "-wal", "-shm")
"""The ends of the names of the files of one store (https://www.sqlite.org/tempfiles.html)."""


def _move(source: Path, target: Path) -> None:
    for part in _PARTS:
        with suppress(FileNotFoundError):
            os.unlink(f"{target}{part}")
        with suppress(FileNotFoundError):
            os.replace(f"{source}{part}", f"{target}{part}")


def _aside(one: Remembering) -> Path:
    return one.store.with_name("aside")


def _rename(one: Remembering) -> None:
    _move(one.store, _aside(one))


def _replace(one: Remembering, prepared: Path) -> None:
    """Put a file into the place of the store in one step, so that the server sees one fault; leave the store aside."""
    for part in _PARTS[1:]:
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
                _check_undisturbed(table, name, asker)
            running.server.stop()
            running.mark_log()
            running.server.start()
            with asking(running.server) as asker:
                table.require(name, "refused after a restart, by the copy", one.is_refused())
                table.require(name, "kept after a restart, by the copy", one.is_kept())
                table.require(name, "logged after the restart", running.log.count(LOST) == 1)
                _move(_aside(one), one.store)
                running.wait_for_metric("trualias_store_in_use", 1)
                table.require(name, "refused after the store's return", one.is_refused())
                table.require(name, "kept after the store's return", one.is_kept())
                one.revoke("foo-next-4")
                table.at_most(name, "a command in force after", one.wait_until_refused("foo-next-4"), IN_FORCE)
                _check_undisturbed(table, name, asker)


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
    time.sleep(1)  # some looks more
    lines = running.log.count(LOST)
    table.add(case, f"lines in the log: {lines}", "1", lines == 1)
    health = running.page("healthz")
    table.require(case, "healthz says so", health.startswith("ok") and LOST in health)
    done = one.command("alias", "revoke", ACTIVE)
    table.add(case, f"a command exits with {done.returncode}", "2", done.returncode == 2 and bool(done.stderr))
    table.require(case, "a refused command changes nothing", not one.is_refused(ACTIVE))


def _check_undisturbed(table: Table, case: str, asker: Asker) -> None:
    table.at_most(case, "longest wait of a lookup", asker.latencies().longest, UNDISTURBED)


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
            _move(_aside(one), one.store)
            running.wait_for_metric("trualias_store_in_use", 1)
            table.require(case, "then refused and kept as before", one.is_refused() and one.is_kept())
            unknown = running.server.ask(b"get other")
            table.require(case, "and an unknown one is not found", unknown[:3] == b"500")
            _check_undisturbed(table, case, asker)


@contextmanager
def _small_disk(folder: Path, table: Table, case: str) -> Iterator[Path | None]:
    """Mount a file system of 4 MiB in memory; omit the case without the right to do so."""
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        table.omit(case, "a file system cannot be mounted")
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=PATIENCE)


def full_disk(folder: Path, table: Table) -> None:
    """Fill the disk: a change is refused as a whole, and done when there is room again."""
    with _small_disk(folder / "full-disk", table, "disk full") as disk:
        if disk is None:
            return
        with remembering(folder / "full", disk / "memory.sqlite") as one, asking(one.running.server) as asker:
            filler = disk / "filler"
            with filler.open("wb", 0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            # Some changes still find room in the last page of the journal.
            refused = 0
            for number in range(50):
                refused += one.command("alias", "note", REVOKED, f"{number} " * 500).returncode != 0
                if refused:
                    break
            table.require("disk full", "a change is refused", refused > 0)
            table.require("disk full", "the revoked alias stays refused", one.is_refused())
            filler.unlink()
            one.revoke(ACTIVE)
            table.at_most("room again", "a command in force after", one.wait_until_refused(ACTIVE), IN_FORCE)
            store = SqliteStore(str(one.store))
            table.require("disk full", "the store is whole", store.check() == [])
            store.close()
            _check_undisturbed(table, "disk full", asker)


_ALIASES = [f"foo-ab{chr(97 + number // 26)}{chr(97 + number % 26)}-4@example.com" for number in range(400)]
_SENDERS = [f"news@{name}.test" for name in "abcde"]


def _deliver(port: int) -> bool:
    """Report a mail of each sender to each alias to the policy service; return whether each reply was DUNNO."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, connection.makefile("rb") as replies:
        are_right = True
        for number, sender in enumerate(_SENDERS):
            more = [("RCPT", f"recipient={alias}") for alias in _ALIASES]
            for state, line in (*more, ("END-OF-MESSAGE", f"recipient_count={len(_ALIASES)}")):
                request = f"request=smtpd_access_policy\nprotocol_state={state}\ninstance={number}.{number}\n"
                connection.sendall(f"{request}sender={sender}\n{line}\n\n".encode())
                are_right &= replies.readline() + replies.readline() == b"action=DUNNO\n\n"
    return are_right


def counting_on_full_disk(folder: Path, table: Table) -> None:
    """Fill the disk, and accept mail: its counts wait until there is room, and none is lost."""
    case = "disk full while counting"
    with _small_disk(folder / "counting-disk", table, case) as disk:
        if disk is None:
            return
        policy = free_port()
        more = f"ALIAS DOMAINS: example.com\nLISTEN: policy tcp:{policy}:interface=127.0.0.1\n"
        with remembering(folder / "counting", disk / "memory.sqlite", more=more) as one:
            running = one.running
            with asking(running.server) as asker:
                filler = disk / "filler"
                with filler.open("wb", 0) as file, suppress(OSError):
                    while True:
                        file.write(bytes(4096))
                running.mark_log()
                table.require(case, "each request gets DUNNO", _deliver(policy))
                running.wait_for_log("cannot be counted now, and wait: ")
                time.sleep(2)  # some attempts more
                table.require(case, "logged once", running.log.count("cannot be counted now") == 1)
                table.require(case, "the counts wait", running.metric("trualias_memory_pending") > 0)
                table.require(case, "the revoked alias stays refused", one.is_refused())
                filler.unlink()
                seconds = running.wait_for_log("deliveries to aliases are counted again")
                table.at_most("room again", "counted again after", seconds, NOTICED)
                running.wait_for_metric("trualias_memory_pending", 0)
                dropped = running.metric("trualias_memory_dropped_total")
                _check_undisturbed(table, case, asker)
            store = SqliteStore(str(one.store))
            counted = {entry.key: entry.accepted for entry in store.entries() if entry.accepted}
            table.require("room again", "the store is whole", store.check() == [])
            store.close()
            lost = len(_ALIASES) * len(_SENDERS) - sum(counted.values())
            table.add("room again", f"lost: {lost}, dropped: {dropped:g}", "0", lost == dropped == 0)


_DROP = (
    "import ctypes\n"
    "_libc = ctypes.CDLL(None)\n"
    "_header, _sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
    "assert _libc.capget(_header, _sets) == 0\n"
    "for _number in range(2): _sets[_number] &= ~2\n"
    "assert _libc.capset(_header, _sets) == 0\n"
)
"""Python that gives up CAP_DAC_OVERRIDE, by which root writes read-only files (capabilities(7))."""


def read_only(folder: Path, table: Table) -> None:
    """Make the file read-only: changes are refused, and lookups go on, also after a restart."""
    with remembering(folder / "read-only", before=_DROP) as one:
        with asking(one.running.server) as asker:
            one.store.chmod(0o400)
            done = one.command("alias", "revoke", ACTIVE, before=_DROP)
            table.add("read-only", f"a command exits with {done.returncode}", "2", done.returncode == 2)
            table.require("read-only", "it says why", "readonly" in done.stderr)
            table.require("read-only", "the revoked alias stays refused", one.is_refused())
            _check_undisturbed(table, "read-only", asker)
        one.running.server.stop()
        one.running.server.start()
        with asking(one.running.server):
            table.require("read-only", "refused after a restart", one.is_refused())
            # SQLite gives the files beside the store its mode.
            for part in _PARTS:
                with suppress(FileNotFoundError):
                    os.chmod(f"{one.store}{part}", 0o600)
            done = one.command("alias", "revoke", ACTIVE, before=_DROP)
            table.add("writable again", f"a command exits with {done.returncode}", "0", done.returncode == 0)
            table.at_most("writable again", "in force after", one.wait_until_refused(ACTIVE), IN_FORCE)


def locked(folder: Path, table: Table, seconds: float = 30) -> None:
    """Lock the store for some time, as another process that writes."""
    with remembering(folder / "locked") as one, asking(one.running.server) as asker:
        program = (
            "import sqlite3, sys, time\n"
            "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "database.execute('BEGIN EXCLUSIVE')\n"
            "print('locked', flush=True)\n"
            "time.sleep(float(sys.argv[2]))\n"
        )
        command = [sys.executable, "-c", program, str(one.store), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout is not None
                holder.stdout.readline()
                begun = time.monotonic()
                done = one.command("alias", "revoke", ACTIVE)
                table.at_most("locked", "a command gives up after", time.monotonic() - begun, 15)
                table.require("locked", "it says why", done.returncode == 2 and "locked" in done.stderr)
                table.require("locked", "the revoked alias stays refused", one.is_refused())
                holder.wait(timeout=seconds + PATIENCE)
            finally:
                holder.kill()
        one.revoke(ACTIVE)
        table.at_most("unlocked", "a command in force after", one.wait_until_refused(ACTIVE), IN_FORCE)
        table.require("unlocked", "the store is used", one.running.metric("trualias_store_in_use") == 1)
        _check_undisturbed(table, "locked", asker)


_WRITER = """
import sys
from trualias.lookup.alias_states import AliasState
from trualias.store.records import Change, Kept, Use
from trualias.store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
for number in range(int(sys.argv[2]), 10**9):
    names = [f"{name}{number}" for name in "ab"]
    store.change([Change(f"{name}@", name, AliasState.REVOKED) for name in names], "root", number)
    store.keep([Kept(f"kept-{name}@", f"kept-{name}", "foo") for name in names], "imported 2", "root", number)
    uses = [Use(f"used-{name}@", f"used-{name}", "foo", "x.example", number * 9999, number * 9999, 1) for name in names]
    store.count(uses, number, keeps_senders=True)
    print(number, store.position().revision, flush=True)
"""


def killed_writers(folder: Path, table: Table, rounds: int = 25) -> None:
    """Kill a process that changes, keeps and counts, again and again: nothing that it acknowledged is lost."""
    path = folder / "killed.sqlite"
    create(str(path))
    chance = random.Random(25)
    last, revision, lost, torn = -1, 0, 0, 0
    for _ in range(rounds):
        command = [sys.executable, "-c", _WRITER, str(path), str(last + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(chance.randrange(1, 60))]
            writer.kill()
            lines += writer.stdout.read().splitlines(keepends=True)
        last, revision = map(int, [line for line in lines if line.endswith("\n")][-1].split())
        store = SqliteStore(str(path))
        if store.check():
            raise Fault(f"integrity_check: {store.check()[0]}")
        known = {entry.key: entry for entry in store.entries()}
        lost += store.position().revision < revision
        for prefix in ("", "kept-", "used-"):
            pairs = [(f"{prefix}a{number}@" in known, f"{prefix}b{number}@" in known) for number in range(last + 2)]
            lost += sum(pair != (True, True) for pair in pairs[: last + 1])
            torn += pairs[last + 1] not in ((True, True), (False, False))
        last += pairs[last + 1] == (True, True)
        store.close()
    table.add(f"SIGKILL, {rounds} times", f"lost: {lost}, half-written: {torn}", "0", lost == torn == 0)
    table.add(f"SIGKILL, {rounds} times", f"integrity_check is ok; {last + 1} batches", "some", last >= rounds)


def clock_set_back(folder: Path, table: Table) -> None:
    """Set the clock back by a year after an alias has ended: it stays revoked, also after a restart."""
    library = built("shifted_clock", folder, table, "clock set back")
    if library is None:
        return
    shift = folder / "shift"
    shift.write_text("0")
    environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)}
    with remembering(folder / "clock", environment=environment) as one:
        with asking(one.running.server):
            now = time.time()
            store = SqliteStore(str(one.store))
            store.change([Change(f"{ACTIVE}@", ACTIVE, AliasState.ACTIVE, None, now + 1)], "root", now)
            store.close()
            one.wait_until_refused(ACTIVE)
            shift.write_text(str(-365 * 86_400))
            one.revoke("foo-back-4")
            seconds = one.wait_until_refused("foo-back-4")
            table.at_most("clock set back", "a command in force after", seconds, IN_FORCE)
            table.require("clock set back", "what has ended stays so", one.is_refused(ACTIVE))
        one.running.server.stop()
        one.running.server.start()
        table.require("clock set back", "after a restart as well", one.is_refused(ACTIVE) and one.is_refused())


ELSEWHERE = (("damaged copy of the states", "test_follower, test_store_service"),)


def run(folder: Path, say: Say) -> None:
    """Run all cases."""
    cases = (
        lost_stores,
        adopted_store,
        nothing_left,
        full_disk,
        counting_on_full_disk,
        read_only,
        locked,
        killed_writers,
        clock_set_back,
    )
    run_cases(cases, ELSEWHERE, folder, say)
