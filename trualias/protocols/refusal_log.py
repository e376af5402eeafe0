"""What the log hears of clients that are turned away: enough to see it, and never so much that it fills a disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from twisted.internet.address import IPv4Address, IPv6Address

from trualias.log import logger
from trualias.messages import number_of

_log = logger(__name__)

SILENCE = 10.0
"""Seconds from one line to the next about the same reason. Whoever may connect, or may not, can do so without end."""


class RefusalLog:
    """Tells of the first client that is turned away for a reason, and from then on how many there were now and then.

    ``clock`` tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: dict[str, tuple[float, int]] = {}  # by reason: until when, and how many were not told of

    def tell(self, client: object, why: str) -> None:
        """Tell of one client, and why it is turned away."""
        until, untold = self._silent.get(why, (-math.inf, 0))
        now = self._clock()
        if now < until:
            self._silent[why] = until, untold + 1
            return
        self._silent[why] = now + SILENCE, 0
        whence = client.host if isinstance(client, IPv4Address | IPv6Address) else "a unix socket"
        others = f" ({number_of(untold, 'other')} since this was told last)" if untold else ""
        _log.warn("refused a connection from {whence}: {why}{others}", whence=whence, why=why, others=others)
