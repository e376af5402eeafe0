"""Random histories of a store, its server and its faults, against a model of a few lines."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.store.follower import Follower
from trualias.store.interface import StoreUnusable
from trualias.store.records import Change, Position
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import StatesCopy, decode, encode
from trualias.test import trialprofile
from trualias.test.states import states_of

trialprofile.load()

States = dict[str, AliasState]

KEYS = st.sampled_from(("a@", "a@b.c", "é@b.c", "x y@"))
CHANGES = st.dictionaries(KEYS, st.sampled_from((None, *AliasState)), min_size=1)


def not_active(states: States) -> States:
    """Return the states without those of active aliases, as a server has them."""
    return {key: state for key, state in states.items() if state is not AliasState.ACTIVE}


class Machine(RuleBasedStateMachine):
    """A store on disk, the follower of a server, and what both must contain.

    ``stored`` are the states in the store at the path, ``in_force`` those of the server; ``is_in_force``: the store at
    the path is the one in force, and has all of it.
    """

    @initialize()
    def start(self) -> None:
        """Make a store, and read it."""
        self.folder = TemporaryDirectory()
        self.path = str(Path(self.folder.name, "memory.sqlite"))
        create(self.path)
        self.stored: States = {}
        self.in_force: States = {}
        self.is_in_force = True
        self.saved: tuple[str, States, int] | None = None
        self.follower = Follower(self.path, SqliteStore)
        self.follower.examine()

    def teardown(self) -> None:
        """Release the store."""
        self.follower._release()
        self.folder.cleanup()

    def write(self, changes: dict[str, AliasState | None], position: Position | None = None) -> None:
        """Make changes as a command does, or adopt the store at a position."""
        made = [Change(key, key, state) for key, state in changes.items()]
        store = SqliteStore(self.path)
        if position is None:
            store.change(made, "root", 1)
        else:
            store.adopt(made, position, "root", 1)
        store.close()
        for key, state in changes.items():
            self.stored.pop(key, None)
            if state is not None:
                self.stored[key] = state

    @precondition(lambda self: self.is_in_force)
    @rule(changes=CHANGES, is_read=st.booleans())
    def change(self, changes: dict[str, AliasState | None], is_read: bool) -> None:
        """Change or forget some aliases together; the server reads it before the next change, or not."""
        self.write(changes)
        if is_read:
            self.examine()

    @rule()
    def examine(self) -> None:
        """Let the server look at the store: it takes over all of the store in force, and nothing of another one."""
        if self.is_in_force:
            self.follower.examine()
            self.in_force = not_active(self.stored)
        else:
            try:
                self.follower.examine()
            except StoreUnusable:
                return
            raise AssertionError("a store that lost changes is used")

    @rule()
    def restart(self) -> None:
        """Restart the server from the copy of what it has in force."""
        assert self.follower.position is not None
        copy = decode(encode(StatesCopy(self.path, self.follower.position, self.follower.states)))
        self.follower._release()
        self.follower = Follower(self.path, SqliteStore, copy.position, copy.states)

    @precondition(lambda self: self.is_in_force)
    @rule()
    def back_up(self) -> None:
        """Keep a backup of what the server has in force."""
        self.examine()
        assert self.follower.position is not None
        name = str(Path(self.folder.name, f"backup-{self.follower.position.revision}"))
        Path(name).unlink(missing_ok=True)
        store = SqliteStore(self.path)
        store.backup(name)
        store.close()
        self.saved = name, dict(self.stored), self.follower.position.revision

    def replace(self) -> None:
        """Remove the store and its files."""
        self.examine()
        for path in Path(self.folder.name).glob("memory.sqlite*"):
            path.unlink()
        self.is_in_force = False

    @precondition(lambda self: self.is_in_force)
    @rule(later=st.lists(CHANGES, max_size=9))
    def remove(self, later: list[dict[str, AliasState | None]]) -> None:
        """Replace the store by a new one, in which other changes are made."""
        self.replace()
        create(self.path)
        self.stored = {}
        for changes in later:
            self.write(changes)

    @precondition(lambda self: self.is_in_force and self.saved is not None)
    @rule()
    def restore(self) -> None:
        """Replace the store by the backup, which is older unless nothing was changed since."""
        assert self.saved is not None and self.follower.position is not None
        name, states, revision = self.saved
        self.replace()
        shutil.copy(name, self.path)
        self.stored = dict(states)
        self.is_in_force = revision == self.follower.position.revision

    @precondition(lambda self: not self.is_in_force)
    @rule()
    def adopt(self) -> None:
        """Adopt the store that is there, with the states in force that are stricter."""
        assert self.follower.position is not None
        stricter: dict[str, AliasState | None] = {
            key: state
            for key, state in self.in_force.items()
            if state.strictness > self.stored.get(key, AliasState.ACTIVE).strictness
        }
        store = SqliteStore(self.path)
        revision = max(store.position().revision, self.follower.position.revision) + 1
        store.close()
        self.write(stricter, Position(self.follower.position.identity, revision))
        self.is_in_force = True

    @invariant()
    def is_as_modelled(self) -> None:
        """The server has what it last took over, and the store what was written."""
        assert states_of(self.follower.states) == self.in_force
        store = SqliteStore(self.path)
        try:
            assert {entry.key: entry.state for entry in store.entries()} == self.stored
            assert store.check() == []
        finally:
            store.close()


class MachineTests(SynchronousTestCase):
    """Histories of the memory."""

    def test_histories(self) -> None:
        """No history makes a server lose a state, take over one that was not decided, or use a store that lost some."""
        chosen = settings(max_examples=max(20, trialprofile.scaled(100)), stateful_step_count=25)
        run_state_machine_as_test(Machine, settings=chosen)
