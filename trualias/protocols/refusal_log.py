"""Rate-limited logging of refused connections."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.address import IPv4Address, IPv6Address

from trualias.log import RepetitionLimit, logger
from trualias.messages import others_since

_log = logger(__name__)

SILENCE = 10.0
"""Seconds between two lines with the same reason: clients may connect without end, and the log must not fill a disk."""


class RefusalLog:
    """Logs the first refusal for a reason at once, then at most one every `SILENCE` seconds, with the number between.

    ``clock`` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = RepetitionLimit(SILENCE, clock)

    def refused(self, client: object, reason: str) -> None:
        """Log that a client, given by its Twisted address, is refused."""
        withheld = self._limit.withheld(reason)
        if withheld is None:
            return
        whence = client.host if isinstance(client, IPv4Address | IPv6Address) else "a unix socket"
        _log.warn(
            "refused a connection from {whence}: {why}{others}",
            whence=whence,
            why=reason,
            others=others_since(withheld),
        )
