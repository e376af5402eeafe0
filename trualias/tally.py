"""What is counted for the metrics: plain numbers, that whoever answers adds to and that are read when somebody asks.

A process without METRICS has none of this. Everything is added in one thread, the reactor's, and may be read in others.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from attrs import define

from trualias.configuration import Configuration

BOUNDS = (
    *(0.000_005, 0.000_01, 0.000_02, 0.000_05),
    *(0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
)
"""Seconds that the buckets of the histogram reach to; one bucket more is for what takes longer."""

MOST_ACCOUNTS = 100
"""Accounts whose wrong codes are told apart."""


class Result(StrEnum):
    """As what a request counts; the first four are those that the statistics know, by the same names."""

    FOUND = "success"
    NO_SHAPE = "not_found"
    BAD = "bad"
    STATS = "stats"
    WRONG_CODE = "wrong_code"
    NO_DOMAIN = "no_domain"
    FOREIGN_DOMAIN = "foreign_domain"
    AMBIGUOUS = "ambiguous"
    FAULT = "fault"
    HOOK = "hook"
    OVER_BUDGET = "over_budget"


class Told(bytes):
    """A reply that counts as something else than its text says, each time that it is given.

    ``near`` are the accounts whose shape the address has, where the code was wrong.
    """

    result: Result
    near: tuple[str, ...]

    @classmethod
    def of(cls, reply: bytes, result: Result, near: tuple[str, ...] = ()) -> Self:
        """Make one of a reply."""
        told = cls(reply)
        told.result = result
        told.near = near
        return told


class WrongCodes:
    """Counts by account the addresses that have its shape, but not its code.

    No more than `MOST_ACCOUNTS` are told apart: all where there are not more, else the first that there was a wrong
    code of. ``others`` counts the rest, and those of accounts that are no more.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.others = 0

    @property
    def counts(self) -> dict[str, int]:
        """A copy of what there is at this moment, by account."""
        return self._counts.copy()

    def add(self, accounts: Iterable[str]) -> None:
        """Count an address for each account whose shape it has."""
        counts = self._counts
        for account in accounts:
            if account in counts:
                counts[account] += 1
            elif len(counts) < MOST_ACCOUNTS:
                counts[account] = 1
            else:
                self.others += 1

    def keep(self, accounts: frozenset[str]) -> None:
        """Forget all accounts but these, which are those of the configuration in use."""
        for account in self._counts.keys() - accounts:
            self.others += self._counts.pop(account)
        if len(accounts) <= MOST_ACCOUNTS:
            # Of a number that begins with more than 0, Prometheus would miss the first increase.
            for account in accounts:
                self._counts.setdefault(account, 0)


class Tally:
    """Counts the requests of one protocol to one server.

    ``buckets`` has for each result how many requests took up to each of the `BOUNDS`, and longer; ``elapsed`` is the
    sum of their seconds. They are public so that whoever answers may add to them without the cost of a call.
    """

    __slots__ = ("_add_wrong_codes", "buckets", "elapsed")

    def __init__(self, wrong_codes: WrongCodes) -> None:
        self._add_wrong_codes = wrong_codes.add
        self.buckets: dict[str, list[int]] = {result: [0] * (len(BOUNDS) + 1) for result in Result}
        self.elapsed = 0.0

    def told(self, reply: Told) -> list[int]:
        """Give the buckets that a reply is to be counted in, and count the wrong codes that it tells of."""
        near = reply.near
        if near:
            self._add_wrong_codes(near)
        return self.buckets[reply.result]


class Tallies:
    """All that is counted of the requests of a process."""

    def __init__(self) -> None:
        self.wrong_codes = WrongCodes()
        self._tallies: dict[tuple[str, str], Tally] = {}

    def configure(self, configuration: Configuration) -> None:
        """Hear which accounts there are from now on."""
        self.wrong_codes.keep(configuration.policy.accounts)

    def of(self, protocol: str, server: str) -> Tally:
        """Give the tally for a protocol and the server that is asked."""
        return self._tallies.setdefault((protocol, server), Tally(self.wrong_codes))

    def all(self) -> dict[tuple[str, str], Tally]:
        """Give the tallies by protocol and server; a copy of what there is at this moment."""
        return self._tallies.copy()


@define
class Loads:
    """What became of the configuration's loads after the first; that one was at ``loaded_at``, seconds since 1970.

    ``current`` tells whether the last that was tried went well.
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
