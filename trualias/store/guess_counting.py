"""The SQL of guesses in a store of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from trualias.store.guesses import OTHER_NETWORKS, GuessedAccount, Guesses, GuessExample, GuessingNetwork

MOST_NETWORKS = 1_000
"""The most networks of a day that are counted each; the others are one sum."""

MOST_EXAMPLES = 10
"""The examples of an account that are kept, the newest."""

LONGEST_EXAMPLE = 320
"""Characters of an example that are kept: a local part of 64, ``@`` and a domain of 255 (RFC 5321, 4.5.3.1)."""


def count_guesses(database: sqlite3.Connection, guesses: Sequence[Guesses]) -> None:
    """Add guesses, within a transaction of the caller."""
    for one in guesses:
        database.execute(
            "INSERT INTO guess_account VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (one.account, one.day, one.count),
        )
        _add_network(database, one)
        for address in one.examples[-MOST_EXAMPLES:]:
            _add_example(database, one, address[:LONGEST_EXAMPLE])


def _add_network(database: sqlite3.Connection, one: Guesses) -> None:
    add = "UPDATE guess_network SET count = count + ? WHERE day = ? AND network = ?"
    if database.execute(add, (one.count, one.day, one.network)).rowcount:
        return
    [number] = database.execute("SELECT count(*) FROM guess_network WHERE day = ?", (one.day,)).fetchone()
    database.execute(
        "INSERT INTO guess_network VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        (one.day, one.network if number < MOST_NETWORKS else OTHER_NETWORKS, one.count),
    )


def _add_example(database: sqlite3.Connection, one: Guesses, address: str) -> None:
    database.execute("DELETE FROM guess_example WHERE account = ? AND address = ?", (one.account, address))
    database.execute("INSERT INTO guess_example VALUES (?, ?, ?, ?)", (one.account, int(one.at), address, one.network))
    database.execute(
        "DELETE FROM guess_example WHERE rowid IN"
        " (SELECT rowid FROM guess_example WHERE account = ? ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (one.account, MOST_EXAMPLES),
    )


def guessed_accounts(database: sqlite3.Connection, account: str | None) -> list[GuessedAccount]:
    """Return the accounts whose aliases were guessed at, or one of them, the one with the most guesses first."""
    rows = database.execute(
        "SELECT account, sum(count) AS total, min(day), max(day) FROM guess_account WHERE ?1 IS NULL OR account = ?1"
        " GROUP BY account ORDER BY total DESC, account",
        (account,),
    )
    return [
        GuessedAccount(name, count, first_day, last_day, _examples(database, name))
        for name, count, first_day, last_day in rows.fetchall()
    ]


def _examples(database: sqlite3.Connection, account: str) -> tuple[GuessExample, ...]:
    rows = "SELECT address, network, at FROM guess_example WHERE account = ? ORDER BY at DESC, rowid DESC"
    return tuple([GuessExample(*row) for row in database.execute(rows, (account,))])


def guessing_networks(database: sqlite3.Connection) -> list[GuessingNetwork]:
    """Return the networks that guesses came from, the one with the most guesses first."""
    rows = database.execute(
        "SELECT network, sum(count) AS total, min(day), max(day) FROM guess_network"
        " GROUP BY network ORDER BY total DESC, network"
    )
    return [GuessingNetwork(*row) for row in rows]
