"""Counters for the metrics: plain numbers that the protocols increment and that are read when metrics are requested.

A process without ``METRICS`` has none. All belong to the reactor's thread.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import Factory, define

from trualias.configuration import Configuration
from trualias.matching.outcome import NotFoundReason
from trualias.monitoring.memory_counters import MemoryCounters

BOUNDS = (
    *(0.000_005, 0.000_01, 0.000_02, 0.000_05),
    *(0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
)
"""Upper bounds of the histogram's buckets, in seconds; one more bucket is for requests that take longer."""

MOST_ACCOUNTS = 100
"""The most accounts whose wrong codes are counted separately."""


class RequestOutcome(StrEnum):
    """The outcomes of a request, except those of ``NotFoundReason``."""

    FOUND = "found"
    BAD = "bad"
    STATS = "stats"
    AMBIGUOUS = "ambiguous"
    FAULT = "fault"
    HOOK = "hook"
    OVER_BUDGET = "over_budget"
    DEFERRED = "deferred"


DetailedOutcome = RequestOutcome | NotFoundReason
"""The outcome of a request; for a key that is not found, the reason."""

DETAILED_OUTCOMES: tuple[DetailedOutcome, ...] = (*RequestOutcome, *NotFoundReason)


class WrongCodes:
    """Counts wrong codes by the account whose statement matches but for the code.

    At most ``MOST_ACCOUNTS`` accounts have a counter of their own: all if there are no more, otherwise the first with a
    wrong code. ``others`` counts the wrong codes of the rest. Each counter is a one-item list, so that callers can
    increment it in place.
    """

    def __init__(self) -> None:
        self._counters: dict[str, list[int]] = {}
        self.others = [0]

    @property
    def counts(self) -> dict[str, int]:
        """The counts of the accounts that have a counter of their own."""
        return {account: count for account, [count] in self._counters.items()}

    def counter(self, account: str) -> list[int]:
        """Return the counter of an account; it is valid until ``keep`` is called."""
        if account not in self._counters and len(self._counters) >= MOST_ACCOUNTS:
            return self.others
        return self._counters.setdefault(account, [0])

    def keep(self, accounts: frozenset[str]) -> None:
        """Remove all accounts but these, which are those of the configuration in use."""
        for account in self._counters.keys() - accounts:
            # Added to the others, they would look like a burst of guesses.
            del self._counters[account]
        if len(accounts) <= MOST_ACCOUNTS:
            # Prometheus would miss the first increase of a counter that does not begin with 0.
            for account in accounts:
                self.counter(account)


class RequestCounters:
    """Counts the requests of one protocol to one server.

    ``buckets`` has a histogram for each ``DetailedOutcome``: how many requests took up to each of the ``BOUNDS``, and
    longer. ``elapsed`` is the sum of their seconds. ``wrong_codes`` is shared by all request counters of a process. All
    are public, so that they can be incremented without a call.
    """

    __slots__ = ("buckets", "elapsed", "wrong_codes")

    def __init__(self, wrong_codes: WrongCodes) -> None:
        self.wrong_codes = wrong_codes
        self.buckets: dict[str, list[int]] = {outcome: [0] * (len(BOUNDS) + 1) for outcome in DETAILED_OUTCOMES}
        self.elapsed = 0.0


class Counters:
    """All counters of the requests to a process."""

    def __init__(self) -> None:
        self.wrong_codes = WrongCodes()
        self._by_server: dict[tuple[str, str], RequestCounters] = {}

    def configure(self, configuration: Configuration) -> None:
        """Count the wrong codes of this configuration's accounts from now on."""
        self.wrong_codes.keep(configuration.policy.accounts)

    def of(self, protocol: str, server: str) -> RequestCounters:
        """Return the counters of a protocol and a server, by their names in the metrics."""
        return self._by_server.setdefault((protocol, server), RequestCounters(self.wrong_codes))

    def all(self) -> dict[tuple[str, str], RequestCounters]:
        """Return the counters by protocol and server."""
        return self._by_server


@define
class LoadCounters:
    """Counts the loads of the configuration after the first, and has the state of the one in use.

    ``loaded_at`` is the time of the last load that succeeded, in seconds since 1970; ``current`` is False if the last
    load failed. ``unreachable`` is True while stat(2) of the file does not return. ``fallback`` describes the kept copy
    in use; it is empty if the file is in use. ``accounts_dropped`` is the number of accounts that the last
    load removed. ``store_in_use`` is False while the store is not used, None without one; ``memory`` counts what is on
    its way to it.
    """

    loaded_at: float = 0.0
    tried: int = 0
    failed: int = 0
    current: bool = True
    unreachable: bool = False
    fallback: str = ""
    accounts_dropped: int = 0
    store_in_use: bool | None = None
    memory: MemoryCounters = Factory(MemoryCounters)

    def fail(self) -> None:
        """Count a failed load."""
        self.tried += 1
        self.failed += 1
        self.current = False

    def succeed(self, now: float) -> None:
        """Count a load that succeeded."""
        self.tried += 1
        self.loaded_at = now
        self.current = True
        self.fallback = ""
