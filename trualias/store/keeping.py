"""The aliases that become known to a store of SQLite without mail: kept ones, which no statement accepts, and composed.

Those that write run within a transaction of their caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from trualias.store.records import Composed, Kept

_KEEP = """
    INSERT INTO alias (key, address, origin, account, kept, state, words, created, changed, first_seen, last_seen,
                       accepted, revision)
    VALUES (:key, :address, 'imported', :account, 1, 'active', :words, :now, :now, :first_seen, :last_seen, :accepted,
            :revision)
    ON CONFLICT (key) DO UPDATE SET
        account = excluded.account, kept = 1, revision = excluded.revision,
        words = iif(words = '', excluded.words, words),
        first_seen = min(coalesce(first_seen, excluded.first_seen), coalesce(excluded.first_seen, first_seen)),
        last_seen = max(coalesce(last_seen, excluded.last_seen), coalesce(excluded.last_seen, last_seen)),
        accepted = max(accepted, excluded.accepted)
"""


def keep_aliases(database: sqlite3.Connection, kept: Sequence[Kept], revision: int, now: float) -> None:
    """Keep aliases at a revision; their states, locks and notes stay as they are.

    Mails that were counted before are not counted again: the greater number stands.
    """
    # An alias that becomes known again has a new number.
    database.executemany("DELETE FROM alias WHERE key = ? AND forgotten", ((one.key,) for one in kept))
    database.executemany(_KEEP, (_row(one, revision, now) for one in kept))


def _row(kept: Kept, revision: int, now: float) -> dict[str, object]:
    return {
        "key": kept.key,
        "address": "" if kept.address == kept.key.removesuffix("@") else kept.address,
        "account": kept.account,
        "words": " ".join(kept.words),
        "now": now,
        "first_seen": kept.first_seen,
        "last_seen": kept.last_seen,
        "accepted": kept.accepted,
        "revision": revision,
    }


def kept_accounts(database: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Return the accounts and domains of kept aliases, with their numbers; see `Store.kept_accounts`."""
    return database.execute(
        "SELECT account, substr(key, instr(key, '@') + 1) AS domain, count(*) FROM alias"
        " WHERE kept AND NOT forgotten GROUP BY account, domain ORDER BY account, domain"
    ).fetchall()


def add_composed(database: sqlite3.Connection, composed: Iterable[Composed], now: float) -> None:
    """Make composed aliases known; those that are known already stay as they are."""
    for one in composed:
        # Other processes must still see that it was forgotten, and find it by its new number.
        forgotten = database.execute("DELETE FROM alias WHERE key = ? AND forgotten RETURNING revision", (one.key,))
        [revision] = forgotten.fetchone() or (0,)
        address = "" if one.address == one.key.removesuffix("@") else one.address
        database.execute(
            "INSERT INTO alias (key, address, account, origin, state, words, created, changed, revision)"
            " VALUES (?, ?, ?, 'composed', 'active', ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (one.key, address, one.account, " ".join(one.words), now, now, revision),
        )
