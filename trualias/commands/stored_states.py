"""The states of aliases for the commands that answer as a server does."""

from __future__ import annotations

from trualias.commands.terminal import Terminal
from trualias.lookup import Snapshot
from trualias.lookup.alias_states import AliasStates
from trualias.lookup.known_aliases import KnownAliases


def with_stored_states(snapshot: Snapshot, terminal: Terminal) -> Snapshot:
    """Return a snapshot with the states in its STORE; if they cannot be read, write why, and return it as it is."""
    path = snapshot.configuration.store_path
    if path is None:
        return snapshot
    # Without a store, nothing of it is imported.
    from trualias.store.interface import StoreUnusable
    from trualias.store.sqlite import SqliteStore

    try:
        store = SqliteStore(path)
        try:
            known = KnownAliases(is_complete=True)
            if snapshot.configuration.needs_known_aliases:
                for _, key, is_known in store.known():
                    known.put(key, is_known=is_known)
            return snapshot.with_states(AliasStates(dict(store.states()), known))
        finally:
            store.close()
    except StoreUnusable as problem:
        terminal.errors.write(f"the states of aliases are not consulted: {problem}\n")
        return snapshot
