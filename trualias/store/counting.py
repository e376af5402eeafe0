"""The counting of deliveries in a store of SQLite: rows of aliases, of their senders, and of accounts by day.

The functions run within a transaction of their caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from operator import attrgetter

from attrs import Factory, evolve, frozen

from trualias.lookup.alias_states import AliasState
from trualias.lookup.expected_senders import is_expected, registrable_domain
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.store.bulk_counting import FEWEST, add_to_known
from trualias.store.lock_text import decode_lock
from trualias.store.records import (
    OTHER_SENDERS,
    Change,
    Use,
)

MOST_NEW = 500
"""The most aliases of an account that become known by mail in one day of UTC."""

MOST_SENDERS = 100
"""The most senders of an alias that are kept; the others are one sum."""

FIRST_SENDERS = 50
"""The senders with accepted mail that are never given up for later ones."""

_MOST_KNOWN = 0.5
"""The share of known aliases in some uses above which it is worth a try to add each half of them together."""

EARLY_SECONDS = 7 * 86_400
"""Seconds after the first mail in which its senders make their domains expected ones."""


@frozen
class Tally:
    """The result of a batch: the keys that became known, mails that are only in a sum, and the changes that it decides.

    Each alias is changed once for each reason.
    """

    new: list[str] = Factory(list)
    decisions: dict[tuple[str, str], Change] = Factory(dict)
    beyond: list[int] = Factory(list)


@frozen
class _Row:
    number: int
    account: str
    kept: int
    words: str
    first_seen: int | None
    accepted: int
    state: str
    lock: str | None
    expires_after: int | None
    expires: float | None
    resumes: float | None


_ALIAS = """
    SELECT number, account, kept, words, first_seen, accepted, state, lock, expires_after, expires, resumes
    FROM alias WHERE key = ? AND NOT forgotten
"""


def count_uses(database: sqlite3.Connection, uses: Sequence[Use], *, keeps_senders: bool) -> Tally:
    """Add uses, and return what they come to."""
    tally = Tally()
    ordered = sorted(uses, key=attrgetter("key", "first"))
    _count(database, ordered, tally, keeps_senders=keeps_senders)
    # Its senders are those of the aliases in the domains.
    _count_each(database, _in_all_domains(database, ordered), tally, keeps_senders=False)
    return tally


_EVERYWHERE = "substr(key, -1) = '@' AND (lock IS NOT NULL OR expires_after IS NOT NULL OR expires_idle IS NOT NULL)"
"""Selects the aliases of all domains that mail can change; the index ``alias_everywhere`` has them."""


def _in_all_domains(database: sqlite3.Connection, uses: Sequence[Use]) -> list[Use]:
    """Return the accepted uses once more, as those of the alias of all domains, where that is locked or ends by use.

    Mail is for an alias in its domain, and without this the one of all domains would never have any.
    """
    if database.execute(f"SELECT 1 FROM alias WHERE {_EVERYWHERE} LIMIT 1").fetchone() is None:
        return []
    by_key: dict[str, list[Use]] = {}
    for use in uses:
        local_part, _, domain = use.key.rpartition("@")
        if use.accepted and domain:
            by_key.setdefault(f"{local_part}@", []).append(use)
    marks = ", ".join("?" * len(by_key))
    found = database.execute(
        f"SELECT key FROM alias WHERE key IN ({marks}) AND NOT forgotten AND {_EVERYWHERE}", (*by_key,)
    ).fetchall()
    return [evolve(use, key=key, address=use.address.rpartition("@")[0]) for (key,) in found for use in by_key[key]]


def _count(database: sqlite3.Connection, uses: Sequence[Use], tally: Tally, *, keeps_senders: bool) -> None:
    """Add uses: those of known aliases and senders together, the others one by one."""
    share = 0.0 if len(uses) < FEWEST else add_to_known(database, uses, keeps_senders=keeps_senders)
    if share < _MOST_KNOWN:
        _count_each(database, uses, tally, keeps_senders=keeps_senders)
    elif share < 1:
        middle = len(uses) // 2
        for half in (uses[:middle], uses[middle:]):
            _count(database, half, tally, keeps_senders=keeps_senders)


def _count_each(database: sqlite3.Connection, uses: Sequence[Use], tally: Tally, *, keeps_senders: bool) -> None:
    for use in uses:
        found = database.execute(_ALIAS, (use.key,)).fetchone()
        row = _make_known(database, use, tally) if found is None else _Row(*found)
        if row is None:
            continue
        _add(database, use, row)
        if keeps_senders and use.sender is not None:
            _add_sender(database, use, row)
        _decide(use, row, tally)


def _make_known(database: sqlite3.Connection, use: Use, tally: Tally) -> _Row | None:
    """Add an alias; return None if its mail was only refused, and if its account has too many new ones today."""
    if use.refused and not use.accepted:
        return None
    day = int(use.last // 86_400)
    found = database.execute("SELECT new FROM account_day WHERE account = ? AND day = ?", (use.account, day)).fetchone()
    is_new = found is None or found[0] < MOST_NEW
    database.execute(
        "INSERT INTO account_day VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET new = new + excluded.new, beyond = beyond + excluded.beyond",
        (use.account, day, int(is_new), 0 if is_new else use.accepted),
    )
    if not is_new:
        tally.beyond.append(use.accepted)
        return None
    # Other processes must still see that it was forgotten, and find it by its new number.
    forgotten = database.execute("DELETE FROM alias WHERE key = ? RETURNING revision", (use.key,)).fetchone()
    address = "" if use.address == use.key.removesuffix("@") else use.address
    words = " ".join(use.words)
    inserted = database.execute(
        "INSERT INTO alias (key, address, account, origin, state, words, created, changed, revision)"
        " VALUES (?, ?, ?, 'used', 'active', ?, ?, ?, ?)",
        (use.key, address, use.account, words, use.first, use.first, 0 if forgotten is None else forgotten[0]),
    )
    tally.new.append(use.key)
    number = inserted.lastrowid
    assert number is not None
    return _Row(number, use.account, 0, words, None, 0, AliasState.ACTIVE.value, None, None, None, None)


def _add(database: sqlite3.Connection, use: Use, row: _Row) -> None:
    if not use.accepted:
        database.execute("UPDATE alias SET refused = refused + ? WHERE number = ?", (use.refused, row.number))
        return
    database.execute(
        """
        UPDATE alias SET accepted = accepted + :accepted, refused = refused + :refused,
            account = iif(kept, account, :account), words = iif(words = '', :words, words),
            first_seen = min(coalesce(first_seen, :first), :first), last_seen = max(coalesce(last_seen, 0), :last)
        WHERE number = :number
        """,
        {
            "accepted": use.accepted,
            "refused": use.refused,
            "account": use.account,
            "words": " ".join(use.words),
            "first": int(use.first),
            "last": int(use.last),
            "number": row.number,
        },
    )


def _add_sender(database: sqlite3.Connection, use: Use, row: _Row) -> None:
    """Add mails of a sender. Where there are too many senders, others are given up for it, or it is one of them."""
    assert use.sender is not None
    added = database.execute(
        "UPDATE sender SET accepted = accepted + ?, refused = refused + ?, first_seen = min(first_seen, ?),"
        " last_seen = max(last_seen, ?) WHERE alias = ? AND sender = ?",
        (use.accepted, use.refused, int(use.first), int(use.last), row.number, use.sender),
    )
    if added.rowcount:
        return
    sender = use.sender
    [number] = database.execute(
        "SELECT count(*) FROM sender WHERE alias = ? AND sender <> ?", (row.number, OTHER_SENDERS)
    ).fetchone()
    if number >= MOST_SENDERS and not _give_one_up(database, row.number, for_accepted=bool(use.accepted)):
        sender = OTHER_SENDERS
    expected = sender == OTHER_SENDERS or _is_expected(database, use, row)
    _put_sender(database, (row.number, sender, int(use.first), int(use.last), use.accepted, use.refused, int(expected)))


def _put_sender(database: sqlite3.Connection, values: tuple[int, str, int, int, int, int, int]) -> None:
    database.execute(
        "INSERT INTO sender VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),"
        " accepted = accepted + excluded.accepted, refused = refused + excluded.refused",
        values,
    )


def _give_one_up(database: sqlite3.Connection, alias: int, *, for_accepted: bool) -> bool:
    """Move a sender to the sum of the others: one that was only refused, else one after the first; False if none."""
    refused = "SELECT * FROM sender WHERE alias = ? AND accepted = 0 AND sender <> ? ORDER BY last_seen, sender LIMIT 1"
    victim = database.execute(refused, (alias, OTHER_SENDERS)).fetchone()
    if victim is None and for_accepted:
        victim = database.execute(
            "SELECT * FROM (SELECT * FROM sender WHERE alias = ? AND sender <> ? ORDER BY first_seen, sender"
            " LIMIT -1 OFFSET ?) ORDER BY last_seen, sender LIMIT 1",
            (alias, OTHER_SENDERS, FIRST_SENDERS),
        ).fetchone()
    if victim is None:
        return False
    _, sender, first_seen, last_seen, accepted, refused_mails, _ = victim
    database.execute("DELETE FROM sender WHERE alias = ? AND sender = ?", (alias, sender))
    _put_sender(database, (alias, OTHER_SENDERS, first_seen, last_seen, accepted, refused_mails, 1))
    return True


def _is_expected(database: sqlite3.Connection, use: Use, row: _Row) -> bool:
    assert use.sender is not None
    if use.sender == "":
        return True
    if use.sender == MALFORMED_SENDER:
        return False
    first = int(use.first) if row.first_seen is None else row.first_seen
    if use.accepted and use.first <= first + EARLY_SECONDS:
        return True
    early = database.execute(
        "SELECT sender FROM sender WHERE alias = ? AND accepted > 0 AND first_seen <= ? AND sender NOT IN ('', ?, ?)",
        (row.number, first + EARLY_SECONDS, MALFORMED_SENDER, OTHER_SENDERS),
    )
    words = row.words.split() or use.words
    return is_expected(words, _domain(use.sender), [_domain(sender) for (sender,) in early])


def _decide(use: Use, row: _Row, tally: Tally) -> None:
    """Lock an alias that waits for its first sender, and end one that takes a number of mails."""
    if not use.accepted:
        return
    lock = None if row.lock is None else decode_lock(row.lock)
    is_sender = use.sender not in (None, "", MALFORMED_SENDER)
    if lock is not None and lock.first and not lock.senders and is_sender:
        assert use.sender is not None
        domain = _domain(use.sender)
        found = Lock((registrable_domain(domain) or domain,), first=True)
        reason = "locked to the first sender"
        times = (row.expires, row.resumes)
        change = Change(use.key, use.address, AliasState(row.state), None, *times, lock=found, remark=reason)
        tally.decisions.setdefault((use.key, reason), change)
    is_over = row.expires_after is not None and row.accepted + use.accepted >= row.expires_after
    if is_over and row.state != AliasState.REVOKED.value:
        reason = f"expired after {row.expires_after} mails"
        change = Change(use.key, use.address, AliasState.REVOKED, remark=reason)
        tally.decisions.setdefault((use.key, reason), change)


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]
