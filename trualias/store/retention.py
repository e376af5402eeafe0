"""The SQL that removes what a store of SQLite keeps for a time alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

DAY = 86_400
GUESS_DAYS = 30
TRAIL_DAYS = 400
SUM_DAYS = 400
"""Days for which the sums of an account's mail to addresses that did not become known are kept."""

SLICE = 5_000
"""Aliases, or lines of the trail, of one statement: some 10 ms."""

_COUNTS = "DELETE FROM account_day WHERE day < :day AND beyond = 0 OR day <= :day - :days"
"""Without a sum, a row only counts the new aliases of its day."""

_SENDERS = "DELETE FROM sender WHERE alias BETWEEN :first AND :last AND last_seen < :before"

_TRAIL = """
    DELETE FROM trail WHERE number BETWEEN :first AND :last AND at < :before
    AND EXISTS (SELECT 1 FROM trail AS later WHERE later.key = trail.key AND later.number > trail.number)
"""
"""The last change of an alias stays."""


def advance(database: sqlite3.Connection, now: float) -> float:
    """Return the time up to which what is old may be removed, and write it; see `Store.retention_time`."""
    [cleared, counted] = database.execute("SELECT cleared, counted FROM store").fetchone()
    before = counted if cleared is None else cleared
    if before is None:
        return now
    reached = min(now, before + DAY)
    # A clock that is set back, as before the network is there, does not count.
    database.execute("UPDATE store SET cleared = ?", (max(before, reached),))
    return float(reached)


Statement = tuple[str, dict[str, float]]


def removals(database: sqlite3.Connection, now: float, keep_senders_days: int) -> Iterator[Statement]:
    """Yield statements with their parameters, each of which removes a slice of what is too old at a time."""
    day = int(now // DAY)
    yield _COUNTS, {"day": day, "days": SUM_DAYS}
    for table in ("guess_account", "guess_network"):
        yield f"DELETE FROM {table} WHERE day <= :day", {"day": day - GUESS_DAYS}
    yield "DELETE FROM guess_example WHERE at < :before", {"before": now - GUESS_DAYS * DAY}
    for statement, largest, days in (
        (_SENDERS, "SELECT max(alias) FROM sender", keep_senders_days),
        (_TRAIL, "SELECT max(number) FROM trail", TRAIL_DAYS),
    ):
        [last] = database.execute(largest).fetchone()
        for first in range(1, (last or 0) + 1, SLICE):
            yield statement, {"first": first, "last": first + SLICE - 1, "before": now - days * DAY}
