"""The SQL of what is known of senders, in a store of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from trualias.store.records import ALL, Selection, Sender, SenderDomain, SenderOfAlias
from trualias.store.selecting import conditions_of

_SENDER = "sender.sender, sender.first_seen, sender.last_seen, sender.accepted, sender.refused, sender.expected"

_OF_ALIAS = f"""
    SELECT iif(alias.address = '', rtrim(alias.key, '@'), alias.address), alias.account, alias.words, {_SENDER}
    FROM sender CROSS JOIN alias ON alias.number = sender.alias
"""
"""The table of senders comes first: it is read as a whole, and the aliases of the few that are wanted are found."""

_IN_DOMAIN = "(sender.sender = ? OR substr(sender.sender, -?) IN (?, ?))"


_DOMAIN = "iif(instr(sender, '@'), substr(sender, length(rtrim(sender, replace(sender, '@', ''))) + 1), sender)"
"""What follows the last ``@``: all but this is what is left without the characters that are no ``@`` at the end."""


def _in_domain(domain: str) -> tuple[str | int, ...]:
    """Return the parameters of the condition that a sender is in a domain or one of its subdomains."""
    return domain, len(domain) + 1, f"@{domain}", f".{domain}"


def has_senders(database: sqlite3.Connection) -> bool:
    """Return whether any sender is known."""
    [has_any] = database.execute("SELECT EXISTS (SELECT 1 FROM sender)").fetchone()
    return bool(has_any)


def senders(database: sqlite3.Connection, key: str) -> list[Sender]:
    """Return the senders of an alias, the one that wrote last first."""
    rows = database.execute(
        f"SELECT {_SENDER} FROM alias JOIN sender ON sender.alias = alias.number WHERE key = ?"
        " ORDER BY sender.last_seen DESC, sender.sender",
        (key,),
    )
    return [_sender(row) for row in rows]


def senders_of(database: sqlite3.Connection, domain: str, selection: Selection) -> list[SenderOfAlias]:
    """Return the senders in a domain and its subdomains, the one that wrote last first."""
    conditions, parameters = conditions_of(selection)
    rows = database.execute(
        f"{_OF_ALIAS} WHERE {_IN_DOMAIN} AND {conditions} ORDER BY sender.last_seen DESC, key, sender.sender",
        (*_in_domain(domain), *parameters),
    )
    return _of_aliases(rows)


def strangers(database: sqlite3.Connection, selection: Selection) -> list[SenderOfAlias]:
    """Return the senders that were not expected, the one that wrote first last."""
    conditions, parameters = conditions_of(selection)
    rows = database.execute(
        f"{_OF_ALIAS} WHERE NOT sender.expected AND {conditions} ORDER BY sender.first_seen DESC, key, sender.sender",
        parameters,
    )
    return _of_aliases(rows)


def sender_domains(database: sqlite3.Connection, selection: Selection) -> list[SenderDomain]:
    """Return the domains of all senders, the one with the last mail first."""
    conditions, parameters = conditions_of(selection)
    within = "" if selection == ALL else f"WHERE alias IN (SELECT number FROM alias WHERE {conditions})"
    rows = database.execute(
        f"SELECT {_DOMAIN} AS domain, count(DISTINCT alias), min(first_seen), max(last_seen) AS last, sum(accepted),"
        f" sum(refused) FROM sender {within} GROUP BY domain ORDER BY last DESC, domain",
        parameters if within else (),
    )
    return [SenderDomain(*row) for row in rows]


def forget_senders(database: sqlite3.Connection, sender: str, selection: Selection) -> int:
    """Remove what is known of an address, or of all senders in a domain and its subdomains; return the rows."""
    conditions, parameters = conditions_of(selection)
    within = f"alias IN (SELECT number FROM alias WHERE {conditions})"
    if "@" in sender:
        return database.execute(f"DELETE FROM sender WHERE sender = ? AND {within}", (sender, *parameters)).rowcount
    deleting = f"DELETE FROM sender WHERE {_IN_DOMAIN} AND {within}"
    return database.execute(deleting, (*_in_domain(sender), *parameters)).rowcount


def _of_aliases(rows: Iterable[Sequence[Any]]) -> list[SenderOfAlias]:
    return [
        SenderOfAlias(address, account, tuple(words.split()), _sender(row)) for address, account, words, *row in rows
    ]


def _sender(row: Sequence[Any]) -> Sender:
    sender, first_seen, last_seen, accepted, refused, expected = row
    return Sender(sender, first_seen, last_seen, accepted, refused, bool(expected))
