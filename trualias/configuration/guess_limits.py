"""The value of GUESSES: how many wrong codes a network may try."""

from __future__ import annotations

from typing import NamedTuple

from trualias.configuration.networks import Network, parse_network
from trualias.configuration.setting_values import InvalidValue
from trualias.messages import quoted

MOST_GUESSES = 1_000_000
"""The highest limit of GUESSES."""


class GuessLimits(NamedTuple):
    """The wrong codes in an hour that a network may try before its unknown addresses get a temporary error.

    The ``exempt`` networks have no limit.
    """

    per_hour: int
    exempt: tuple[Network, ...] = ()

    def __str__(self) -> str:
        """Return the value of the setting."""
        exempt = f" EXCEPT {' '.join(map(str, self.exempt))}" if self.exempt else ""
        return f"{self.per_hour} PER HOUR{exempt}"


def parse_guesses(value: str) -> GuessLimits:
    """Return a limit of wrong codes."""
    match value.split():
        case [number, "PER", "HOUR", *rest] if (
            number.isascii() and number.isdigit() and 0 < int(number) <= MOST_GUESSES
        ):
            if not rest:
                return GuessLimits(int(number))
            if rest[0] == "EXCEPT" and len(rest) > 1:
                return GuessLimits(int(number), tuple(map(parse_network, rest[1:])))
    raise InvalidValue(
        f"{quoted(value)} is no limit, such as 20 PER HOUR, or 20 PER HOUR EXCEPT 192.0.2.0/24; at most "
        f"{MOST_GUESSES} PER HOUR"
    )
