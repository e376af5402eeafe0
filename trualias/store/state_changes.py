"""The changes of aliases in a store of SQLite: their rows, and the lines of the trail.

The functions run within a transaction of their caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from trualias.lookup.alias_states import AliasKey
from trualias.store.lock_text import encode_lock
from trualias.store.records import Change, Entry, TrailLine, keep_or
from trualias.store.rows import ENTRY, entry_of
from trualias.store.trail import add_line

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


def find_entry(database: sqlite3.Connection, key: AliasKey) -> Entry | None:
    """Return an alias; None if the store does not know it."""
    row = database.execute(f"{ENTRY} WHERE NOT forgotten AND key = ?", (key,)).fetchone()
    return None if row is None else entry_of(row)


def write_changes(
    database: sqlite3.Connection, changes: Iterable[Change], revision: int, actor: str, now: float
) -> None:
    """Make changes at a revision, each with its line in the trail."""
    for change in changes:
        before = find_entry(database, change.key)
        note = change.note if change.note is not None else before.note if before else ""
        line = TrailLine(now, actor, None if before is None else before.state, change.state, change.remark or note)
        if change.state is None:
            _forget(database, change.key, revision, now)
            line = TrailLine(now, actor, None, None, "forgotten")
        else:
            # An alias that becomes known again has a new number.
            database.execute("DELETE FROM alias WHERE key = ? AND forgotten", (change.key,))
            kept_for = keep_or(change.kept_for, before.account if before and before.kept else "")
            database.execute(
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
        add_line(database, change.key, line)


def _forget(database: sqlite3.Connection, key: AliasKey, revision: int, now: float) -> None:
    """Remove what is known of an alias. A row of the key and the revision stays, for other processes to see."""
    database.execute("DELETE FROM trail WHERE key = ?", (key,))
    database.execute("DELETE FROM sender WHERE alias = (SELECT number FROM alias WHERE key = ?)", (key,))
    database.execute("DELETE FROM alias WHERE key = ?", (key,))
    database.execute(
        "INSERT INTO alias (key, address, origin, state, created, changed, revision, forgotten)"
        " VALUES (?, '', '', 'active', ?, ?, ?, 1)",
        (key, now, now, revision),
    )
