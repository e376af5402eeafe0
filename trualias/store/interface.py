"""The interface of a store, and its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Protocol, TypeVar

from attrs import frozen

from trualias.lookup.alias_states import AliasKey, AliasRecord, AliasState
from trualias.lookup.locks import Lock
from trualias.store.guesses import GuessedAccount, Guesses, GuessingNetwork


class StoreUnusable(Exception):
    """A store cannot be read or written; ``str()`` is the reason."""


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


class StoreChanged(Exception):
    """A store was changed after the revision from which further changes were decided; none of them is made."""


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


MALFORMED_SENDER = "(malformed)"
"""Stands for all senders that are no addresses."""

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


class Store(Protocol):
    """A store. Each method raises `StoreUnusable`. One thread at a time uses it."""

    def position(self) -> Position:
        """Return the position."""

    def version(self) -> int:
        """Return a number that changes when another process has changed the store; it costs microseconds."""

    def states(self, after: int = 0) -> Iterator[tuple[AliasKey, AliasRecord]]:
        """Yield the aliases that changed after a revision, with their records; of a forgotten one, the plain one."""

    def known(self, after: int = 0) -> Iterator[tuple[int, AliasKey, bool]]:
        """Yield the aliases that became known or were forgotten after a number, in the order of their numbers.

        Each is its number, its key, and whether it is known.
        """

    def entries(self, selection: Selection = ALL) -> Iterator[Entry]:
        """Yield the wanted aliases."""

    def entry(self, key: AliasKey) -> Entry | None:
        """Return an alias; None if the store does not know it."""

    def neighbours(self, key: AliasKey, most: int) -> list[str]:
        """Return the addresses whose keys are next to a key: at most ``most`` before it, and as many from it on."""

    def senders(self, key: AliasKey) -> list[Sender]:
        """Return the senders of an alias, the one that wrote last first."""

    def senders_of(self, domain: str, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders in a domain and its subdomains, the one that wrote last first.

        Of aliases that are selected, as in the next three methods; the order of the selection does not count.
        """

    def sender_domains(self, selection: Selection = ALL) -> list[SenderDomain]:
        """Return the domains of all senders, the one with the last mail first."""

    def strangers(self, selection: Selection = ALL) -> list[SenderOfAlias]:
        """Return the senders that were not expected, the one that wrote first last."""

    def forget_senders(self, sender: str, selection: Selection = ALL) -> int:
        """Remove what is known of an address, or of all senders in a domain and its subdomains; return the rows."""

    def forget_old(self, now: float, keep_senders_days: int, pause: Callable[[], None] = lambda: None) -> int:
        """Remove what is kept for a time alone, in many short transactions; return the rows.

        These are senders that have not been seen for a number of days, guesses of 30 days ago, lines of the trail of
        400 days ago, but for the last one of each alias, and what was counted of the new aliases of an account to limit
        them. ``pause`` is called between two transactions.
        """

    def trail(self, key: AliasKey) -> list[TrailLine]:
        """Return the changes of an alias, the oldest first."""

    def change(self, changes: Sequence[Change], actor: str, now: float, based_on: int | None = None) -> int:
        """Make all changes or none; return the revision once they are on disk.

        ``based_on`` is the revision from which they were decided; `StoreChanged` is raised if it is not the current
        one. None: they are made whatever the revision is.
        """

    def keep(self, kept: Sequence[Kept], note: str, actor: str, now: float, based_on: int | None = None) -> int:
        """Keep all aliases or none, whatever account they were kept for; return the revision once it is on disk.

        No state changes. The trail of `IMPORTS` has one line for all, with the note. ``based_on`` is as for `change`.
        """

    def kept_accounts(self) -> list[tuple[str, str, int]]:
        """Return the accounts and domains of kept aliases, the domain empty for all, with the number of aliases."""

    def add_composed(self, composed: Sequence[Composed], now: float) -> None:
        """Make composed aliases known; those that are known already stay as they are."""

    def count(self, uses: Sequence[Use], now: float, *, keeps_senders: bool) -> Counted:
        """Add uses, in one transaction.

        An alias becomes known by accepted mail, and by a use without any, at most 500 an account and day. Of its
        senders, 100 are kept. A power failure may lose what was counted last, but no change of states.
        """

    def count_guesses(self, guesses: Sequence[Guesses]) -> None:
        """Add guesses, in one transaction.

        At most 1,000 networks of a day are counted each, and ten examples of an account are kept, the newest. A power
        failure may lose what was counted last.
        """

    def guessed_accounts(self, account: str | None = None) -> list[GuessedAccount]:
        """Return the accounts whose aliases were guessed at, or one of them, the one with the most guesses first."""

    def guessing_networks(self) -> list[GuessingNetwork]:
        """Return the networks that guesses came from, the one with the most guesses first."""

    def make_due_changes(self, now: float) -> bool:
        """Make the changes whose time has come, each once for all processes; return whether there were any.

        Aliases that were not used for too long end only while mail is counted: not if none was in the last day.
        """

    def counts_since(self) -> float | None:
        """Return when the first alias became known by mail, in seconds since 1970; None if none has."""

    def idle(self, now: float) -> int:
        """Return the number of aliases that were not used for too long, and are not revoked yet."""

    def adopt(
        self, changes: Sequence[Change], position: Position, actor: str, now: float, based_on: int | None = None
    ) -> None:
        """Make the changes, and take over a position; its revision must be above that of the store.

        ``based_on`` is the revision of the store from which they were decided; see `change`.
        """

    def check(self) -> list[str]:
        """Return the faults that the database finds in itself."""

    def backup(self, path: str) -> None:
        """Write a copy of the store to a new file, while others go on writing."""

    def close(self) -> None:
        """Release the store."""
