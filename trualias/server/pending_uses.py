"""The uses of aliases on their way to the store, summed in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from attrs import define

from trualias.lookup.alias_states import AliasKey
from trualias.lookup.recipients import Recipient
from trualias.protocols.transactions import Outcome
from trualias.store.records import Use

MOST_PENDING = 20_000
"""The most pairs of alias and sender that wait for the store: some 10 MB."""

MOST_COUNTED = 100_000
"""Aliases that are remembered as counted before."""


# A global costs 20 ns in Python 3.11, ``Outcome.KNOWN`` 80 ns, and a mail that is added 1 us.
_ACCEPTED, _REFUSED, _KNOWN = Outcome


@define(eq=False, repr=False)
class _Sum:
    address: str
    account: str
    first: float
    last: float
    accepted: int
    refused: int


_Pair = tuple[AliasKey, str | None, bool]
"""An alias, its sender, and whether the alias is only to become known."""


def makes_known(use: Use) -> bool:
    """Return whether a use makes its alias known: by accepted mail, or without any mail."""
    return bool(use.accepted) or not use.refused


class PendingUses:
    """Uses of aliases, summed by alias and sender; all methods are called in one thread.

    At most ``most`` pairs are held. What comes when there is no room is dropped, but the first use of an alias takes
    the place of another one, since it makes an address known. ``dropped`` counts the mails that were dropped.
    """

    def __init__(self, most: int = MOST_PENDING) -> None:
        self.dropped = 0
        self._most = most
        self._first: dict[_Pair, _Sum] = {}
        self._again: dict[_Pair, _Sum] = {}
        self._counted: set[AliasKey] = set()
        self._due = 0  # the uses of ``_again`` that were there when the round began

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._first) + len(self._again)

    def begin_round(self) -> None:
        """Make all uses that are there due, so that what comes meanwhile is summed until the next round."""
        self._due = len(self._again)

    @property
    def is_due(self) -> bool:
        """True if uses are to be written in this round: those that were there, and first ones of aliases."""
        return bool(self._first) or (self._due > 0 and bool(self._again))

    def add_mail(self, recipient: Recipient, sender: str | None, at: float, outcome: Outcome) -> None:
        """Add a mail at a time, in seconds since 1970, or drop it."""
        pair = (recipient.key, sender, outcome is _KNOWN)
        known = self._again.get(pair) or self._first.get(pair)
        if known is None:
            is_accepted, is_refused = outcome is _ACCEPTED, outcome is _REFUSED
            new = _Sum(recipient.address, recipient.account, at, at, int(is_accepted), int(is_refused))
            self._put(pair, new, is_known=is_refused or recipient.key in self._counted)
            return
        if outcome is _ACCEPTED:
            known.account = recipient.account
            known.accepted += 1
        elif outcome is _REFUSED:
            known.refused += 1
        else:
            known.account = recipient.account
        if at > known.last:
            known.last = at
        elif at < known.first:
            known.first = at

    def add(self, use: Use) -> None:
        """Add a use, or drop it. One without a mail makes its alias known."""
        pair = (use.key, use.sender, not (use.accepted or use.refused))
        known = self._again.get(pair) or self._first.get(pair)
        if known is not None:
            known.account = use.account or known.account
            known.first = min(known.first, use.first)
            known.last = max(known.last, use.last)
            known.accepted += use.accepted
            known.refused += use.refused
            return
        new = _Sum(use.address, use.account, use.first, use.last, use.accepted, use.refused)
        self._put(pair, new, is_known=not makes_known(use) or use.key in self._counted)

    def _put(self, pair: _Pair, new: _Sum, *, is_known: bool) -> None:
        """Put the first use of a pair in its place; ``is_known``: it does not make its alias known."""
        if len(self) >= self._most:
            if is_known or not self._again:
                self.dropped += new.accepted + new.refused
                return
            _, displaced = self._again.popitem()
            self.dropped += displaced.accepted + displaced.refused
        pending = self._again if is_known else self._first
        pending[pair] = new

    def take(self, most: int) -> list[Use]:
        """Remove and return at most so many uses, those of aliases that were not counted before them first."""
        uses: list[Use] = []
        firsts = min(most, len(self._first))
        for pending in (self._first, self._again):
            for pair in list(islice(pending, most - len(uses))):
                key, sender, _ = pair
                taken = pending.pop(pair)
                uses.append(
                    Use(
                        key,
                        taken.address,
                        taken.account,
                        sender,
                        taken.first,
                        taken.last,
                        taken.accepted,
                        taken.refused,
                    )
                )
        self._due -= len(uses) - firsts
        return uses

    def is_counted(self, key: AliasKey) -> bool:
        """Return whether an alias was counted before; False if that is not remembered."""
        return key in self._counted

    def mark_counted(self, uses: Iterable[Use]) -> None:
        """Remember that the aliases of accepted uses are in the store."""
        if len(self._counted) >= MOST_COUNTED:
            self._counted.clear()
        self._counted.update(use.key for use in uses if makes_known(use))

    def clear(self) -> int:
        """Drop all uses; return the number of their mails."""
        before = self.dropped
        for pending in (self._first, self._again):
            self.dropped += sum(dropped.accepted + dropped.refused for dropped in pending.values())
            pending.clear()
        return self.dropped - before
