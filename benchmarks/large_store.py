"""A store of a million aliases: its size, the commands that read it, and the states of all of them in memory.

The states are read in a process of its own: ``python -m benchmarks.large_store STORE CONFIGURATION`` prints the elapsed
time in seconds beside lookups, and the growth of its resident size in MB.
"""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from threading import Thread

from benchmarks import policies
from benchmarks.load import send_all
from benchmarks.report import Row, at_least, at_most, fact
from benchmarks.servers import ROOT, alias_server, resident, running
from trualias.configuration.tables import Table
from trualias.lookup.alias_states import AliasStates
from trualias.lookup.loading import load_snapshot
from trualias.lookup.tables import Lookup
from trualias.server.yielding_pause import YieldingPause
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.testing.live import free_port

ALIASES, ACCOUNTS = 1_000_000, 1_000
"""Each alias has two senders, and each account 1,000 aliases."""

DOMAINS, STRANGE = 50_000, 100
"""Domains of senders, and of how many senders one was not expected."""

REPEATS = 3
"""The runs of a command, of which the median counts."""

LOOKUPS = 5_000
"""Lookups a second while the states are loaded."""

ROUNDS, ROUND = 8, 20_000
"""Rounds of requests to a server with the states and to one without, and the requests of a round."""

START, DAY = 1_700_000_000, 86_400

_COMMAND = "import sys; from trualias.main import main; sys.exit(main())"

_POLICY = """STORE: sqlite:{path}
ALIAS DOMAINS: example.com
ACCOUNT account7 MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""


def _name(alias: int) -> str:
    return f"account{alias % ACCOUNTS}-shop{alias * 7919 % ALIASES}-s8"


def _aliases() -> Iterator[tuple[str | int, ...]]:
    for alias in range(ALIASES):
        first = START + alias * 60
        used = alias % 50 + 2
        yield (f"{_name(alias)}@example.com", _name(alias)[:-3].partition("-")[0], first, first + 9 * DAY, used, alias)


def _senders(aliases: Iterator[int], number: int) -> Iterator[tuple[str | int, ...]]:
    for alias in aliases:
        first = START + alias * 60 + number * DAY
        domain = f"mail.shop{(alias * 7919 + number) % DOMAINS}.example"
        yield alias + 1, domain, first, first + 9 * DAY, alias % 25 + 1, int((alias * 2 + number) % STRANGE != 1)


def make_store(path: str) -> None:
    """Make the store: aliases in the order of their first mail, and their second senders in any order."""
    create(path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO alias (key, address, account, origin, state, words, created, changed, first_seen, last_seen,"
        " accepted) VALUES (?1, '', ?2, 'used', 'active', 'shop' || ?6, ?3, ?3, ?3, ?4, ?5)",
        _aliases(),
    )
    second = list(range(ALIASES))
    random.Random(1).shuffle(second)
    for number, order in enumerate((range(ALIASES), second)):
        database.executemany("INSERT INTO sender VALUES (?, ?, ?, ?, ?, 0, ?)", _senders(iter(order), number))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def revoke_all(path: str) -> None:
    """Revoke all aliases."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("UPDATE alias SET state = 'revoked', revision = 2")
    database.execute("UPDATE store SET revision = 2")
    database.close()


def seconds_to_run(path: Path, *arguments: str) -> float:
    """Return the median processor time of a command, with the start of Python; what it prints goes to a file."""
    command = [sys.executable, "-c", _COMMAND, *arguments, "-c", str(path)]
    times = []
    for _ in range(REPEATS):
        before = os.times()
        with path.with_suffix(".out").open("wb") as output:
            subprocess.run(command, cwd=ROOT, stdout=output, check=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return median(times)


def run(folder: Path) -> list[Row]:
    """Return the rows of the table."""
    path, empty_path = folder / "large.sqlite", folder / "empty.sqlite"
    configuration, empty = folder / "large.conf", folder / "empty.conf"
    configuration.write_text(_POLICY.format(path=path), encoding="utf-8")
    empty.write_text(_POLICY.format(path=empty_path), encoding="utf-8")
    create(str(empty_path))
    make_store(str(path))
    store = f"store of {ALIASES} aliases, {2 * ALIASES} senders"
    rows = [at_most(f"{store}: file", path.stat().st_size / 1e6, 320, " MB")]
    start = seconds_to_run(empty, "alias", "list")
    for text, bound in (
        ("alias list --account account7", 0.3),
        (f"alias show {_name(7)}", 0.2),
        (f"senders shop{7 * 7919 % DOMAINS}.example", 2.0),
        ("leaks", 5.0),
    ):
        seconds = seconds_to_run(configuration, *text.split())
        case = f"{store}: {text}, processor, more than on an empty one"
        rows.append(at_most(case, seconds - start, bound, " s", f"{seconds:.2f} s in all"))
    rows.append(_removal(path, store))
    revoke_all(str(path))
    command = [sys.executable, "-m", "benchmarks.large_store", str(path), str(configuration)]
    elapsed, grown = map(float, subprocess.check_output(command, cwd=ROOT, text=True).split())
    return [
        *rows,
        at_most(f"states of {ALIASES} aliases: loaded beside {LOOKUPS} lookups a second", elapsed, 10.0, " s"),
        at_most(f"states of {ALIASES} aliases: resident size", grown, 200, " MB"),
        _lookups(folder, configuration.read_text(encoding="utf-8")),
    ]


def _removal(path: Path, name: str) -> Row:
    store = SqliteStore(str(path))
    clock = time.process_time()
    removed = store.forget_old(START + ALIASES * 30, 1)
    seconds = time.process_time() - clock
    store.close()
    return fact(f"{name}: removal of {removed} old rows, processor", f"{seconds:.2f} s")


def _lookups(folder: Path, text: str) -> Row:
    """Compare the rates of two servers, with the states in memory and without a store, for distinct keys."""
    servers = []
    with ExitStack() as stack:
        for name, policy in (("with", text), ("without", text.partition("\n")[2])):
            port, path = free_port(), folder / f"{name}.conf"
            path.write_text(policies.with_settings(policy, port), encoding="utf-8")
            servers.append(stack.enter_context(running(alias_server(path, virtual=True), port)))
        ratios, costs = [], []
        for number in range(ROUNDS):
            keys = range(number * ROUND, (number + 1) * ROUND)
            exchanges = [(f"get {_key(key)}\n".encode(), b"500 not found\n") for key in keys]
            order = servers if number % 2 else servers[::-1]
            measured = {server.pid: send_all(server, exchanges) for server in order}
            ratios.append(measured[servers[0].pid].rate / measured[servers[1].pid].rate)
            costs.append(tuple(measured[server.pid].cost * 1e6 for server in servers))
    costs_of_both = [median(column) for column in zip(*costs, strict=True)]
    note = "{:.1f} us, {:.1f} us".format(*costs_of_both)
    return at_least(f"lookups with states of {ALIASES} aliases in memory, to without", median(ratios), 0.9, note=note)


def load_states(path: str, table: Lookup) -> tuple[float, AliasStates]:
    """Read the states as a server does, beside lookups; return the elapsed seconds, and the states."""
    store = SqliteStore(path)
    loaded: list[AliasStates] = []
    thread = Thread(target=lambda: loaded.append(AliasStates.collect(store.states(), YieldingPause())))
    start = time.perf_counter()
    thread.start()
    made = 0
    while thread.is_alive():
        behind = (time.perf_counter() - start) * LOOKUPS - made
        if behind < 1:
            time.sleep(0.001)
        for _ in range(int(behind)):
            table(_key(made))
            made += 1
    elapsed = time.perf_counter() - start
    store.close()
    [states] = loaded
    assert len(states) == ALIASES
    return elapsed, states


def _key(number: int) -> str:
    return f"account7-{number}-s0@example.com"


def main(path: str, configuration: str) -> None:
    """Print the figures of the states."""
    table = load_snapshot(configuration).tables[Table.VIRTUAL]
    table(_key(0))
    before = resident(os.getpid())
    elapsed, _states = load_states(path, table)
    sys.stdout.write(f"{elapsed} {resident(os.getpid()) - before}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
