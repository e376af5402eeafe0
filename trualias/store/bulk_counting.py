"""The counting of mail for aliases and senders that a store of SQLite knows already: two statements for many uses.

Each statement by itself is a moment in which the thread that writes and the one that answers contend for the
interpreter's lock. One after another for each use, they would cost the other thread a fifth of its speed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from attrs import define

from trualias.store.records import Use

FEWEST = 8
"""The fewest uses for which the two statements are worth a try."""


@define
class _Sum:
    account: str
    words: str
    first: int
    last: int
    accepted: int
    refused: int


def add_to_known(database: sqlite3.Connection, uses: Sequence[Use], *, keeps_senders: bool) -> float:
    """Add all uses and return 1, if all are of known aliases and senders, and decide nothing.

    Otherwise add none, and return the share of the aliases or senders for which that is so.

    The dates and the account of an alias are those of its accepted mail. One that waits for its first sender, ends
    after a number of mails, or gets another account or its first words is left to the caller.
    """
    sums = _by_alias(uses)
    senders = [use for use in uses if keeps_senders and use.sender is not None]
    database.execute("SAVEPOINT known")
    share = _add_aliases(database, sums) / len(sums)
    if share == 1 and senders:
        share = _add_senders(database, senders) / len(senders)
    if share < 1:
        database.execute("ROLLBACK TO known")
    database.execute("RELEASE known")
    return share


def _by_alias(uses: Sequence[Use]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for use in uses:
        alias = sums.get(use.key)
        if alias is None:
            # Nearly all uses are of different aliases. The dates of one that was only refused are not written.
            first, last = int(use.first), int(use.last)
            sums[use.key] = _Sum(use.account, " ".join(use.words), first, last, use.accepted, use.refused)
            continue
        alias.refused += use.refused
        if use.accepted:
            first, last = int(use.first), int(use.last)
            alias.first = min(alias.first, first) if alias.accepted else first
            alias.last = max(alias.last, last) if alias.accepted else last
            alias.accepted += use.accepted
            alias.account = use.account
            alias.words = alias.words or " ".join(use.words)
    return sums


def _add_aliases(database: sqlite3.Connection, sums: dict[str, _Sum]) -> int:
    """Return the number of the aliases that are known, and not left to the caller.

    Their accounts and words are not written, since that would change an index each time.
    """
    values = [
        value
        for key, alias in sums.items()
        for value in (key, alias.account, alias.words, alias.first, alias.last, alias.accepted, alias.refused)
    ]
    return database.execute(
        f"""
        UPDATE alias SET
            accepted = alias.accepted + new.accepted,
            refused = alias.refused + new.refused,
            first_seen = iif(new.accepted, min(coalesce(alias.first_seen, new.first), new.first), alias.first_seen),
            last_seen = iif(new.accepted, max(coalesce(alias.last_seen, 0), new.last), alias.last_seen)
        FROM (
            WITH given (key, account, words, first, last, accepted, refused) AS (VALUES {_rows(len(sums), 7)})
            SELECT * FROM given
        ) AS new
        WHERE alias.key = new.key AND NOT alias.forgotten
            AND alias.expires_after IS NULL AND (alias.lock IS NULL OR alias.lock LIKE '[false%')
            AND (alias.account = new.account OR alias.kept OR NOT new.accepted)
            AND (alias.words <> '' OR new.words = '')
        """,
        values,
    ).rowcount


def _add_senders(database: sqlite3.Connection, uses: Sequence[Use]) -> int:
    """Return the number of the pairs of alias and sender that are known."""
    values = [
        value
        for use in uses
        for value in (use.key, use.sender, int(use.first), int(use.last), use.accepted, use.refused)
    ]
    return database.execute(
        f"""
        UPDATE sender SET
            accepted = sender.accepted + new.accepted,
            refused = sender.refused + new.refused,
            first_seen = min(sender.first_seen, new.first),
            last_seen = max(sender.last_seen, new.last)
        FROM (
            WITH given (key, sender, first, last, accepted, refused) AS (VALUES {_rows(len(uses), 6)})
            SELECT * FROM given
        ) AS new JOIN alias ON alias.key = new.key
        WHERE sender.alias = alias.number AND sender.sender = new.sender
        """,
        values,
    ).rowcount


def _rows(number: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * number)
