"""The store's connection of a server for counting.

Only a process with STORE imports this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from trualias.configuration.setting_values import KeptSenders
from trualias.lookup import Snapshot
from trualias.lookup.alias_states import AliasKey
from trualias.lookup.alias_words import words_of
from trualias.server.yielding_pause import yield_to_reactor
from trualias.store.guesses import Guesses
from trualias.store.records import Counted, Use
from trualias.store.sqlite import SqliteStore


class CountingStore:
    """The store's connection for counting; its methods run in one thread.

    Args:
        path: of the store.
        pause: called between two pieces of work that hold the interpreter's lock.

    """

    def __init__(self, path: str, pause: Callable[[], None] = yield_to_reactor) -> None:
        self._path = path
        self._pause = pause
        self._store: SqliteStore | None = None

    def count(self, uses: Sequence[Use], new: frozenset[AliasKey], snapshot: Snapshot, now: float) -> Counted:
        """Add uses; find the words of new aliases first. Raise `StoreUnusable`."""
        named: list[Use] = []
        for use in uses:
            if use.key in new:
                self._pause()
                use = evolve(use, words=words_of(snapshot, use.address))
            named.append(use)
        keeps_senders = snapshot.configuration.settings.senders is not KeptSenders.NONE
        try:
            if self._store is None:
                self._store = SqliteStore(self._path)
            return self._store.count(named, now, keeps_senders=keeps_senders)
        except BaseException:
            self.release()
            raise

    def count_guesses(self, guesses: Sequence[Guesses]) -> None:
        """Add guesses. Raise `StoreUnusable`."""
        try:
            if self._store is None:
                self._store = SqliteStore(self._path)
            self._store.count_guesses(guesses)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Release the connection; the next use opens the store anew."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
