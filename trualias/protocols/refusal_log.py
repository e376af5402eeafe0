"""Rate-limited logging of refused connections."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from twisted.internet.address import IPv4Address, IPv6Address

from trualias.log import logger
from trualias.messages import number_of

_log = logger(__name__)

SILENCE = 10.0
"""Seconds between two lines with the same reason: clients may connect without end, and the log must not fill a disk."""


class RefusalLog:
    """Logs the first refusal for a reason at once, then at most one every `SILENCE` seconds, with the number between.

    ``clock`` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: dict[str, tuple[float, int]] = {}  # by reason: the end of its silence, and the refusals in it

    def refused(self, client: object, reason: str) -> None:
        """Log that a client, given by its Twisted address, is refused."""
        until, unlogged = self._silent.get(reason, (-math.inf, 0))
        now = self._clock()
        if now < until:
            self._silent[reason] = until, unlogged + 1
            return
        self._silent[reason] = now + SILENCE, 0
        whence = client.host if isinstance(client, IPv4Address | IPv6Address) else "a unix socket"
        others = f" ({number_of(unlogged, 'other')} since the last such line)" if unlogged else ""
        _log.warn("refused a connection from {whence}: {why}{others}", whence=whence, why=reason, others=others)
