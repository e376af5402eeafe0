"""Records of guesses: addresses of an account's shape with a wrong code, by account and by network of the client."""

from __future__ import annotations

from attrs import frozen

OTHER_NETWORKS = "(others)"
"""Stands for the networks of a day for which there is no room."""


@frozen
class Guesses:
    """Guesses at the aliases of one account from one network in one day, summed.

    ``day`` is counted in UTC from 1970-01-01. ``examples`` are some of the addresses, the oldest first, and ``at`` is
    the time of the last one in seconds since 1970.
    """

    account: str
    network: str
    day: int
    count: int
    at: float
    examples: tuple[str, ...] = ()


@frozen
class GuessExample:
    """An address that was guessed, the network that it came from, and when, in seconds since 1970."""

    address: str
    network: str
    at: int


@frozen
class GuessedAccount:
    """The guesses at the aliases of an account: their number, their first and last day, and examples, newest first."""

    account: str
    count: int
    first_day: int
    last_day: int
    examples: tuple[GuessExample, ...]


@frozen
class GuessingNetwork:
    """The guesses from a network, or from `OTHER_NETWORKS`: their number, and their first and last day."""

    network: str
    count: int
    first_day: int
    last_day: int
