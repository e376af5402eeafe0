"""The changes of aliases that are due by time in a store of SQLite: at a date, or for want of mail."""

from __future__ import annotations

import math
import sqlite3

from trualias.lookup.alias_states import AliasState
from trualias.store.records import Change, Entry, idle_remark
from trualias.store.rows import DAY, ENTRY, entry_of

IDLE_SECONDS = 60.0
"""The least time between two searches for aliases that are not used."""

_DUE = "(expires <= ? OR resumes <= ?)"

_IDLE = (
    "expires_idle IS NOT NULL AND NOT forgotten AND state <> 'revoked'"
    f" AND max(coalesce(last_seen, 0), changed) + {DAY} * expires_idle <= ?"
)


class DueChanges:
    """Finds the changes that are due in a database; times are in seconds since 1970."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._idle_seen = -math.inf

    def are_there(self, now: float) -> bool:
        """Return whether a change is due; those for want of mail are looked for once in `IDLE_SECONDS`."""
        if self._database.execute(f"{ENTRY} WHERE {_DUE}", (now, now)).fetchone() is not None:
            return True
        if abs(now - self._idle_seen) < IDLE_SECONDS:
            return False
        self._idle_seen = now
        return self._is_counting(now) and self.idle(now) > 0

    def find(self, now: float) -> list[Change]:
        """Return the changes that are due, one for each alias."""
        found = self._database.execute(f"{ENTRY} WHERE {_DUE}", (now, now)).fetchall()
        changes = {row[0]: _due_change(entry_of(row), now) for row in found}
        if self._is_counting(now):
            for row in self._database.execute(f"{ENTRY} WHERE {_IDLE}", (self._trusted(now),)).fetchall():
                changes.setdefault(row[0], _idle_change(entry_of(row)))
        return [*changes.values()]

    def idle(self, now: float) -> int:
        """Return the number of aliases that were not used for too long, and are not revoked yet."""
        [number] = self._database.execute(f"SELECT count(*) FROM alias WHERE {_IDLE}", (self._trusted(now),)).fetchone()
        return int(number)

    def _trusted(self, now: float) -> float:
        """Return the time of day, but not that of a clock that was set far ahead."""
        [cleared] = self._database.execute("SELECT cleared FROM store").fetchone()
        return now if cleared is None else min(now, cleared + DAY)

    def _is_counting(self, now: float) -> bool:
        """Return whether a mail was counted in the last day."""
        [counted] = self._database.execute("SELECT counted FROM store").fetchone()
        return counted is not None and counted >= now - DAY


def _due_change(entry: Entry, now: float) -> Change:
    if entry.expires is not None and entry.expires <= now:
        return Change(entry.key, entry.address, AliasState.REVOKED, remark="expired at its date")
    state = AliasState.ACTIVE if entry.state.is_paused else entry.state
    return Change(entry.key, entry.address, state, expires=entry.expires, remark="the pause has ended")


def _idle_change(entry: Entry) -> Change:
    assert entry.expires_idle is not None
    return Change(entry.key, entry.address, AliasState.REVOKED, remark=idle_remark(entry.expires_idle))
