"""What is counted for the metrics: plain numbers, that whoever answers adds to and that are read when somebody asks.

A process without METRICS has none of this. Everything belongs to one thread, the reactor's.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import define

from trualias.configuration import Configuration
from trualias.matching.outcome import NotFoundReason

BOUNDS = (
    *(0.000_005, 0.000_01, 0.000_02, 0.000_05),
    *(0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
)
"""Seconds that the buckets of the histogram reach to; one bucket more is for what takes longer."""

MOST_ACCOUNTS = 100
"""Accounts whose wrong codes are told apart."""


class RequestOutcome(StrEnum):
    """What became of a request, where it is not one of the reasons why a key is not found."""

    FOUND = "found"
    BAD = "bad"
    STATS = "stats"
    AMBIGUOUS = "ambiguous"
    FAULT = "fault"
    HOOK = "hook"
    OVER_BUDGET = "over_budget"


CountedAs = RequestOutcome | NotFoundReason
"""The outcomes that requests are counted by."""

COUNTED_AS: tuple[CountedAs, ...] = (*RequestOutcome, *NotFoundReason)


class WrongCodes:
    """Counts by account the addresses that have its shape, but not its code.

    No more than `MOST_ACCOUNTS` are told apart: all where there are not more, else the first that there was a wrong
    code of. ``others`` counts the rest. Each number is a list's only item.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}
        self.others = [0]

    @property
    def counts(self) -> dict[str, int]:
        """What was counted, by account."""
        return {account: number for account, [number] in self._numbers.items()}

    def number(self, account: str) -> list[int]:
        """Give the number to add to for an account, until another configuration is in use."""
        if account not in self._numbers and len(self._numbers) >= MOST_ACCOUNTS:
            return self.others
        return self._numbers.setdefault(account, [0])

    def keep(self, accounts: frozenset[str]) -> None:
        """Forget all accounts but these, which are those of the configuration in use."""
        for account in self._numbers.keys() - accounts:
            # Added to the others, they would look as if somebody had just guessed so often.
            del self._numbers[account]
        if len(accounts) <= MOST_ACCOUNTS:
            # Of a number that begins with more than 0, Prometheus would miss the first increase.
            for account in accounts:
                self.number(account)


class RequestCounters:
    """Counts the requests of one protocol to one server.

    ``buckets`` has for each result how many requests took up to each of the `BOUNDS`, and longer; ``elapsed`` is the
    sum of their seconds; ``wrong_codes`` are those of all tallies. They are public so that whoever answers may add to
    them without the cost of a call.
    """

    __slots__ = ("buckets", "elapsed", "wrong_codes")

    def __init__(self, wrong_codes: WrongCodes) -> None:
        self.wrong_codes = wrong_codes
        self.buckets: dict[str, list[int]] = {result: [0] * (len(BOUNDS) + 1) for result in COUNTED_AS}
        self.elapsed = 0.0


class Counters:
    """All that is counted of the requests of a process."""

    def __init__(self) -> None:
        self.wrong_codes = WrongCodes()
        self._counters: dict[tuple[str, str], RequestCounters] = {}

    def configure(self, configuration: Configuration) -> None:
        """Hear which accounts there are from now on."""
        self.wrong_codes.keep(configuration.policy.accounts)

    def of(self, protocol: str, server: str) -> RequestCounters:
        """Give the tally for a protocol and the server that is asked."""
        return self._counters.setdefault((protocol, server), RequestCounters(self.wrong_codes))

    def all(self) -> dict[tuple[str, str], RequestCounters]:
        """Give the tallies by protocol and server."""
        return self._counters


@define
class Loads:
    """What became of the configuration's loads after the first.

    The last that went well was at ``loaded_at``, seconds since 1970; ``current`` tells whether the last that was tried
    did.
    """

    loaded_at: float = 0.0
    tried: int = 0
    failed: int = 0
    current: bool = True

    def fail(self) -> None:
        """Count a load that failed."""
        self.tried += 1
        self.failed += 1
        self.current = False

    def succeed(self, now: float) -> None:
        """Count a load that went well."""
        self.tried += 1
        self.loaded_at = now
        self.current = True
