"""A reply's bytes, and the counters to increment each time it is sent."""

from __future__ import annotations

from attrs import frozen

from trualias.monitoring.counters import RequestCounters
from trualias.monitoring.statistics import ReplyKind

_NO_BUCKETS: list[int] = []


@frozen(eq=False, repr=False, weakref_slot=False)
class Reply:
    """The bytes that a client is sent, and how the reply counts.

    ``kind`` is its collector in the statistics. With metrics, ``counters`` are those of the protocol and server,
    ``buckets`` the histogram of the reply's outcome there, and ``wrong_codes`` the counters of the accounts whose code
    was wrong. All belong to the configuration that the reply was made by.
    """

    octets: bytes
    kind: ReplyKind
    counters: RequestCounters | None = None
    buckets: list[int] = _NO_BUCKETS
    wrong_codes: tuple[list[int], ...] = ()
