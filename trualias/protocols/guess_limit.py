"""The limit on guesses: wrong codes by the network of the client that tried them.

A network is a /24 of IPv4 or a /56 of IPv6, which one customer of a provider commonly has. Its guesses fill a leaky
bucket of the limit, which empties at the limit an hour: so many guesses are answered at once, and as many in each hour
after. Guesses beyond the limit do not count, so that a network is not kept out for longer than it guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from trualias.configuration.guess_limits import GuessLimits
from trualias.configuration.networks import unmapped

MOST_NETWORKS = 65_536
"""The most networks that are held, in some 15 MB. For one more, the one whose last guess is the longest ago is given
up: to be forgotten, a network needs guesses from as many others first."""

TOO_MANY = "450 4.7.1 Too many unknown addresses were tried from your network, try again later"
"""The action for all addresses of an account's shape that the store does not know: right and wrong ones alike."""

_HOUR = 3_600.0
_PREFIXES = {4: 24, 6: 56}


_LONGEST_ADDRESS = 45
"""Octets of the longest IPv6 address (RFC 4291, section 2.2)."""


def client_address(octets: bytes) -> IPv4Address | IPv6Address | None:
    """Return the address of a client as Postfix writes it; None for any other text, such as ``unknown``."""
    return _parsed(octets) if len(octets) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=4_096)
def _parsed(octets: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return unmapped(ip_address(octets.decode("ascii")))
    except ValueError:
        return None


def network_of(address: IPv4Address | IPv6Address) -> str:
    """Return the network of an address in the notation with a slash."""
    return str(ip_network((address, _PREFIXES[address.version]), strict=False))


class GuessLimit:
    """Counts guesses by network; ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float], most: int = MOST_NETWORKS) -> None:
        self._clock = clock
        self._most = most
        # How full the bucket of a network was at a time; the network whose last guess is the longest ago is the first.
        self._levels: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        """Return the number of networks that are held."""
        return len(self._levels)

    def is_past(self, network: str, limits: GuessLimits) -> bool:
        """Return whether one guess more of a network is past the limit."""
        return self._level(network, limits) + 1 > limits.per_hour

    def count(self, network: str, limits: GuessLimits) -> None:
        """Count a guess, unless it is past the limit."""
        level = self._level(network, limits)
        if level + 1 > limits.per_hour:
            return
        self._levels.pop(network, None)
        if len(self._levels) >= self._most:
            del self._levels[next(iter(self._levels))]
        self._levels[network] = level + 1, self._clock()

    def _level(self, network: str, limits: GuessLimits) -> float:
        found = self._levels.get(network)
        if found is None:
            return 0.0
        level, since = found
        # The limit may have been higher when the guesses were counted.
        return max(0.0, min(level, limits.per_hour) - (self._clock() - since) * limits.per_hour / _HOUR)
