"""A store and its follower against a model: changes, accepted mail, restarts, and a clock that goes both ways."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState, AliasStates
from trualias.store.follower import Follower
from trualias.store.records import Change, Position, Use
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import StatesCopy, decode, encode
from trualias.test import trialprofile
from trualias.test.states import states_of

trialprofile.load()

KEYS = st.sampled_from(["a@", "a@x.example", "b@", "b@y.example"])
STATES = st.sampled_from(AliasState)
TIMES = st.none() | st.integers(0, 50).map(float)


class StoreMachine(RuleBasedStateMachine):
    """Commands change the store; a follower must have the states of the model after each look."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / "memory.sqlite")
        create(self.path)
        self.now = 0.0
        self.reads_known = True
        self.model: dict[str, tuple[AliasState, float | None, float | None]] = {}
        self.accepted: dict[str, int] = {}
        self.follower = self.follow()

    def follow(self, position: Position | None = None, states: AliasStates | None = None) -> Follower:
        """Return a follower that reads the known aliases where they are wanted."""
        return Follower(
            self.path,
            SqliteStore,
            position,
            states,
            time_of_day=lambda: self.now,
            reads_known=lambda: self.reads_known,
        )

    @rule(key=KEYS, number=st.integers(1, 3), sender=st.sampled_from(["x.example", "y.example", "", None]))
    def accept(self, key: str, number: int, sender: str | None) -> None:
        """Count accepted mails, which make an alias known."""
        store = SqliteStore(self.path)
        store.count([Use(key, key, "foo", sender, self.now, self.now, number)], self.now, keeps_senders=True)
        store.close()
        self.model.setdefault(key, (AliasState.ACTIVE, None, None))
        self.accepted[key] = self.accepted.get(key, 0) + number

    @rule()
    def reload(self) -> None:
        """Want the known aliases from now on, or no longer, as by a reload."""
        self.reads_known = not self.reads_known

    @rule(key=KEYS, state=st.none() | STATES, expires=TIMES, resumes=TIMES)
    def change(self, key: str, state: AliasState | None, expires: float | None, resumes: float | None) -> None:
        """Change an alias, or forget it."""
        store = SqliteStore(self.path)
        store.change([Change(key, key, state, None, expires, resumes)], "root", self.now)
        store.close()
        if state is None:
            self.model.pop(key, None)
            self.accepted.pop(key, None)
        else:
            self.model[key] = (state, expires, resumes)

    @rule(step=st.integers(-10, 20))
    def set_clock(self, step: int) -> None:
        """Set the clock forth or back."""
        self.now += step

    @rule()
    def restart(self) -> None:
        """Start again with the copy of the states, as a server does."""
        self.follower.examine()
        position = self.follower.position
        assert position is not None
        kept = decode(encode(StatesCopy(self.path, position, self.follower.states)))
        self.follower._release()
        self.follower = self.follow(kept.position, kept.states)

    @invariant()
    def follows(self) -> None:
        """The follower has the states of the model, in which due changes are made."""
        for key, (state, expires, resumes) in self.model.items():
            if expires is not None and expires <= self.now:
                self.model[key] = (AliasState.REVOKED, None, None)
            elif resumes is not None and resumes <= self.now:
                self.model[key] = (AliasState.ACTIVE if state.is_paused else state, expires, None)
        self.follower.examine()
        expected = {key: state for key, (state, *_) in self.model.items() if state is not AliasState.ACTIVE}
        # An active alias with a time to come has a record, too.
        found = {key: state for key, state in states_of(self.follower.states).items() if state is not AliasState.ACTIVE}
        assert found == expected
        self.check_known()

    def check_known(self) -> None:
        """Compare the numbers of mails, and the known aliases where they are wanted, with the model."""
        store = SqliteStore(self.path)
        entries = {entry.key: entry.accepted for entry in store.entries()}
        senders = sum(one.accepted for key in entries for one in store.senders(key))
        store.close()
        assert entries == {key: self.accepted.get(key, 0) for key in self.model}
        assert senders <= sum(self.accepted.values())
        known = self.follower.states.known
        if self.reads_known:
            assert known.is_complete and len(known) == len(self.model)
            assert all(known.has(*key.split("@")) for key in self.model)

    def teardown(self) -> None:
        """Remove the store."""
        self.follower._release()
        self.folder.cleanup()


class StoreModelTests(SynchronousTestCase):
    """The state machine."""

    def test_model(self) -> None:
        """Whatever happens, the states in force, the known aliases and the counts are those of the model."""
        run_state_machine_as_test(StoreMachine, settings=settings(stateful_step_count=20))
