"""A statement to compare with an address."""

from __future__ import annotations

from attrs import frozen

from trualias.matching.matcher import Matcher


@frozen(eq=False, repr=False, weakref_slot=False)  # there can be a million
class Candidate:
    """A statement with the names that an address would have to show.

    ``account`` and ``alias`` are folded, ``spelled`` is the account as the file first spells it. ``alias`` is empty for
    a statement without aliases.
    """

    matcher: Matcher
    account: str
    alias: str
    spelled: str
