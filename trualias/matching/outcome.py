"""The answers that a policy can give for a local part: a closed set of frozen types.

A lookup in a table gives the same four, with the value of the table in place of the bare account.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class NotFoundReason(StrEnum):
    """Why a key is not found. The value is the reason's name in the metrics."""

    NO_MATCH = "no_match"
    WRONG_CODE = "wrong_code"
    NO_DOMAIN = "no_domain"
    UNKNOWN_DOMAIN = "unknown_domain"


@frozen
class Found:
    """All readings that verify belong to one account.

    ``value`` is what the table answers, ``account`` the account of the policy as the file spells it. ``readings`` is 1,
    or 2 for two or more.
    """

    value: str
    account: str
    readings: int = 1


@frozen
class NotFound:
    """No reading verifies, or the key belongs to no domain of the server.

    ``near_misses`` are the accounts of statements that match the key in all but the code: the sender knows the shape,
    not the rule. There are some if and only if the reason is a wrong code.
    """

    reason: NotFoundReason
    near_misses: tuple[str, ...] = ()


@frozen
class Ambiguous:
    """Readings of several accounts verify.

    ``accounts`` are in alphabetical order; ``value`` is the debug account's, None where none is set.
    """

    accounts: tuple[str, ...]
    value: str | None = None


@frozen
class BudgetExceeded:
    """The lookup was stopped after its budget of steps: a temporary error, since the key may well have a value."""


PolicyOutcome = Found | NotFound | Ambiguous | BudgetExceeded
