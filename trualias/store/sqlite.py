"""A store in a file of SQLite (https://www.sqlite.org)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from trualias.lookup.alias_states import AliasKey, AliasRecord
from trualias.store import guess_counting, sender_reports
from trualias.store.counting import count_uses
from trualias.store.due_changes import DueChanges
from trualias.store.guesses import GuessedAccount, Guesses, GuessingNetwork
from trualias.store.interface import StoreChanged, StoreUnusable
from trualias.store.keeping import add_composed, keep_aliases, kept_accounts
from trualias.store.migrations import MIGRATIONS
from trualias.store.records import (
    ALL,
    IMPORTS,
    Change,
    Composed,
    Counted,
    Entry,
    Kept,
    Position,
    Selection,
    Sender,
    SenderDomain,
    SenderOfAlias,
    TrailLine,
    Use,
)
from trualias.store.retention import advance, removals
from trualias.store.rows import ENTRY, address_of, entry_of, record_of
from trualias.store.selecting import selecting
from trualias.store.sqlite_file import BUSY_SECONDS, connect, copy_to, schema_version, transaction, translated
from trualias.store.state_changes import find_entry, write_changes
from trualias.store.trail import add_line, trail_of


class _NotDurable(Exception):
    """A transaction changes states, and would not be on disk when it is committed."""


class SqliteStore:
    """A store in an existing file; see `Store`. ``busy_seconds`` is the longest wait for another process."""

    def __init__(self, path: str, busy_seconds: float = BUSY_SECONDS) -> None:
        try:
            os.stat(path)
        except FileNotFoundError:
            raise StoreUnusable(f"there is no {path}") from None
        except OSError as error:  # such as a folder that this user may not search
            raise StoreUnusable(f"{path}: {error.strerror}") from error
        self._path = path
        with translated(path):
            self._database = connect(path, busy_seconds)
            try:
                version = schema_version(self._database, path)
                if version < len(MIGRATIONS):
                    raise StoreUnusable(
                        f"{path} is of an older trualias; trualias store upgrade, or the start of a server, upgrades it"
                    )
            except BaseException:
                self._database.close()
                raise
        self._due = DueChanges(self._database)

    def position(self) -> Position:
        """Return the position."""
        with translated(self._path):
            row = self._database.execute("SELECT identity, revision FROM store").fetchone()
        if row is None:
            raise StoreUnusable(f"{self._path} has no identity")
        return Position(*row)

    def version(self) -> int:
        """Return a number that changes when another process has changed the store."""
        with translated(self._path):
            [version] = self._database.execute("PRAGMA data_version").fetchone()
            return int(version)

    def states(self, after: int = 0) -> Iterator[tuple[AliasKey, AliasRecord]]:
        """Yield the aliases that changed after a revision, with their records."""
        with translated(self._path):
            rows = self._database.execute(
                "SELECT key, state, iif(kept, account, ''), lock, expires, resumes"
                " FROM alias WHERE revision > max(?, 0)",
                (after,),
            )
            for key, *fields in rows:
                yield key, record_of(*fields)

    def known(self, after: int = 0) -> Iterator[tuple[int, AliasKey, bool]]:
        """Yield the aliases that became known or were forgotten after a number; see `Store.known`."""
        with translated(self._path):
            rows = "SELECT number, key, NOT forgotten FROM alias WHERE number > ? ORDER BY number"
            for number, key, is_known in self._database.execute(rows, (after,)):
                yield number, key, bool(is_known)

    def entries(self, selection: Selection = ALL) -> Iterator[Entry]:
        """Yield the wanted aliases."""
        with translated(self._path):
            for row in self._database.execute(*selecting(ENTRY, selection)):
                yield entry_of(row)

    def entry(self, key: AliasKey) -> Entry | None:
        """Return an alias; None if the store does not know it."""
        with translated(self._path):
            return find_entry(self._database, key)

    def neighbours(self, key: AliasKey, most: int) -> list[str]:
        """Return the addresses whose keys are next to a key: at most ``most`` before it, and as many from it on."""
        known = "SELECT key, address FROM alias WHERE NOT forgotten AND key"
        with translated(self._path):
            before = self._database.execute(f"{known} < ? ORDER BY key DESC LIMIT ?", (key, most)).fetchall()
            after = self._database.execute(f"{known} >= ? ORDER BY key LIMIT ?", (key, most)).fetchall()
        return [address_of(key, address) for key, address in [*reversed(before), *after]]

    def senders(self, key: AliasKey) -> list[Sender]:
        """Return the senders of an alias, the one that wrote last first."""
        with translated(self._path):
            return sender_reports.senders(self._database, key)

    def senders_of(self, domain: str, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders in a domain and its subdomains, the one that wrote last first."""
        with translated(self._path):
            return sender_reports.senders_of(self._database, domain, selection)

    def has_senders(self) -> bool:
        """Return whether any sender is known; see `Store.has_senders`."""
        with translated(self._path):
            return sender_reports.has_senders(self._database)

    def sender_domains(self, selection: Selection = ALL) -> list[SenderDomain]:
        """Return the domains of all senders, the one with the last mail first."""
        with translated(self._path):
            return sender_reports.sender_domains(self._database, selection)

    def strangers(self, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders that were not expected, the one that wrote first last."""
        with translated(self._path):
            return sender_reports.strangers(self._database, selection)

    def forget_senders(self, sender: str, selection: Selection = ALL) -> int:
        """Remove what is known of an address, or of all senders in a domain and its subdomains; return the rows."""
        with self._transaction():
            return sender_reports.forget_senders(self._database, sender, selection)

    def forget_old(self, now: float, keep_senders_days: int, pause: Callable[[], None] = lambda: None) -> int:
        """Remove what is kept for a time alone, in many short transactions; see `Store.forget_old`."""
        removed = 0
        for statement, parameters in removals(self._database, now, keep_senders_days):
            with self._transaction():
                removed += self._database.execute(statement, parameters).rowcount
            pause()
        return removed

    def retention_time(self, now: float) -> float:
        """Return the time up to which what is old may be removed; see `Store.retention_time`."""
        with self._transaction():
            return advance(self._database, now)

    def trail(self, key: AliasKey) -> list[TrailLine]:
        """Return the changes of an alias, the oldest first."""
        with translated(self._path):
            return trail_of(self._database, key)

    def change(self, changes: Sequence[Change], actor: str, now: float, based_on: int | None = None) -> int:
        """Make all changes or none; return the revision once they are on disk; see `Store.change`."""
        with self._transaction():
            revision = self._next_revision(based_on)
            write_changes(self._database, changes, revision, actor, now)
        return revision

    def keep(self, kept: Sequence[Kept], note: str, actor: str, now: float, based_on: int | None = None) -> int:
        """Keep all aliases or none; see `Store.keep`."""
        with self._transaction():
            revision = self._next_revision(based_on)
            keep_aliases(self._database, kept, revision, now)
            add_line(self._database, IMPORTS, TrailLine(now, actor, None, None, note))
        return revision

    def _next_revision(self, based_on: int | None = None) -> int:
        """Increment the revision, and return it; raise `StoreChanged` if it was not ``based_on``."""
        revision = self.position().revision + 1
        if based_on is not None and revision != based_on + 1:
            raise StoreChanged
        self._database.execute("UPDATE store SET revision = ?", (revision,))
        return revision

    def kept_accounts(self) -> list[tuple[str, str, int]]:
        """Return the accounts and domains of kept aliases, with their numbers; see `Store.kept_accounts`."""
        with translated(self._path):
            return kept_accounts(self._database)

    def add_composed(self, composed: Sequence[Composed], now: float) -> None:
        """Make composed aliases known; see `Store.add_composed`."""
        with self._transaction():
            add_composed(self._database, composed, now)

    def count(self, uses: Sequence[Use], now: float, *, keeps_senders: bool) -> Counted:
        """Add uses, in one transaction; see `Store.count`."""
        try:
            return self._count(uses, now, keeps_senders=keeps_senders, durable=False)
        except _NotDurable:
            # States are changed, too: a revision that a server has in force must not be lost.
            return self._count(uses, now, keeps_senders=keeps_senders, durable=True)

    def _count(self, uses: Sequence[Use], now: float, *, keeps_senders: bool, durable: bool) -> Counted:
        with self._transaction(durable=durable):
            tally = count_uses(self._database, uses, keeps_senders=keeps_senders)
            if tally.decisions and not durable:
                raise _NotDurable
            last = max((use.last for use in uses if use.accepted), default=None)
            if last is not None:
                self._database.execute("UPDATE store SET counted = max(coalesce(counted, 0), ?)", (last,))
            for decision in tally.decisions.values():
                write_changes(self._database, [decision], self._next_revision(), "trualias", now)
        return Counted(tuple(tally.new), sum(tally.beyond), bool(tally.decisions))

    def count_guesses(self, guesses: Sequence[Guesses]) -> None:
        """Add guesses, in one transaction; see `Store.count_guesses`."""
        with self._transaction(durable=False):
            guess_counting.count_guesses(self._database, guesses)

    def guessed_accounts(self, account: str | None = None) -> list[GuessedAccount]:
        """Return the accounts whose aliases were guessed at, or one of them, the one with the most guesses first."""
        with translated(self._path):
            return guess_counting.guessed_accounts(self._database, account)

    def guessing_networks(self) -> list[GuessingNetwork]:
        """Return the networks that guesses came from, the one with the most guesses first."""
        with translated(self._path):
            return guess_counting.guessing_networks(self._database)

    def make_due_changes(self, now: float) -> bool:
        """Make the changes whose time has come, each once for all processes; return whether there were any."""
        with translated(self._path):
            if not self._due.are_there(now):
                return False
        with self._transaction():
            changes = self._due.find(now)
            if changes:
                write_changes(self._database, changes, self._next_revision(), "trualias", now)
        return bool(changes)

    def counts_since(self) -> float | None:
        """Return when the first alias became known by mail; None if none has."""
        with translated(self._path):
            [first] = self._database.execute("SELECT min(created) FROM alias WHERE origin = 'used'").fetchone()
            return None if first is None else float(first)

    def idle(self, now: float) -> int:
        """Return the number of aliases that were not used for too long, and are not revoked yet."""
        with translated(self._path):
            return self._due.idle(now)

    def adopt(
        self, changes: Sequence[Change], position: Position, actor: str, now: float, based_on: int | None = None
    ) -> None:
        """Make the changes, and take over a position; see `Store.adopt`."""
        with self._transaction():
            if based_on is not None and self.position().revision != based_on:
                raise StoreChanged
            if position.revision <= self.position().revision:
                raise StoreUnusable(f"{self._path} has reached revision {self.position().revision} meanwhile")
            write_changes(self._database, changes, position.revision, actor, now)
            self._database.execute(
                "UPDATE store SET identity = ?, revision = ?", (position.identity, position.revision)
            )

    def _transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        return transaction(self._database, self._path, durable=durable)

    def check(self) -> list[str]:
        """Return the faults that the database finds in itself."""
        with translated(self._path):
            return [fault for (fault,) in self._database.execute("PRAGMA integrity_check") if fault != "ok"]

    def backup(self, path: str) -> None:
        """Write a copy of the store to a new file, with the permissions of a store."""
        with translated(path):
            copy_to(self._database, path)

    def close(self) -> None:
        """Release the store."""
        self._database.close()
