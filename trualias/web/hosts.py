"""The names under which a client may address the site."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address

_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")


class KnownHosts:
    """The values of the field Host that are served: a protection against DNS rebinding.

    A web page can make its own domain name resolve to this machine's address, and then read what the site serves
    through the browser of a person whose machine may connect. Its requests have that domain name in the field Host.
    IP addresses and names without a dot are served, because no web page comes from such a name that is not this
    network's own. Of other names, the machine's and the given ones are served.

    Args:
        names: other names that are served.
        machine: the machine's name. It is never looked up in DNS, which can block.

    """

    def __init__(self, names: Iterable[str] = (), machine: str | None = None) -> None:
        machine = socket.gethostname() if machine is None else machine
        self._names = frozenset(name.lower().rstrip(".") for name in (machine, *names))

    def is_known(self, host: str) -> bool:
        """Return whether a value of the field Host, with a port or without, is served; an empty one is."""
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        if parts[1] is not None:  # in brackets stands an IPv6 address
            return _is_address(parts[1])
        name = parts[2].lower().rstrip(".")
        return "." not in name or name in self._names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
