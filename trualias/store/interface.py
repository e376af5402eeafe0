"""The interface of a store, and its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import frozen

from trualias.lookup.alias_states import AliasKey, AliasState


class StoreUnusable(Exception):
    """A store cannot be read or written; ``str()`` is the reason."""


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
    for never.
    """

    key: AliasKey
    address: str
    state: AliasState
    note: str
    changed: float
    expires: float | None = None
    resumes: float | None = None


@frozen
class TrailLine:
    """A change of an alias: when, in seconds since 1970, by whom, from which state to which, and the note."""

    at: float
    actor: str
    before: AliasState | None
    after: AliasState | None
    note: str


@frozen
class Change:
    """A change to make: the new state, None to forget the alias; the note, None to keep it; and the times to come."""

    key: AliasKey
    address: str
    state: AliasState | None
    note: str | None = None
    expires: float | None = None
    resumes: float | None = None


class Store(Protocol):
    """A store. Each method raises `StoreUnusable`. One thread at a time uses it."""

    def position(self) -> Position:
        """Return the position."""

    def version(self) -> int:
        """Return a number that changes when another process has changed the store; it costs microseconds."""

    def states(self, after: int = 0) -> Iterator[tuple[AliasKey, AliasState]]:
        """Yield the aliases that changed after a revision, with their states; of a forgotten one, ``ACTIVE``."""

    def entries(self) -> Iterator[Entry]:
        """Yield all aliases in the order of their keys."""

    def entry(self, key: AliasKey) -> Entry | None:
        """Return an alias; None if the store does not know it."""

    def trail(self, key: AliasKey) -> list[TrailLine]:
        """Return the changes of an alias, the oldest first."""

    def change(self, changes: Sequence[Change], actor: str, now: float, based_on: int | None = None) -> int:
        """Make all changes or none; return the revision once they are on disk.

        ``based_on`` is the revision from which they were decided; `StoreChanged` is raised if it is not the current
        one. None: they are made whatever the revision is.
        """

    def make_due_changes(self, now: float) -> bool:
        """Make the changes whose time has come, each once for all processes; return whether there were any."""

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
