"""The settings of a configuration: their values, how these are parsed, and their defaults."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from attrs import field, frozen

from trualias.configuration.files import has_wildcards
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain, is_domain
from trualias.messages import did_you_mean, one_of, quoted

LEVELS = ("debug", "info", "warning", "error", "critical")


class InvalidValue(Exception):
    """A setting has an invalid value; ``str()`` is the reason."""


def _parse_host(value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        raise InvalidValue(f"{quoted(value)} is not an IPv4 or IPv6 address, such as 127.0.0.1") from None
    if reason := zone_problem(address):
        raise InvalidValue(reason)
    return str(address)


def zone_problem(address: IPv4Address | IPv6Address) -> str:
    """Describe why an IP address cannot have its zone, RFC 4007 section 11; return an empty text if it can."""
    zone = address.scope_id if isinstance(address, IPv6Address) else None
    if not zone or address.is_link_local:
        return ""
    return f"{quoted(str(address))} has a zone, which only a link-local address has: leave out {quoted('%' + zone)}"


def parse_port(value: str) -> int:
    """Return a port; raise ``InvalidValue``."""
    if not re.fullmatch("[0-9]{1,5}", value) or int(value) > 65535:
        raise InvalidValue(f"{quoted(value)} is not a port; expected a number from 0 to 65535")
    return int(value)


def _parse_connections(value: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,5}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of connections; expected a number from 1 to 999999")
    return int(value)


def _parse_level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise InvalidValue(f"unknown level {quoted(value)}; expected {one_of(LEVELS)}{did_you_mean(value, LEVELS)}")
    return value.lower()


def _parse_account(value: str) -> str:
    if re.search(r"[\s@]", value) or not value.isprintable():
        raise InvalidValue(f"{quoted(value)} is not an account; it may have no space and no '@'")
    return value


def _parse_seconds(value: str) -> int | None:
    if value.lower() in ("no", "none"):
        return None
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of seconds; expected a whole number, 0, no or none")
    return int(value)


def _parse_module(value: str) -> str:
    if value.endswith(".py") or not all(part.isidentifier() for part in value.split(".")):
        raise InvalidValue(f"{quoted(value)} is not the name of a Python module (without '.py')")
    return value


def _separation(word: str) -> str:
    """Return the hint that the words of a setting have blanks between them, for a word with a comma."""
    return "; a list in a setting has blanks between its words, and no commas" if "," in word else ""


def _parse_domains(value: str) -> frozenset[str]:
    domains = {name: fold_domain(name) for name in value.split()}
    for name, folded in domains.items():
        if not is_domain(folded):
            raise InvalidValue(f"{quoted(name)} is not a domain name{_separation(name)}")
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


def _parse_boolean(value: str) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in known:
        raise InvalidValue(f"{quoted(value)} is neither yes nor no")
    return known[value.lower()]


class WireProtocol(Enum):
    """A protocol for lookups, or for verdicts. The value is its name in the configuration and in the metrics."""

    TCP_TABLE = "tcp_table"
    SOCKETMAP = "socketmap"
    POLICY = "policy"


@frozen
class Listener:
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


@frozen
class Address:
    """An IP address and a port, and the domain names under which clients may address it, folded."""

    host: str
    port: int
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return " ".join((address, *self.names))


Network = IPv4Network | IPv6Network

ACCOUNT_FIELD = "%account%"
DOMAIN_FIELD = "%domain%"


def _parse_login(value: str) -> str:
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


def _parse_store(value: str) -> str:
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


def _parse_kept_senders(value: str) -> KeptSenders:
    known = [kept.value for kept in KeptSenders]
    if value.lower() not in known:
        hint = did_you_mean(value, known)
        raise InvalidValue(f"{quoted(value)} is not how much of a sender is kept; expected {one_of(known)}{hint}")
    return KeptSenders(value.lower())


def _parse_days(value: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,4}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of days; expected a number from 1 to 99999")
    return int(value)


def _parse_quiet_domain(value: str) -> str:
    (domain, *others) = _parse_domains(value)
    if others:
        raise InvalidValue(f"{quoted(value)} is not one domain name")
    return domain


def _parse_reply_text(value: str) -> str:
    if not value.isascii() or not value.isprintable() or len(value) > _LONGEST_REPLY_TEXT:
        raise InvalidValue(f"{quoted(value)} is not a line of up to {_LONGEST_REPLY_TEXT} characters of ASCII")
    return value


_LONGEST_REPLY_TEXT = 200


def _parse_listener(value: str) -> tuple[Listener]:
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


MOST_GUESSES = 1_000_000
"""The highest limit of GUESSES."""


def _parse_networks(value: str) -> tuple[Network, ...]:
    return tuple([_parse_network(word) for word in value.split()])


def _parse_network(word: str) -> Network:
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        problem = f"{quoted(word)} is not a network, such as 192.0.2.0/24 or 2001:db8::/32{_separation(word)}"
        raise InvalidValue(problem) from None
    first = unmapped(network.network_address)
    if first.version != network.version:  # the clients of an IPv4-mapped network are IPv4 clients
        network = ip_network((first, network.prefixlen - 96))
    try:
        ip_network(word)
    except ValueError:
        raise InvalidValue(f"{quoted(word)} is an address in a network; the network is {network}") from None
    return network


@frozen
class GuessLimits:
    """The wrong codes in an hour that a network may try before its unknown addresses get a temporary error.

    The ``exempt`` networks have no limit.
    """

    per_hour: int
    exempt: tuple[Network, ...] = ()

    def __str__(self) -> str:
        """Return the value of the setting."""
        exempt = f" EXCEPT {' '.join(map(str, self.exempt))}" if self.exempt else ""
        return f"{self.per_hour} PER HOUR{exempt}"


def _parse_guesses(value: str) -> GuessLimits:
    match value.split():
        case [number, "PER", "HOUR", *rest] if (
            number.isascii() and number.isdigit() and 0 < int(number) <= MOST_GUESSES
        ):
            if not rest:
                return GuessLimits(int(number))
            if rest[0] == "EXCEPT" and len(rest) > 1:
                return GuessLimits(int(number), tuple(map(_parse_network, rest[1:])))
    raise InvalidValue(
        f"{quoted(value)} is no limit, such as 20 PER HOUR, or 20 PER HOUR EXCEPT 192.0.2.0/24; at most "
        f"{MOST_GUESSES} PER HOUR"
    )


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address in an IPv4-mapped IPv6 address, or the address itself.

    RFC 4291, section 2.5.5.2; an example is ``::ffff:192.0.2.1``.
    """
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:]+)):([0-9]+)")


def _parse_address(value: str) -> Address:
    address, *names = value.split()
    parts = _ADDRESS.fullmatch(address)
    if parts is None or (parts[1] is not None) != (":" in (parts[1] or parts[2])):
        problem = f"{quoted(address)} is not an address with a port, such as 127.0.0.1:9347 or [::1]:9347"
        raise InvalidValue(problem + _separation(address))
    host, port = _parse_host(parts[1] or parts[2]), parse_port(parts[3])
    return Address(host, port, tuple(sorted(_parse_domains(" ".join(names)))))


def is_loopback(host: str) -> bool:
    """Return whether an IP address is a loopback one; raise ValueError if it is no IP address."""
    return unmapped(ip_address(host)).is_loopback


def exposure_problem(address: str) -> str:
    """Return the message for an address or endpoint that other machines can reach while ALLOW is not set."""
    return (
        f"{address} can be reached from other machines; say which may connect, such as "
        "ALLOW: 127.0.0.1 ::1 192.0.2.0/24, or listen on 127.0.0.1 or ::1"
    )


def _setting(name: str, parse: Callable[[str], Any], default: Any, repeatable: bool = False) -> Any:
    """Declare a setting. The values of a ``repeatable`` one are tuples or sets, which are joined."""
    return field(default=default, metadata={"name": name, "parse": parse, "repeatable": repeatable})


@frozen
class Settings:
    """The settings of a configuration, each with its default.

    ``statistics`` is the interval between two reports in seconds; 0: without reports; None: no statistics.
    ``alias_domains`` are as ``fold_domain`` returns them. ``alias_domains``, ``listen`` and ``allow`` can be repeated.
    ``senders`` is how much of the sender of a mail is kept, and ``keep_senders`` for how many days after its last mail.
    ``connections`` is the most clients at a time. ``metrics`` is the address of the metrics, and the names of the site;
    None: no metrics. ``login`` is the answer of the login table, with ``ACCOUNT_FIELD`` and ``DOMAIN_FIELD`` to be
    replaced. ``store`` is the path of the store, as the file has it; None for none. ``quiet_domain`` is the domain of
    addresses whose mail is discarded. ``unknown_user`` is the mail server's text for an unknown user, without its
    codes.
    """

    host: str = _setting("HOST", _parse_host, "127.0.0.1")
    port: int = _setting("PORT", parse_port, 3047)
    listen: tuple[Listener, ...] = _setting("LISTEN", _parse_listener, (), repeatable=True)
    allow: tuple[Network, ...] = _setting("ALLOW", _parse_networks, (), repeatable=True)
    connections: int = _setting("CONNECTIONS", _parse_connections, 1000)
    metrics: Address | None = _setting("METRICS", _parse_address, None)  # noqa: RUF009 (an Address is frozen)
    logging: str = _setting("LOGGING", _parse_level, "warning")
    debug_account: str | None = _setting("DEBUG ACCOUNT", _parse_account, None)
    statistics: int | None = _setting("STATISTICS", _parse_seconds, None)
    processor: str | None = _setting("PROCESSOR", _parse_module, None)
    alias_domains: frozenset[str] = _setting("ALIAS DOMAINS", _parse_domains, frozenset(), repeatable=True)
    case_sensitive: bool = _setting("CASE SENSITIVE", _parse_boolean, True)
    login: str = _setting("LOGIN", _parse_login, ACCOUNT_FIELD)
    store: str | None = _setting("STORE", _parse_store, None)
    senders: KeptSenders = _setting("SENDERS", _parse_kept_senders, KeptSenders.DOMAIN)  # noqa: RUF009 (an enum)
    keep_senders: int = _setting("KEEP SENDERS", _parse_days, 400)
    guesses: GuessLimits | None = _setting("GUESSES", _parse_guesses, None)  # noqa: RUF009 (it is frozen)
    quiet_domain: str = _setting("QUIET DOMAIN", _parse_quiet_domain, "discard.invalid")
    unknown_user: str = _setting("UNKNOWN USER", _parse_reply_text, "User unknown in virtual mailbox table")
    include: tuple[str, ...] = _setting("INCLUDE", parse_include, (), repeatable=True)

    @property
    def has_policy_service(self) -> bool:
        """True if a listener speaks the policy delegation protocol."""
        return any(one.protocol is WireProtocol.POLICY for one in self.listen)


SETTINGS = {attribute.metadata["name"]: attribute for attribute in Settings.__attrs_attrs__}
"""The attributes of ``Settings`` by the settings' names in a file."""
