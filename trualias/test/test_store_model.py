"""A store and its follower against a model of twenty lines: changes, restarts, and a clock that goes both ways."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.store.follower import Follower
from trualias.store.interface import Change
from trualias.store.sqlite import SqliteStore, create
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
        self.model: dict[str, tuple[AliasState, float | None, float | None]] = {}
        self.follower = Follower(self.path, SqliteStore, time_of_day=lambda: self.now)

    @rule(key=KEYS, state=st.none() | STATES, expires=TIMES, resumes=TIMES)
    def change(self, key: str, state: AliasState | None, expires: float | None, resumes: float | None) -> None:
        """Change an alias, or forget it."""
        store = SqliteStore(self.path)
        store.change([Change(key, key, state, None, expires, resumes)], "root", self.now)
        store.close()
        self.model.pop(key, None)
        if state is not None:
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
        self.follower = Follower(self.path, SqliteStore, kept.position, kept.states, time_of_day=lambda: self.now)

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

    def teardown(self) -> None:
        """Remove the store."""
        self.follower._release()
        self.folder.cleanup()


class StoreModelTests(SynchronousTestCase):
    """The state machine."""

    def test_model(self) -> None:
        """Whatever happens in whatever order, the states in force are those of the model."""
        run_state_machine_as_test(StoreMachine, settings=settings(stateful_step_count=20))
