"""A server's view of a store: it reads the changes of states, and refuses a store that lost some."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

from trualias.lookup.alias_states import AliasStates
from trualias.store.interface import Store, StoreUnusable
from trualias.store.records import Position


class Follower:
    """Reads the states of a store, again after each change.

    ``position`` and ``states`` are those in force: at first those of the last run. Where there was none, the position
    is None, and the states are lost, until the store is read. A store that is missing, of another identity, or behind
    the position is not used: its states could be lost.

    Args:
        path: of the store.
        open_store: opens it, and raises `StoreUnusable`.
        position: the last known one.
        states: those at this position.
        pause: called often during long work.
        time_of_day: returns seconds since 1970, for the changes whose time has come.
        reads_known: returns whether the aliases that the store knows are wanted, which need memory.

    """

    def __init__(
        self,
        path: str,
        open_store: Callable[[str], Store],
        position: Position | None = None,
        states: AliasStates | None = None,
        pause: Callable[[], None] = lambda: None,
        time_of_day: Callable[[], float] = time.time,
        reads_known: Callable[[], bool] = lambda: False,
    ) -> None:
        self.position = position
        self.states = AliasStates(is_lost=True) if states is None else states
        self._path = path
        self._open_store = open_store
        self._pause = pause
        self._time_of_day = time_of_day
        self._reads_known = reads_known
        self._last_known: int | None = None  # the number of the last one; None if none was read
        self._store: Store | None = None
        self._ended = -math.inf
        self._file: tuple[int, int] | None = None  # device and inode
        self._version: int | None = None  # of the store when it was read; None if it must be read whole

    def examine(self) -> bool:
        """Look at the store, and read what changed; return whether ``states`` or ``position`` are new.

        Raises:
            StoreUnusable: the store is not used, and what is in force stays.
        """
        try:
            return self._read_changes()
        except StoreUnusable:
            self._release()
            self._end_in_memory()
            raise

    def _now(self) -> float:
        """Return the time of day, and none before the time at which something ended in memory."""
        return max(self._time_of_day(), self._ended)

    def _end_in_memory(self) -> None:
        """Change the states whose time has come, in memory; the store follows when it can be used again."""
        now = self._now()
        if due := self.states.due(now):
            self._ended = now
            self.states = self.states.changed(due, self._pause)

    def _read_changes(self) -> bool:
        file = _identity(self._path)
        if self._store is None or file != self._file:
            self._release()
            self._store, self._file = self._open_store(self._path), file
        version = self._store.version()
        if version != self._version:
            self._check(self._store.position())
        # Its own changes do not change the version.
        has_changed = self._store.make_due_changes(self._now()) or version != self._version
        self._read_known(self._store, has_changed=has_changed)
        if not has_changed:
            return False
        before, position = self.position, self._store.position()
        if self._version is None:
            states = AliasStates.collect(self._store.states(), self._pause, self.states.known)
        elif position != before:
            assert before is not None
            states = self.states.changed(self._store.states(before.revision), self._pause)
        else:
            states = self.states
        # A change that is committed meanwhile has another version, and is read again.
        self._version, self.position, self.states = version, position, states
        return position != before

    def _read_known(self, store: Store, *, has_changed: bool) -> None:
        """Read the aliases that became known, or all of them if none was read yet."""
        known = self.states.known
        if not self._reads_known():
            # What changes meanwhile is not noted: later, all of them must be read.
            self._last_known = None
            known.clear()
            return
        if self._last_known is not None and not has_changed:
            return
        for number, key, is_known in store.known(self._last_known or 0):
            known.put(key, is_known=is_known)
            self._last_known = number
            if number % 1_000 == 0:
                self._pause()
        self._last_known = self._last_known or 0
        known.is_complete = True

    def resting(self) -> int:
        """Return the number of aliases that end for want of mail once mail is counted; 0 without a store."""
        return 0 if self._store is None else self._store.idle(self._now())

    def _check(self, found: Position) -> None:
        known = self.position
        if known is None:
            return
        if found.identity != known.identity:
            raise StoreUnusable(f"{self._path} is another store than the one in force")
        if found.revision < known.revision:
            raise StoreUnusable(
                f"{self._path} is older than what is in force: revision {found.revision}, not {known.revision}"
            )

    def _release(self) -> None:
        if self._store is not None:
            self._store.close()
        # Another store may have given the numbers to other aliases. What is known already stays.
        self._store = self._file = self._version = self._last_known = None


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoreUnusable(f"{path}: {error.strerror}") from error
    return status.st_dev, status.st_ino
