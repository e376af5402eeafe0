"""The trail in a store of SQLite: the changes of aliases, and the imports."""

from __future__ import annotations

import sqlite3

from trualias.lookup.alias_states import AliasKey, AliasState
from trualias.store.records import TrailLine


def add_line(database: sqlite3.Connection, key: AliasKey, line: TrailLine) -> None:
    """Add a line to the trail of an alias, or to that of `IMPORTS`."""
    names = (line.before and line.before.value, line.after and line.after.value)
    database.execute(
        "INSERT INTO trail (key, at, actor, before, after, note) VALUES (?, ?, ?, ?, ?, ?)",
        (key, line.at, line.actor, *names, line.note),
    )


def trail_of(database: sqlite3.Connection, key: AliasKey) -> list[TrailLine]:
    """Return the lines of an alias, or of `IMPORTS`, the oldest first; raise `ValueError` for an unknown state."""
    rows = database.execute("SELECT at, actor, before, after, note FROM trail WHERE key = ? ORDER BY number", (key,))
    return [TrailLine(at, actor, _state_of(before), _state_of(after), note) for at, actor, before, after, note in rows]


def _state_of(name: str | None) -> AliasState | None:
    return None if name is None else AliasState(name)
