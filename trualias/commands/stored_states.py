"""The states of aliases for the commands that answer as a server does."""

from __future__ import annotations

from trualias.commands.terminal import Terminal
from trualias.lookup import Snapshot
from trualias.lookup.alias_states import AliasStates
from trualias.lookup.known_aliases import KnownAliases
from trualias.messages import escaped


def with_stored_states(snapshot: Snapshot, terminal: Terminal) -> Snapshot:
    """Return a snapshot with the states in its STORE, or else in a copy that a server keeps of them.

    If the store cannot be read, write why, and which states are consulted; without any, return the snapshot as it is.
    """
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
        copied = _latest_copy(path)
        if copied is None:
            terminal.errors.write(f"the states of aliases are not consulted: {escaped(str(problem))}\n")
            return snapshot
        terminal.errors.write(f"the states of aliases are those that a server has a copy of: {escaped(str(problem))}\n")
        return snapshot.with_states(copied)


def _latest_copy(path: str) -> AliasStates | None:
    """Return the states of a store in the latest of the copies that servers keep; None if there is none to read."""
    from trualias.commands.memory import Refused, copies

    try:
        found = copies(None, path)
    except Refused:
        return None
    return max(found, key=lambda copy: copy.position.revision).states if found else None
