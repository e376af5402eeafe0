"""What a policy can say of a local part: a closed set of frozen types."""

from __future__ import annotations

from attrs import frozen


@frozen
class Delivered:
    """The readings that verify are all of one account. ``readings`` is 1 for one, 2 for two or more."""

    account: str
    readings: int = 1


@frozen
class Ambiguous:
    """Readings of several accounts verify; the accounts in alphabetical order."""

    accounts: tuple[str, ...]


@frozen
class NoMatch:
    """No reading verifies.

    ``near`` are the accounts of which a statement fits but for the code: whoever asked knows the shape, not the rule.
    """

    near_misses: tuple[str, ...] = ()


@frozen
class Exhausted:
    """The lookup was given up after its budget of steps, so nothing is known."""


Outcome = Delivered | Ambiguous | NoMatch | Exhausted
