"""A server with a store, and the lookups that must not notice what happens to it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from faults.case import Fault
from faults.lookups import Asker
from faults.served import Served, served
from faults.table import Table
from trualias.store.records import Kept
from trualias.store.sqlite import SqliteStore
from trualias.store.states_copy import copy_file_name
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, wait_until

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


PARTS = ("", "-wal", "-shm")
"""The ends of the names of the files of one store (https://www.sqlite.org/tempfiles.html)."""


def move(source: Path, target: Path) -> None:
    """Move the files of a store into the place of those of another one."""
    for part in PARTS:
        with suppress(FileNotFoundError):
            os.unlink(f"{target}{part}")
        with suppress(FileNotFoundError):
            os.replace(f"{source}{part}", f"{target}{part}")


def check_undisturbed(table: Table, case: str, asker: Asker) -> None:
    """Add a line: whether the longest wait of a lookup was that of an undisturbed server."""
    table.at_most(case, "longest wait of a lookup", asker.latencies().longest, UNDISTURBED)
