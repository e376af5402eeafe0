"""Faults of the store in which the states of aliases are kept.

In each case ordinary lookups go on, a revoked alias stays refused, and a kept one is found: by the states in memory,
and after a restart by the copy of them. The metric, one line of the log and ``/healthz`` show that the store is not
used, and commands refuse changes.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

from faults import hindered_stores, lost_stores
from faults.case import Fault, Say
from faults.lookups import asking
from faults.preload import built
from faults.remembering import ACTIVE, IN_FORCE, remembering
from faults.table import Table, run_cases
from trualias.lookup.alias_states import AliasState
from trualias.store.records import Change
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.testing.live import ENVIRONMENT

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
        *(lost_stores.lost_stores, lost_stores.adopted_store, lost_stores.nothing_left),
        *(hindered_stores.full_disk, hindered_stores.counting_on_full_disk),
        *(hindered_stores.read_only, hindered_stores.locked),
        killed_writers,
        clock_set_back,
    )
    run_cases(cases, ELSEWHERE, folder, say)
