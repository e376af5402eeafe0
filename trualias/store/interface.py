"""The interface of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from trualias.lookup.alias_states import AliasKey, AliasRecord
from trualias.store.guesses import GuessedAccount, Guesses, GuessingNetwork
from trualias.store.records import (
    ALL,
    Change,
    Composed,
    Counted,
    Entry,
    Kept,
    Position,
    Selection,
    Sender,
    SenderDomain,
    SenderOfAlias,
    TrailLine,
    Use,
)


class StoreUnusable(Exception):
    """A store cannot be read or written; ``str()`` is the reason."""


class StoreChanged(Exception):
    """A store was changed after the revision from which further changes were decided; none of them is made."""


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

    def has_senders(self) -> bool:
        """Return whether any sender is known, without counting them."""

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

    def retention_time(self, now: float) -> float:
        """Return the time up to which `forget_old` may remove what is old: now, but a day after the last one at most.

        A clock that is set far ahead would make everything old. The first one is at most a day after the last mail.
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

        Aliases that were not used for too long end only while mail is counted: not if none was in the last day. Their
        days count up to a day after the last `retention_time`, so that a wrong clock does not end them all.
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
