"""The values of settings: their types, and the functions that parse them, which raise ``InvalidValue``."""

from __future__ import annotations

import os.path
import re
from enum import Enum
from typing import NamedTuple

from trualias.configuration.files import has_wildcards
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain, is_domain
from trualias.messages import did_you_mean, one_of, quoted

LEVELS = ("debug", "info", "warning", "error", "critical")


class InvalidValue(Exception):
    """A setting has an invalid value; ``str()`` is the reason."""


def parse_connections(value: str) -> int:
    """Return a number of clients."""
    if not re.fullmatch("[1-9][0-9]{0,5}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of connections; expected a number from 1 to 999999")
    return int(value)


def parse_level(value: str) -> str:
    """Return a level of the log."""
    if value.lower() not in LEVELS:
        raise InvalidValue(f"unknown level {quoted(value)}; expected {one_of(LEVELS)}{did_you_mean(value, LEVELS)}")
    return value.lower()


def parse_account(value: str) -> str:
    """Return the name of an account."""
    if re.search(r"[\s@]", value) or not value.isprintable():
        raise InvalidValue(f"{quoted(value)} is not an account; it may have no space and no '@'")
    return value


def parse_seconds(value: str) -> int | None:
    """Return a number of seconds; None for none."""
    if value.lower() in ("no", "none"):
        return None
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of seconds; expected a whole number, 0, no or none")
    return int(value)


def parse_module(value: str) -> str:
    """Return the name of a module."""
    if value.endswith(".py") or not all(part.isidentifier() for part in value.split(".")):
        raise InvalidValue(f"{quoted(value)} is not the name of a Python module (without '.py')")
    return value


def separation_hint(word: str) -> str:
    """Return the hint that the words of a setting have blanks between them, for a word with a comma."""
    return "; a list in a setting has blanks between its words, and no commas" if "," in word else ""


def parse_domains(value: str) -> frozenset[str]:
    """Return domain names, folded."""
    domains = {name: fold_domain(name) for name in value.split()}
    for name, folded in domains.items():
        if not is_domain(folded):
            raise InvalidValue(f"{quoted(name)} is not a domain name{separation_hint(name)}")
    return frozenset(domains.values())


def parse_include(value: str) -> tuple[str]:
    """Return the path of the files to include, perhaps with wildcards in its last part; raise ``InvalidValue``."""
    if not value.isprintable():
        raise InvalidValue(f"the path {quoted(value)} has an unprintable character")
    folder, name = os.path.split(value)
    if not name:
        raise InvalidValue(f"{quoted(value)} is a folder; write the names of its files, such as {value}*.conf")
    if has_wildcards(folder):
        raise InvalidValue(f"{quoted(value)} has wildcards in a folder; they may be in the name of the file only")
    return (value,)


def parse_boolean(value: str) -> bool:
    """Return yes or no."""
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in known:
        raise InvalidValue(f"{quoted(value)} is neither yes nor no")
    return known[value.lower()]


class WireProtocol(Enum):
    """A protocol for lookups, or for verdicts. The value is its name in the configuration and in the metrics."""

    TCP_TABLE = "tcp_table"
    SOCKETMAP = "socketmap"
    POLICY = "policy"


class Listener(NamedTuple):
    """A protocol, and the endpoint to listen on for its clients, as a Twisted endpoint description.

    ``table`` is the table to answer from if it is not the server's own; only the line protocol can have it.
    """

    protocol: WireProtocol
    endpoint: str
    table: Table | None = None

    @property
    def needs_domains(self) -> bool:
        """True if it answers about addresses of ALIAS DOMAINS alone."""
        return self.protocol is WireProtocol.POLICY or (self.table is not None and self.table.needs_domains)

    def __str__(self) -> str:
        return " ".join([self.protocol.value, self.endpoint, *([self.table.value] if self.table else [])])


ACCOUNT_FIELD = "%account%"
DOMAIN_FIELD = "%domain%"


def parse_login(value: str) -> str:
    """Return the login of an account."""
    for word in re.findall("%[a-z]*%", value):
        if word not in (ACCOUNT_FIELD, DOMAIN_FIELD):
            raise InvalidValue(f"{quoted(word)} is not known; expected {ACCOUNT_FIELD} or {DOMAIN_FIELD}")
    if ACCOUNT_FIELD not in value:
        raise InvalidValue(f"{quoted(value)} is the same login for all accounts; write {ACCOUNT_FIELD} in it")
    if re.search(r"[\s,]", value) or not value.isprintable() or len(value) > _LONGEST_LOGIN:
        raise InvalidValue(
            f"{quoted(value)} is not a login name; it has up to {_LONGEST_LOGIN} characters, no space and no comma"
        )
    return value


_LONGEST_LOGIN = 200


def parse_store(value: str) -> str:
    """Return the path of a store."""
    kind, colon, path = value.partition(":")
    if kind != "sqlite" or not colon or not path.strip() or not value.isprintable():
        raise InvalidValue(f"{quoted(value)} is not a store, such as sqlite:/var/lib/trualias/memory.sqlite")
    return path.strip()


class KeptSenders(Enum):
    """How much of a sender the memory keeps. The value is its name in the configuration."""

    NONE = "none"
    DOMAIN = "domain"
    ADDRESS = "address"

    def __str__(self) -> str:
        return self.value


def parse_kept_senders(value: str) -> KeptSenders:
    """Return how much of a sender is kept."""
    known = [kept.value for kept in KeptSenders]
    if value.lower() not in known:
        hint = did_you_mean(value, known)
        raise InvalidValue(f"{quoted(value)} is not how much of a sender is kept; expected {one_of(known)}{hint}")
    return KeptSenders(value.lower())


def parse_days(value: str) -> int:
    """Return a number of days."""
    if not re.fullmatch("[1-9][0-9]{0,4}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of days; expected a number from 1 to 99999")
    return int(value)


def parse_quiet_domain(value: str) -> str:
    """Return one domain name, folded."""
    (domain, *others) = parse_domains(value)
    if others:
        raise InvalidValue(f"{quoted(value)} is not one domain name")
    return domain


def parse_reply_text(value: str) -> str:
    """Return the text of a reply."""
    if not value.isascii() or not value.isprintable() or len(value) > _LONGEST_REPLY_TEXT:
        raise InvalidValue(f"{quoted(value)} is not a line of up to {_LONGEST_REPLY_TEXT} characters of ASCII")
    return value


_LONGEST_REPLY_TEXT = 200


def parse_listener(value: str) -> tuple[Listener]:
    """Return a listener."""
    name, *endpoint = value.split(maxsplit=1)
    known = [protocol.value for protocol in WireProtocol]
    if name not in known:
        raise InvalidValue(f"unknown protocol {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}")
    if not endpoint:
        raise InvalidValue(f"{name} where? Expected an endpoint after it, such as tcp:3047:interface=127.0.0.1")
    if not endpoint[0].isprintable():  # it is also logged, and part of other messages
        raise InvalidValue(f"the endpoint {quoted(endpoint[0])} has an unprintable character")
    protocol = WireProtocol(name)
    description, table = _split_table(endpoint[0])
    if table is not None and protocol is not WireProtocol.TCP_TABLE:
        raise InvalidValue(f"{name} takes no table after its endpoint: leave out {quoted(table.value)}")
    return (Listener(protocol, description, table),)


def _split_table(endpoint: str) -> tuple[str, Table | None]:
    """Split the name of a table off the end of an endpoint; None if its last word is no such name."""
    *description, last = endpoint.rsplit(maxsplit=1)
    for table in Table:
        if description and last == table.value:
            return description[0], table
    return endpoint, None
