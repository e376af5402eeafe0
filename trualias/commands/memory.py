"""The store for the commands: which one, and whether it may be changed."""

from __future__ import annotations

import getpass
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen

from trualias.commands.options import add_config, add_state_directory, configuration_path, state_directory_path
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import SERVER_TABLES, Table
from trualias.lookup import Snapshot
from trualias.lookup.loading import load_snapshot
from trualias.messages import escaped
from trualias.store.interface import Store, StoreChanged, StoreUnusable
from trualias.store.records import Change, Kept
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import BUSY_SECONDS
from trualias.store.states_copy import StatesCopy, UnusableStatesCopy, copy_file_name, read_states_copy

DONE, REFUSED, UNUSABLE = 0, 1, 2
"""The exit statuses of the commands that use the store."""


class Refused(Exception):
    """A command cannot do what is asked; ``str()`` is the reason."""


def add_memory(command: ArgumentParser) -> None:
    """Declare ``-c FILE`` and ``--state-directory DIR``."""
    add_config(command)
    add_state_directory(command)


def load(arguments: Namespace) -> tuple[Snapshot, str]:
    """Load the configuration; return its snapshot and the path of its store; raise `Refused` if it has none."""
    snapshot = load_snapshot(configuration_path(arguments, Table.VIRTUAL))
    path = snapshot.configuration.store_path
    if path is None:
        raise Refused(
            f"{escaped(snapshot.configuration.name)} has no STORE, such as sqlite:/var/lib/trualias/memory.sqlite"
        )
    return snapshot, path


def copies(state_directory: str | None, path: str) -> list[StatesCopy]:
    """Return the copies that the servers keep of a store's states; raise `Refused` if one cannot be read."""
    folder = state_directory_path(state_directory)
    found = []
    for table in SERVER_TABLES:
        name = os.path.join(folder, copy_file_name(table.value, path))
        try:
            copy = read_states_copy(name)
        except UnusableStatesCopy as error:
            raise Refused(f"{name}: {error}") from None
        if copy is not None and copy.path == path:
            found.append(copy)
    return found


def open_store(path: str, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open a store; raise `Refused` if it cannot be used."""
    try:
        store = SqliteStore(path, busy_seconds)
        store.position()
    except StoreUnusable as error:
        raise Refused(f"{error}{_remedy(path)}") from None
    return store


def _remedy(path: str) -> str:
    """Return what to do about a store that cannot be used, to be appended to the error; empty if that is not known."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return (
            "; 'trualias store upgrade' makes a store, as a server does when it starts, unless there was one already: "
            "see 'trualias store adopt'"
        )
    except PermissionError:
        return _OTHER_USER
    except OSError:
        return ""
    may_use = os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    return "" if may_use else _OTHER_USER


_OTHER_USER = "; run the command as the user of the servers"


def open_to_change(state_directory: str | None, path: str, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open a store; raise `Refused` if it cannot be used, or if a server has states in force that it lacks.

    ``busy_seconds`` is the longest wait for another process that writes.
    """
    store = open_store(path, busy_seconds)
    found = store.position()
    for copy in copies(state_directory, path):
        if found.identity != copy.position.identity or found.revision < copy.position.revision:
            store.close()
            raise Refused(
                f"{path} is not the store whose states the servers have in force, or an older state of it; nothing is "
                "changed until trualias store adopt has put that right"
            )
    return store


def actor() -> str:
    """Return the user of the machine, and the one who became this user by sudo."""
    user = getpass.getuser()
    sudo = os.environ.get("SUDO_USER")
    return f"{user} (sudo by {sudo})" if sudo and sudo != user else user


@frozen
class Memory:
    """A configuration with its store, which is open, and was at a revision when the command began."""

    snapshot: Snapshot
    path: str
    store: Store
    revision: int

    def change(self, changes: Sequence[Change]) -> None:
        """Make all changes or none; return when they are on disk; raise `Refused` if the store has changed meanwhile.

        A state that was read before could be written over a revocation.
        """
        try:
            self.store.change(changes, actor(), time.time(), self.revision)
        except StoreChanged:
            raise Refused(_CHANGED_MEANWHILE.format(path=self.path)) from None

    def keep(self, kept: Sequence[Kept], note: str) -> None:
        """Keep all aliases or none, as `change` makes changes; the trail has one line for them, with the note."""
        try:
            self.store.keep(kept, note, actor(), time.time(), self.revision)
        except StoreChanged:
            raise Refused(_CHANGED_MEANWHILE.format(path=self.path)) from None


_CHANGED_MEANWHILE = "{path} was changed meanwhile, and nothing is done; repeat the command"

MemoryAction = Callable[[Memory, Namespace, Terminal], int]
"""An action of a command; it returns the exit status, and raises `Refused`."""


class AddAction(Protocol):
    """Declares an action of ``trualias alias``."""

    def __call__(
        self, name: str, function: MemoryAction, text: str, description: str, example: str, *, to_change: bool = True
    ) -> ArgumentParser:
        """Return the parser of an action, with its help text, its description, and the arguments of its example.

        ``to_change``: the store must be the one whose states the servers have in force.
        """


def with_memory(action: MemoryAction, *, to_change: bool = False) -> Callable[[Namespace, Terminal], int]:
    """Return a command that opens the store of the configuration, runs an action, and writes why it is refused.

    ``to_change``: the store must be the one whose states the servers have in force.
    """

    def run(arguments: Namespace, terminal: Terminal) -> int:
        try:
            snapshot, path = load(arguments)
            store = open_to_change(arguments.state_directory, path) if to_change else open_store(path)
        except Refused as refusal:
            terminal.errors.write(f"{refusal}\n")
            return UNUSABLE
        try:
            if to_change:
                store.make_due_changes(time.time())
            return action(Memory(snapshot, path, store, store.position().revision), arguments, terminal)
        except Refused as refusal:
            terminal.errors.write(f"{refusal}\n")
            return REFUSED
        except StoreUnusable as problem:
            terminal.errors.write(f"{escaped(str(problem))}\n")
            return UNUSABLE
        finally:
            store.close()

    return run


def has_policy_service(snapshot: Snapshot) -> bool:
    """Return whether a LISTEN of the configuration is a policy service, which counts mail and enforces locks."""
    return snapshot.configuration.settings.has_policy_service
