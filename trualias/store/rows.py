"""The rows of aliases in a store of SQLite, and what their values mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState
from trualias.store.lock_text import decode_lock
from trualias.store.records import Entry, Origin

DAY = 86_400
"""The seconds of a day."""

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
