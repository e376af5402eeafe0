"""The records of a store: what it keeps, what is to be changed or counted, and what is wanted of it."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from attrs import frozen

from trualias.lookup.alias_states import AliasKey, AliasState
from trualias.lookup.locks import Lock


class Origin(Enum):
    """The ways in which a store learnt of an alias; the value is the name in a store."""

    USED = "used"
    COMPOSED = "composed"
    IMPORTED = "imported"
    API = "api"
    COMMAND = "command"


class Keep(Enum):
    """The mark of what a change leaves as it is."""

    KEEP = "keep"


KEEP = Keep.KEEP

_Value = TypeVar("_Value")


def keep_or(new: _Value | Keep, before: _Value) -> _Value:
    """Return a new value, or the one before if it is to be kept."""
    return before if isinstance(new, Keep) else new


@frozen
class Position:
    """How far a store is: its identity, which no other store has, and its revision.

    The revision grows with every change of states, so that a store that lost changes shows.
    """

    identity: str
    revision: int


@frozen
class Entry:
    """An alias that a store knows.

    ``address`` is its key in the spelling in which it was first given. ``changed`` is the time of the last change, in
    seconds since 1970. At the time ``expires`` it becomes revoked, and at ``resumes`` a paused one becomes active; None
    for never. It also becomes revoked after ``expires_after`` accepted mails, and when it was not used for
    ``expires_idle`` days.

    ``account`` is that of the last accepted mail, empty if there was none; that of a kept alias is the one that it is
    kept for. ``words`` are those that it was made for. ``created``, ``first_seen`` and ``last_seen`` are seconds since
    1970, the last two None before the first mail. ``accepted`` and ``refused`` are numbers of mails, and ``senders`` is
    that of the senders that are kept.
    """

    key: AliasKey
    address: str
    state: AliasState
    note: str
    changed: float
    expires: float | None = None
    resumes: float | None = None
    account: str = ""
    origin: Origin = Origin.COMMAND
    kept: bool = False
    lock: Lock | None = None
    words: tuple[str, ...] = ()
    created: float = 0
    first_seen: int | None = None
    last_seen: int | None = None
    accepted: int = 0
    refused: int = 0
    expires_after: int | None = None
    expires_idle: int | None = None
    senders: int = 0


@frozen
class TrailLine:
    """A change of an alias: when, in seconds since 1970, by whom, from which state to which, and its note or remark."""

    at: float
    actor: str
    before: AliasState | None
    after: AliasState | None
    note: str


def idle_remark(days: int) -> str:
    """Return what the trail says of an alias that ended because no mail came for some days."""
    return f"expired after {days} days without mail"


@frozen
class Change:
    """A change to make: the new state, None to forget the alias; the note, None to keep it; and the times to come.

    ``kept_for`` is the account that the alias is kept for, empty for none. What is `KEEP` stays as it is. ``remark`` is
    what the trail says of the change, empty for the note.
    """

    key: AliasKey
    address: str
    state: AliasState | None
    note: str | None = None
    expires: float | None = None
    resumes: float | None = None
    kept_for: str | Keep = KEEP
    lock: Lock | Keep | None = KEEP
    expires_after: int | Keep | None = KEEP
    expires_idle: int | Keep | None = KEEP
    remark: str = ""


OTHER_SENDERS = "(others)"
"""Stands for the senders of an alias for which there is no room."""


@frozen
class Use:
    """Mails of one sender to one alias, summed.

    ``sender`` is a domain or an address, in lower case; empty for the null sender, `MALFORMED_SENDER` for what is no
    address, None if none is known. ``first`` and ``last`` are seconds since 1970. ``words`` are those that the alias
    was made for.
    """

    key: AliasKey
    address: str
    account: str
    sender: str | None
    first: float
    last: float
    accepted: int = 0
    refused: int = 0
    words: tuple[str, ...] = ()


@frozen
class Counted:
    """The result of counting: the aliases that became known, and the mails that are only in a sum of their account.

    ``changed``: a lock took its first sender, or an alias ended; the revision grew.
    """

    new: tuple[AliasKey, ...]
    beyond: int
    changed: bool


class Order(Enum):
    """The orders of aliases; the value is the name for people. Equal ones are in the order of their keys."""

    NAME = "name"
    LAST = "last"
    FIRST = "first"
    COUNT = "count"


@frozen
class Selection:
    """Which aliases are wanted, and in which order: by name, or the one last seen, first seen or used most at first.

    ``states`` is those wanted. ``account`` selects the aliases of an account, and those whose account the store does
    not know; ``domain`` those in a folded domain and in all domains; ``since`` those that accepted mail at this time,
    in seconds since 1970, or later. None: any.
    """

    states: frozenset[AliasState] | None = None
    account: str | None = None
    domain: str | None = None
    since: float | None = None
    order: Order = Order.NAME


ALL = Selection()


@frozen
class Sender:
    """A sender of mail to one alias, or `OTHER_SENDERS`, `MALFORMED_SENDER` or the null sender, which is empty.

    It is a domain or an address. ``first_seen`` and ``last_seen`` are seconds since 1970, ``accepted`` and ``refused``
    numbers of mails. ``expected``: it has to do with what the alias was made for, as found at its first mail.
    """

    sender: str
    first_seen: int
    last_seen: int
    accepted: int
    refused: int
    expected: bool


@frozen
class SenderOfAlias:
    """A sender, the alias that it wrote to, the account of this alias, and the words that it was made for."""

    address: str
    account: str
    words: tuple[str, ...]
    sender: Sender


@frozen
class SenderDomain:
    """All senders in a domain: the number of aliases they wrote to, their first and last mail, and their mails."""

    domain: str
    aliases: int
    first_seen: int
    last_seen: int
    accepted: int
    refused: int


@frozen
class Kept:
    """An alias to keep for an account, though no statement accepts it.

    ``first_seen`` and ``last_seen`` are seconds since 1970, None if they are unknown, and ``accepted`` is a number of
    mails. ``words`` are those that the alias was made for.
    """

    key: AliasKey
    address: str
    account: str
    words: tuple[str, ...] = ()
    first_seen: int | None = None
    last_seen: int | None = None
    accepted: int = 0


@frozen
class Composed:
    """An alias that was composed, its account, and the words that it was made for."""

    key: AliasKey
    address: str
    account: str
    words: tuple[str, ...] = ()


IMPORTS = ""
"""Stands in the trail for an alias: the trail of imports, which have one line each."""
