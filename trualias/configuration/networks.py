"""The IP addresses and networks in settings, and the functions that parse them, which raise ``InvalidValue``."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from trualias.configuration.setting_values import InvalidValue, parse_domains, separation_hint
from trualias.messages import quoted

Network = IPv4Network | IPv6Network


class Address(NamedTuple):
    """An IP address and a port, and the domain names under which clients may address it, folded."""

    host: str
    port: int
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return " ".join((address, *self.names))


def parse_host(value: str) -> str:
    """Return an IP address."""
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


_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:]+)):([0-9]+)")


def parse_address(value: str) -> Address:
    """Return an IP address with a port."""
    address, *names = value.split()
    parts = _ADDRESS.fullmatch(address)
    if parts is None or (parts[1] is not None) != (":" in (parts[1] or parts[2])):
        problem = f"{quoted(address)} is not an address with a port, such as 127.0.0.1:9347 or [::1]:9347"
        raise InvalidValue(problem + separation_hint(address))
    host, port = parse_host(parts[1] or parts[2]), parse_port(parts[3])
    return Address(host, port, tuple(sorted(parse_domains(" ".join(names)))))


def parse_networks(value: str) -> tuple[Network, ...]:
    """Return IP networks."""
    return tuple([parse_network(word) for word in value.split()])


def parse_network(word: str) -> Network:
    """Return an IP network."""
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        problem = f"{quoted(word)} is not a network, such as 192.0.2.0/24 or 2001:db8::/32{separation_hint(word)}"
        raise InvalidValue(problem) from None
    first = unmapped(network.network_address)
    if first.version != network.version:  # the clients of an IPv4-mapped network are IPv4 clients
        network = ip_network((first, network.prefixlen - 96))
    try:
        ip_network(word)
    except ValueError:
        raise InvalidValue(f"{quoted(word)} is an address in a network; the network is {network}") from None
    return network


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address in an IPv4-mapped IPv6 address, or the address itself.

    RFC 4291, section 2.5.5.2; an example is ``::ffff:192.0.2.1``.
    """
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def is_loopback(host: str) -> bool:
    """Return whether an IP address is a loopback one; raise ValueError if it is no IP address."""
    return unmapped(ip_address(host)).is_loopback


def exposure_problem(address: str) -> str:
    """Return the message for an address or endpoint that other machines can reach while ALLOW is not set."""
    return (
        f"{address} can be reached from other machines; say which may connect, such as "
        "ALLOW: 127.0.0.1 ::1 192.0.2.0/24, or listen on 127.0.0.1 or ::1"
    )
