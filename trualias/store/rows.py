"""The rows of aliases in a store of SQLite, the changes that are due by time, and the SQL of both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState
from trualias.store.lock_text import decode_lock
from trualias.store.records import (
    Change,
    Entry,
    Origin,
    idle_remark,
)

DAY = 86_400
"""The seconds of a day."""

CHANGE = """
    INSERT INTO alias (key, address, origin, account, kept, state, lock, note, created, changed, expires, resumes,
                       expires_after, expires_idle, revision)
    VALUES (:key, :address, 'command', :account, :kept, :state, :lock, :note, :now, :now, :expires, :resumes,
            :expires_after, :expires_idle, :revision)
    ON CONFLICT (key) DO UPDATE SET
        account = excluded.account, kept = excluded.kept, state = excluded.state, lock = excluded.lock,
        note = excluded.note, changed = excluded.changed, expires = excluded.expires, resumes = excluded.resumes,
        expires_after = excluded.expires_after, expires_idle = excluded.expires_idle, revision = excluded.revision
"""

ENTRY = """
    SELECT key, address, state, note, changed, expires, resumes, account, origin, kept, lock, words, created,
           first_seen, last_seen, accepted, refused, expires_after, expires_idle,
           (SELECT count(*) FROM sender WHERE sender.alias = alias.number)
    FROM alias
"""


@lru_cache(maxsize=1_000)  # of a million aliases, most have the same few records
def record_of(state: str, kept_for: str, lock: str | None, expires: float | None, resumes: float | None) -> AliasRecord:
    """Return the record of an alias, of its values in a row; raise `ValueError` for what this version does not know."""
    if not kept_for and lock is None and expires is None and resumes is None:
        return RECORDS[AliasState(state)]
    locks = () if lock is None else (decode_lock(lock),)
    return AliasRecord(AliasState(state), kept_for, locks, expires, resumes)


def entry_of(row: Sequence[Any]) -> Entry:
    """Return the entry of a row that `ENTRY` selects; raise `ValueError` for what this version does not know."""
    key, address, state, note, changed, expires, resumes, account, origin, kept, lock, words, *rest = row
    return Entry(
        key,
        address_of(key, address),
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


def address_of(key: AliasKey, address: str) -> str:
    """Return the address of a row, which has it only where it is spelled otherwise than the key."""
    return address or key.removesuffix("@")


DUE = "(expires <= ? OR resumes <= ?)"

IDLE = (
    "expires_idle IS NOT NULL AND NOT forgotten AND state <> 'revoked'"
    f" AND max(coalesce(last_seen, 0), changed) + {DAY} * expires_idle <= ?"
)


def due_change(entry: Entry, now: float) -> Change:
    """Return the change of an alias that `DUE` selects at a time, in seconds since 1970."""
    if entry.expires is not None and entry.expires <= now:
        return Change(entry.key, entry.address, AliasState.REVOKED, remark="expired at its date")
    state = AliasState.ACTIVE if entry.state.is_paused else entry.state
    return Change(entry.key, entry.address, state, expires=entry.expires, remark="the pause has ended")


def idle_change(entry: Entry) -> Change:
    """Return the change of an alias that `IDLE` selects."""
    assert entry.expires_idle is not None
    return Change(entry.key, entry.address, AliasState.REVOKED, remark=idle_remark(entry.expires_idle))


def state_of(name: str | None) -> AliasState | None:
    """Return the state of a name; None for None."""
    return None if name is None else AliasState(name)
