"""The settings of a configuration: what their values may be, and their defaults."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from attrs import field, frozen

from trualias.messages import did_you_mean, one_of, quoted

LEVELS = ("debug", "info", "warning", "error", "critical")


class InvalidValue(Exception):
    """A setting's value cannot be used; the text says why."""


def _host(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise InvalidValue(f"{quoted(value)} is not an IPv4 or IPv6 address, such as 127.0.0.1") from None


def _port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or int(value) > 65535:
        raise InvalidValue(f"{quoted(value)} is not a port; expected a number from 0 to 65535")
    return int(value)


def _connections(value: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,5}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of connections; expected a number from 1 to 999999")
    return int(value)


def _level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise InvalidValue(f"unknown level {quoted(value)}; expected {one_of(LEVELS)}{did_you_mean(value, LEVELS)}")
    return value.lower()


def _account(value: str) -> str:
    if re.search(r"[\s@]", value) or not value.isprintable():
        raise InvalidValue(f"{quoted(value)} is not an account; it may have no space and no '@'")
    return value


def _seconds(value: str) -> int | None:
    if value.lower() in ("no", "none"):
        return None
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InvalidValue(f"{quoted(value)} is not a number of seconds; expected a whole number, 0, no or none")
    return int(value)


def _module(value: str) -> str:
    if value.endswith(".py") or not all(part.isidentifier() for part in value.split(".")):
        raise InvalidValue(f"{quoted(value)} is not the name of a Python module (without '.py')")
    return value


_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")


def _domains(value: str) -> frozenset[str]:
    for name in value.split():
        if not _DOMAIN.fullmatch(name) or len(name) > 253:
            raise InvalidValue(f"{quoted(name)} is not a domain name; names are separated by white space")
    return frozenset(name.lower() for name in value.split())


def _yes_or_no(value: str) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in known:
        raise InvalidValue(f"{quoted(value)} is neither yes nor no")
    return known[value.lower()]


class Speaks(Enum):
    """The protocols that a server speaks; the values are their names in the configuration."""

    TCP_TABLE = "tcp_table"
    SOCKETMAP = "socketmap"


@frozen
class Listener:
    """Where to listen for clients that speak a protocol; the endpoint is described as Twisted does."""

    speaks: Speaks
    endpoint: str

    def __str__(self) -> str:
        return f"{self.speaks.value} {self.endpoint}"


@frozen
class Address:
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Network = IPv4Network | IPv6Network


def _listener(value: str) -> tuple[Listener]:
    name, *endpoint = value.split(maxsplit=1)
    known = [protocol.value for protocol in Speaks]
    if name not in known:
        raise InvalidValue(f"unknown protocol {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}")
    if not endpoint:
        raise InvalidValue(f"{name} where? Expected an endpoint after it, such as tcp:3047:interface=127.0.0.1")
    return (Listener(Speaks(name), endpoint[0]),)


def _networks(value: str) -> tuple[Network, ...]:
    return tuple([_network(word) for word in value.split()])


def _network(word: str) -> Network:
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        raise InvalidValue(f"{quoted(word)} is not a network, such as 192.0.2.0/24 or 2001:db8::/32") from None
    first = unmapped(network.network_address)
    if first.version != network.version:  # all clients of such a network are IPv4 clients
        network = ip_network((first, network.prefixlen - 96))
    try:
        ip_network(word)
    except ValueError:
        raise InvalidValue(f"{quoted(word)} is an address in a network; the network is {network}") from None
    return network


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that one such as ::ffff:192.0.2.1 stands for, RFC 4291, section 2.5.5.2; others as they are."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:]+)):([0-9]+)")


def _address(value: str) -> Address:
    parts = _ADDRESS.fullmatch(value)
    if parts is None or (parts[1] is not None) != (":" in (parts[1] or parts[2])):
        raise InvalidValue(f"{quoted(value)} is not an address with a port, such as 127.0.0.1:9347 or [::1]:9347")
    return Address(_host(parts[1] or parts[2]), _port(parts[3]))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an IP address."""
    return unmapped(ip_address(host)).is_loopback


def _setting(name: str, read: Callable[[str], Any], default: Any, many: bool = False) -> Any:
    return field(default=default, metadata={"name": name, "read": read, "many": many})


@frozen
class Settings:
    """The settings of a configuration, each with its default.

    ``statistics`` is None where statistics are off, 0 where they are kept but not logged, otherwise the seconds between
    two reports. ``alias_domains`` are in lower case. ``listen`` and ``allow`` may be given several times in a file.
    ``connections`` is how many clients there may be at a time. ``metrics`` is None where there are none.
    """

    host: str = _setting("HOST", _host, "127.0.0.1")
    port: int = _setting("PORT", _port, 3047)
    listen: tuple[Listener, ...] = _setting("LISTEN", _listener, (), many=True)
    allow: tuple[Network, ...] = _setting("ALLOW", _networks, (), many=True)
    connections: int = _setting("CONNECTIONS", _connections, 1000)
    metrics: Address | None = _setting("METRICS", _address, None)  # noqa: RUF009 (an Address is frozen)
    logging: str = _setting("LOGGING", _level, "warning")
    debug_account: str | None = _setting("DEBUG ACCOUNT", _account, None)
    statistics: int | None = _setting("STATISTICS", _seconds, None)
    processor: str | None = _setting("PROCESSOR", _module, None)
    alias_domains: frozenset[str] = _setting("ALIAS DOMAINS", _domains, frozenset())
    case_sensitive: bool = _setting("CASE SENSITIVE", _yes_or_no, True)


SETTINGS = {attribute.metadata["name"]: attribute for attribute in Settings.__attrs_attrs__}
"""The settings by the names that the file gives them."""
