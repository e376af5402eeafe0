"""Counters of the memory for the metrics: plain numbers, which the reactor's thread increments."""

from __future__ import annotations

from attrs import define


@define
class MemoryCounters:
    """Counts the deliveries on their way to the store.

    Attributes:
        accepted: deliveries to aliases that are in the store.
        refused: refusals of aliases, by their state or lock, that are in the store.
        dropped: deliveries and refusals that were dropped, since the store could not take them in time.
        pending: aliases and senders whose counts wait for the store.
        unattributed: messages of which it could not be told which of their recipients were accepted.
        guesses: wrong codes that clients of the policy service tried, where GUESSES limits them.
        guesses_dropped: guesses that are not in the store, which could not take them in time.
        slowed: replies to clients whose network is past the limit of GUESSES.
        beyond: deliveries to addresses that did not become known, since too many of an account became known that day.

    """

    accepted: int = 0
    refused: int = 0
    dropped: int = 0
    pending: int = 0
    unattributed: int = 0
    beyond: int = 0
    guesses: int = 0
    guesses_dropped: int = 0
    slowed: int = 0
