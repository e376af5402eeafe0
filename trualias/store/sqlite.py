"""A store in a file of SQLite (https://www.sqlite.org)."""

from __future__ import annotations

import math
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain, count
from typing import Any
from urllib.parse import quote

from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState
from trualias.store import guess_counting, sender_reports
from trualias.store.counting import count_uses
from trualias.store.guesses import GuessedAccount, Guesses, GuessingNetwork
from trualias.store.interface import (
    ALL,
    IMPORTS,
    Change,
    Composed,
    Counted,
    Entry,
    Kept,
    Origin,
    Position,
    Selection,
    Sender,
    SenderDomain,
    SenderOfAlias,
    StoreChanged,
    StoreUnusable,
    TrailLine,
    Use,
    idle_remark,
    keep_or,
)
from trualias.store.keeping import add_composed, keep_aliases
from trualias.store.lock_text import decode_lock, encode_lock
from trualias.store.migrations import MIGRATIONS
from trualias.store.retention import removals
from trualias.store.selecting import selecting

BUSY_SECONDS = 5.0
"""The longest wait for another process that writes."""

IDLE_SECONDS = 60.0
"""The least time between two looks for aliases that are not used."""

_DAY = 86_400

_APPLICATION = 0x74727561
"""Marks the file as one of trualias (PRAGMA application_id)."""


def create(path: str) -> None:
    """Make a store, which its owner can write and its group read, unless there is one; raise `StoreUnusable`.

    The file appears at the path when it is complete, so that a crash leaves no half of a store. If root makes it, it
    belongs to the owner of its folder.
    """
    new = f"{path}.new-{os.getpid()}"
    try:
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
        try:
            with _translated(new):
                _fill(new)
            if os.geteuid() == 0:  # a command makes the store of a server without privileges
                folder = os.stat(os.path.dirname(os.path.abspath(path)))
                os.chown(new, folder.st_uid, folder.st_gid)
            with suppress(FileExistsError):  # another server made it meanwhile
                os.link(new, path)
        finally:
            os.unlink(new)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}") from error


def _fill(path: str) -> None:
    database = _connect(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        _migrate(database, 0)
        database.execute("INSERT INTO store (identity, revision) VALUES (?, 1)", (uuid.uuid4().hex,))
        database.execute("COMMIT")
    finally:
        database.close()


def upgrade(path: str) -> str:
    """Bring a store of an older version up to date; raise `StoreUnusable`.

    Return the path of the copy that was made of it before, empty if it was up to date.
    """
    with _translated(path):
        database = _connect(path)
        try:
            version = _schema_version(database, path)
            if version == len(MIGRATIONS):
                return ""
            copy = _unused_name(f"{path}.version-{version}")
            _copy_to(database, copy)
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            if _schema_version(database, path) != version or _version_of(copy) != version:
                # Another process was faster, and has a copy of its own.
                database.execute("ROLLBACK")
                os.unlink(copy)
                return ""
            _migrate(database, version)
            database.execute("COMMIT")
            return copy
        finally:
            database.close()


def _unused_name(path: str) -> str:
    """Return a path, or if there is such a file, the path with the first number that no file has, from 2 on."""
    names = chain([path], (f"{path}-{number}" for number in count(2)))
    return next(name for name in names if not os.path.lexists(name))


def _version_of(path: str) -> int:
    database = _connect(path)
    try:
        return _schema_version(database, path)
    finally:
        database.close()


def _schema_version(database: sqlite3.Connection, path: str) -> int:
    """Return the version of a store's schema; raise `StoreUnusable` for a file that is none, and for a newer one."""
    [application] = database.execute("PRAGMA application_id").fetchone()
    [version] = database.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise StoreUnusable(f"{path} is no store of trualias")
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} is of a newer trualias: its schema has version {version}, and this one knows {len(MIGRATIONS)}"
        )
    return int(version)


def _copy_to(database: sqlite3.Connection, path: str) -> None:
    """Copy a database to a new file, with the permissions of a store; raise `StoreUnusable`."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}") from error
    try:
        database.execute("VACUUM INTO ?", (path,))
    except BaseException:
        os.unlink(path)
        raise


def _migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the schema up to date, within the transaction that is open."""
    for statements in MIGRATIONS[version:]:
        for statement in filter(str.strip, statements.split(";")):
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _connect(path: str, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    # Never makes a file: an empty one would look like an empty memory.
    return sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?mode=rw",
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn the exceptions of the database into `StoreUnusable`."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:  # ValueError: of a state that this version does not know
        raise StoreUnusable(f"{path}: {error}") from error


class _NotDurable(Exception):
    """A transaction changes states, and would not be on disk when it is committed."""


class SqliteStore:
    """A store in an existing file; see `Store`. ``busy_seconds`` is the longest wait for another process."""

    def __init__(self, path: str, busy_seconds: float = BUSY_SECONDS) -> None:
        if not os.path.exists(path):
            raise StoreUnusable(f"there is no {path}")
        self._path = path
        self._idle_seen = -math.inf
        with _translated(path):
            self._database = _connect(path, busy_seconds)
            try:
                version = _schema_version(self._database, path)
                if version < len(MIGRATIONS):
                    raise StoreUnusable(
                        f"{path} is of an older trualias; trualias store upgrade, or the start of a server, upgrades it"
                    )
                # A change of states is on disk when it is acknowledged.
                self._database.execute("PRAGMA synchronous = FULL")
            except BaseException:
                self._database.close()
                raise

    def position(self) -> Position:
        """Return the position."""
        with _translated(self._path):
            row = self._database.execute("SELECT identity, revision FROM store").fetchone()
        if row is None:
            raise StoreUnusable(f"{self._path} has no identity")
        return Position(*row)

    def version(self) -> int:
        """Return a number that changes when another process has changed the store."""
        with _translated(self._path):
            [version] = self._database.execute("PRAGMA data_version").fetchone()
            return int(version)

    def states(self, after: int = 0) -> Iterator[tuple[AliasKey, AliasRecord]]:
        """Yield the aliases that changed after a revision, with their records."""
        with _translated(self._path):
            rows = self._database.execute(
                "SELECT key, state, iif(kept, account, ''), lock, expires, resumes"
                " FROM alias WHERE revision > max(?, 0)",
                (after,),
            )
            for key, *fields in rows:
                yield key, _record(*fields)

    def known(self, after: int = 0) -> Iterator[tuple[int, AliasKey, bool]]:
        """Yield the aliases that became known or were forgotten after a number; see `Store.known`."""
        with _translated(self._path):
            rows = "SELECT number, key, NOT forgotten FROM alias WHERE number > ? ORDER BY number"
            for number, key, is_known in self._database.execute(rows, (after,)):
                yield number, key, bool(is_known)

    def entries(self, selection: Selection = ALL) -> Iterator[Entry]:
        """Yield the wanted aliases."""
        with _translated(self._path):
            for row in self._database.execute(*selecting(_ENTRY, selection)):
                yield _entry(row)

    def entry(self, key: AliasKey) -> Entry | None:
        """Return an alias; None if the store does not know it."""
        with _translated(self._path):
            row = self._database.execute(f"{_ENTRY} WHERE NOT forgotten AND key = ?", (key,)).fetchone()
            return None if row is None else _entry(row)

    def neighbours(self, key: AliasKey, most: int) -> list[str]:
        """Return the addresses whose keys are next to a key: at most ``most`` before it, and as many from it on."""
        known = "SELECT key, address FROM alias WHERE NOT forgotten AND key"
        with _translated(self._path):
            before = self._database.execute(f"{known} < ? ORDER BY key DESC LIMIT ?", (key, most)).fetchall()
            after = self._database.execute(f"{known} >= ? ORDER BY key LIMIT ?", (key, most)).fetchall()
        return [_address(key, address) for key, address in [*reversed(before), *after]]

    def senders(self, key: AliasKey) -> list[Sender]:
        """Return the senders of an alias, the one that wrote last first."""
        with _translated(self._path):
            return sender_reports.senders(self._database, key)

    def senders_of(self, domain: str, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders in a domain and its subdomains, the one that wrote last first."""
        with _translated(self._path):
            return sender_reports.senders_of(self._database, domain, selection)

    def sender_domains(self, selection: Selection = ALL) -> list[SenderDomain]:
        """Return the domains of all senders, the one with the last mail first."""
        with _translated(self._path):
            return sender_reports.sender_domains(self._database, selection)

    def strangers(self, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders that were not expected, the one that wrote first last."""
        with _translated(self._path):
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

    def trail(self, key: AliasKey) -> list[TrailLine]:
        """Return the changes of an alias, the oldest first."""
        with _translated(self._path):
            rows = self._database.execute(
                "SELECT at, actor, before, after, note FROM trail WHERE key = ? ORDER BY number", (key,)
            )
            return [
                TrailLine(at, actor, _state(before), _state(after), note) for at, actor, before, after, note in rows
            ]

    def change(self, changes: Sequence[Change], actor: str, now: float, based_on: int | None = None) -> int:
        """Make all changes or none; return the revision once they are on disk; see `Store.change`."""
        with self._transaction():
            revision = self.position().revision + 1
            if based_on is not None and revision != based_on + 1:
                raise StoreChanged
            self._write(changes, revision, actor, now)
            self._database.execute("UPDATE store SET revision = ?", (revision,))
        return revision

    def keep(self, kept: Sequence[Kept], note: str, actor: str, now: float, based_on: int | None = None) -> int:
        """Keep all aliases or none; see `Store.keep`."""
        with self._transaction():
            revision = self.position().revision + 1
            if based_on is not None and revision != based_on + 1:
                raise StoreChanged
            keep_aliases(self._database, kept, revision, now)
            self._database.execute(
                "INSERT INTO trail (key, at, actor, note) VALUES (?, ?, ?, ?)", (IMPORTS, now, actor, note)
            )
            self._database.execute("UPDATE store SET revision = ?", (revision,))
        return revision

    def kept_accounts(self) -> list[tuple[str, str, int]]:
        """Return the accounts and domains of kept aliases, with their numbers; see `Store.kept_accounts`."""
        with _translated(self._path):
            return self._database.execute(
                "SELECT account, substr(key, instr(key, '@') + 1) AS domain, count(*) FROM alias"
                " WHERE kept AND NOT forgotten GROUP BY account, domain ORDER BY account, domain"
            ).fetchall()

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
        with _translated(self._path):
            self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            with self._transaction():
                tally = count_uses(self._database, uses, keeps_senders=keeps_senders)
                if tally.decisions and not durable:
                    raise _NotDurable
                last = max((use.last for use in uses if use.accepted), default=None)
                if last is not None:
                    counted = "UPDATE store SET counted = max(coalesce(counted, 0), ?)"
                    self._database.execute(counted, (last,))
                for decision in tally.decisions.values():
                    revision = self.position().revision + 1
                    self._write([decision], revision, "trualias", now)
                    self._database.execute("UPDATE store SET revision = ?", (revision,))
        finally:
            self._database.execute("PRAGMA synchronous = FULL")
        return Counted(tuple(tally.new), sum(tally.beyond), bool(tally.decisions))

    def count_guesses(self, guesses: Sequence[Guesses]) -> None:
        """Add guesses, in one transaction; see `Store.count_guesses`."""
        try:
            with _translated(self._path):
                self._database.execute("PRAGMA synchronous = NORMAL")
            with self._transaction():
                guess_counting.count_guesses(self._database, guesses)
        finally:
            self._database.execute("PRAGMA synchronous = FULL")

    def guessed_accounts(self, account: str | None = None) -> list[GuessedAccount]:
        """Return the accounts whose aliases were guessed at, or one of them, the one with the most guesses first."""
        with _translated(self._path):
            return guess_counting.guessed_accounts(self._database, account)

    def guessing_networks(self) -> list[GuessingNetwork]:
        """Return the networks that guesses came from, the one with the most guesses first."""
        with _translated(self._path):
            return guess_counting.guessing_networks(self._database)

    def make_due_changes(self, now: float) -> bool:
        """Make the changes whose time has come, each once for all processes; return whether there were any."""
        with _translated(self._path):
            has_due = self._database.execute(f"{_ENTRY} WHERE {_DUE}", (now, now)).fetchone() is not None
            if not has_due and not self._has_idle(now):
                return False
        with self._transaction():
            found = self._database.execute(f"{_ENTRY} WHERE {_DUE}", (now, now)).fetchall()
            changes = {row[0]: _due_change(_entry(row), now) for row in found}
            if self._counts(now):
                for row in self._database.execute(f"{_ENTRY} WHERE {_IDLE}", (now,)).fetchall():
                    changes.setdefault(row[0], _idle_change(_entry(row)))
            if not changes:
                return False
            revision = self.position().revision + 1
            self._write([*changes.values()], revision, "trualias", now)
            self._database.execute("UPDATE store SET revision = ?", (revision,))
        return True

    def _has_idle(self, now: float) -> bool:
        """Return whether an alias has not been used for too long, and mail is counted; look at that once a minute."""
        if abs(now - self._idle_seen) < IDLE_SECONDS:
            return False
        self._idle_seen = now
        return self._counts(now) and self.idle(now) > 0

    def _counts(self, now: float) -> bool:
        """Return whether a mail was counted in the last day."""
        [counted] = self._database.execute("SELECT counted FROM store").fetchone()
        return counted is not None and counted >= now - _DAY

    def counts_since(self) -> float | None:
        """Return when the first alias became known by mail; None if none has."""
        with _translated(self._path):
            [first] = self._database.execute("SELECT min(created) FROM alias WHERE origin = 'used'").fetchone()
            return None if first is None else float(first)

    def idle(self, now: float) -> int:
        """Return the number of aliases that were not used for too long, and are not revoked yet."""
        with _translated(self._path):
            [number] = self._database.execute(f"SELECT count(*) FROM alias WHERE {_IDLE}", (now,)).fetchone()
            return int(number)

    def adopt(
        self, changes: Sequence[Change], position: Position, actor: str, now: float, based_on: int | None = None
    ) -> None:
        """Make the changes, and take over a position; see `Store.adopt`."""
        with self._transaction():
            if based_on is not None and self.position().revision != based_on:
                raise StoreChanged
            if position.revision <= self.position().revision:
                raise StoreUnusable(f"{self._path} has reached revision {self.position().revision} meanwhile")
            self._write(changes, position.revision, actor, now)
            self._database.execute(
                "UPDATE store SET identity = ?, revision = ?", (position.identity, position.revision)
            )

    def _write(self, changes: Sequence[Change], revision: int, actor: str, now: float) -> None:
        for change in changes:
            before = self.entry(change.key)
            note = change.note if change.note is not None else before.note if before else ""
            states = (before and before.state.value, change.state and change.state.value)
            trail = (change.key, now, actor, *states, change.remark or note)
            if change.state is None:
                self._forget(change.key, revision, now)
                trail = (change.key, now, actor, None, None, "forgotten")
            else:
                # An alias that becomes known again has a new number.
                self._database.execute("DELETE FROM alias WHERE key = ? AND forgotten", (change.key,))
                kept_for = keep_or(change.kept_for, before.account if before and before.kept else "")
                self._database.execute(
                    _CHANGE,
                    {
                        "key": change.key,
                        "address": "" if change.address == change.key.removesuffix("@") else change.address,
                        "account": kept_for or (before.account if before else ""),
                        "kept": int(bool(kept_for)),
                        "state": change.state.value,
                        "lock": encode_lock(keep_or(change.lock, before.lock if before else None)),
                        "note": note,
                        "now": now,
                        "expires": change.expires,
                        "resumes": change.resumes,
                        "expires_after": keep_or(change.expires_after, before.expires_after if before else None),
                        "expires_idle": keep_or(change.expires_idle, before.expires_idle if before else None),
                        "revision": revision,
                    },
                )
            self._database.execute(
                "INSERT INTO trail (key, at, actor, before, after, note) VALUES (?, ?, ?, ?, ?, ?)", trail
            )

    def _forget(self, key: AliasKey, revision: int, now: float) -> None:
        """Remove what is known of an alias. A row of the key and the revision stays, for other processes to see."""
        self._database.execute("DELETE FROM trail WHERE key = ?", (key,))
        self._database.execute("DELETE FROM sender WHERE alias = (SELECT number FROM alias WHERE key = ?)", (key,))
        self._database.execute("DELETE FROM alias WHERE key = ?", (key,))
        self._database.execute(
            "INSERT INTO alias (key, address, origin, state, created, changed, revision, forgotten)"
            " VALUES (?, '', '', 'active', ?, ?, ?, 1)",
            (key, now, now, revision),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back already
                    self._database.execute("ROLLBACK")
                raise

    def check(self) -> list[str]:
        """Return the faults that the database finds in itself."""
        with _translated(self._path):
            return [fault for (fault,) in self._database.execute("PRAGMA integrity_check") if fault != "ok"]

    def backup(self, path: str) -> None:
        """Write a copy of the store to a new file, with the permissions of a store."""
        with _translated(path):
            _copy_to(self._database, path)

    def close(self) -> None:
        """Release the store."""
        self._database.close()


_CHANGE = """
    INSERT INTO alias (key, address, origin, account, kept, state, lock, note, created, changed, expires, resumes,
                       expires_after, expires_idle, revision)
    VALUES (:key, :address, 'command', :account, :kept, :state, :lock, :note, :now, :now, :expires, :resumes,
            :expires_after, :expires_idle, :revision)
    ON CONFLICT (key) DO UPDATE SET
        account = excluded.account, kept = excluded.kept, state = excluded.state, lock = excluded.lock,
        note = excluded.note, changed = excluded.changed, expires = excluded.expires, resumes = excluded.resumes,
        expires_after = excluded.expires_after, expires_idle = excluded.expires_idle, revision = excluded.revision
"""

_ENTRY = """
    SELECT key, address, state, note, changed, expires, resumes, account, origin, kept, lock, words, created,
           first_seen, last_seen, accepted, refused, expires_after, expires_idle,
           (SELECT count(*) FROM sender WHERE sender.alias = alias.number)
    FROM alias
"""


@lru_cache(maxsize=1_000)  # of a million aliases, most have the same few records
def _record(state: str, kept_for: str, lock: str | None, expires: float | None, resumes: float | None) -> AliasRecord:
    if not kept_for and lock is None and expires is None and resumes is None:
        return RECORDS[AliasState(state)]
    locks = () if lock is None else (decode_lock(lock),)
    return AliasRecord(AliasState(state), kept_for, locks, expires, resumes)


def _entry(row: Sequence[Any]) -> Entry:
    key, address, state, note, changed, expires, resumes, account, origin, kept, lock, words, *rest = row
    return Entry(
        key,
        _address(key, address),
        AliasState(state),
        note,
        changed,
        expires,
        resumes,
        account,
        Origin(origin),
        bool(kept),
        None if lock is None else decode_lock(lock),
        tuple(words.split()),
        *rest,
    )


def _address(key: AliasKey, address: str) -> str:
    """Return the address of a row, which has it only where it is spelled otherwise than the key."""
    return address or key.removesuffix("@")


_DUE = "(expires <= ? OR resumes <= ?)"

_IDLE = (
    "expires_idle IS NOT NULL AND NOT forgotten AND state <> 'revoked'"
    f" AND max(coalesce(last_seen, 0), changed) + {_DAY} * expires_idle <= ?"
)


def _due_change(entry: Entry, now: float) -> Change:
    if entry.expires is not None and entry.expires <= now:
        return Change(entry.key, entry.address, AliasState.REVOKED, remark="expired at its date")
    state = AliasState.ACTIVE if entry.state.is_paused else entry.state
    return Change(entry.key, entry.address, state, expires=entry.expires, remark="the pause has ended")


def _idle_change(entry: Entry) -> Change:
    assert entry.expires_idle is not None
    return Change(entry.key, entry.address, AliasState.REVOKED, remark=idle_remark(entry.expires_idle))


def _state(name: str | None) -> AliasState | None:
    return None if name is None else AliasState(name)
