"""A reply to a request, and as what it counts each time that it is given."""

from __future__ import annotations

from attrs import frozen

from trualias.monitoring.counters import RequestCounters
from trualias.monitoring.statistics import ReplyKind

_NO_COUNTS: list[int] = []


@frozen(eq=False, weakref_slot=False)
class Reply:
    """What a client is sent, and what is counted then: an outcome, and more by a ``tally``, where there are metrics.

    ``counts`` are the buckets of the tally that it counts in, ``wrong_codes`` the numbers to add one to. They are those
    of the configuration that was in use when the reply was made.
    """

    octets: bytes
    kind: ReplyKind
    counters: RequestCounters | None = None
    counts: list[int] = _NO_COUNTS
    wrong_codes: tuple[list[int], ...] = ()
