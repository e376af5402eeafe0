"""Tests of ``trualias.store.follower`` and ``trualias.store.states_copy``."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.store.follower import Follower
from trualias.store.interface import StoreUnusable
from trualias.store.records import Change, Position
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import StatesCopy, UnusableStatesCopy, decode, encode, read_states_copy
from trualias.test.states import records_of, states_of

REVOKED, ACTIVE = AliasState.REVOKED, AliasState.ACTIVE


class FollowerTests(SynchronousTestCase):
    """A follower of a store."""

    def setUp(self) -> None:
        """Make a store with one alias, and a follower that has read it."""
        self.path = str(Path(self.mktemp()).absolute())
        self.now = 0.0
        create(self.path)
        self.change("a@", REVOKED)
        self.follower = self.follow()
        self.assertTrue(self.follower.examine())

    def follow(self, position: Position | None = None, states: AliasStates | None = None) -> Follower:
        """Make a follower; close its store after the test."""
        follower = Follower(self.path, SqliteStore, position, states, time_of_day=lambda: self.now)
        self.addCleanup(follower._release)
        return follower

    def change(self, key: str, state: AliasState | None) -> None:
        """Change an alias, as a command does."""
        store = SqliteStore(self.path)
        store.change([Change(key, key, state)], "root", 1)
        store.close()

    def assert_refused(self, reason: str, follower: Follower | None = None) -> None:
        """Assert that the store is not used for this reason, again and again, and that the states stay in force."""
        follower = follower or self.follower
        before = states_of(follower.states)
        for _ in range(2):
            self.assertEqual(reason, str(self.assertRaises(StoreUnusable, follower.examine)))
        self.assertEqual(before, states_of(follower.states))

    def test_due_without_store(self) -> None:
        """What is due ends while the store is away, stays so if the clock goes back, and is written afterwards."""
        store = SqliteStore(self.path)
        store.change(
            [Change("e@", "e", ACTIVE, expires=50), Change("p@", "p", AliasState.DEFER, resumes=60)], "root", 1
        )
        store.close()
        self.follower.examine()
        Path(self.path).rename(f"{self.path}.away")
        for now, states in (
            (49, {"a@": REVOKED, "e@": ACTIVE, "p@": AliasState.DEFER}),
            (50, {"a@": REVOKED, "e@": REVOKED, "p@": AliasState.DEFER}),
            (60, {"a@": REVOKED, "e@": REVOKED}),
            (1, {"a@": REVOKED, "e@": REVOKED}),
        ):
            self.now = now
            self.assertRaises(StoreUnusable, self.follower.examine)
            self.assertEqual(states, states_of(self.follower.states))
        Path(f"{self.path}.away").rename(self.path)
        self.follower.examine()
        self.assertEqual({"a@": REVOKED, "e@": REVOKED}, states_of(self.follower.states))
        store = SqliteStore(self.path)
        self.addCleanup(store.close)
        self.assertEqual(
            ["expired at its date", "the pause has ended"], [store.trail(key)[-1].note for key in ("e@", "p@")]
        )

    def test_due_in_the_copy(self) -> None:
        """What is due in the copy of a lost store ends when the server starts with it."""
        records = AliasStates({"e@": AliasRecord(expires=50), "f@": AliasRecord(AliasState.QUIET, resumes=50)})
        copy = decode(encode(StatesCopy("/x", Position("f" * 32, 7), records)))
        self.now = 51
        follower = self.follow(copy.position, copy.states)
        self.assertRaises(StoreUnusable, follower.examine)
        self.assertEqual({"e@": REVOKED}, states_of(follower.states))

    def test_known(self) -> None:
        """The aliases that the store knows are read where they are wanted, and each change of them once."""
        wanted = False
        follower = Follower(self.path, SqliteStore, time_of_day=lambda: self.now, reads_known=lambda: wanted)
        self.addCleanup(follower._release)
        follower.examine()
        known = follower.states.known
        self.assertEqual((False, 0), (known.is_complete, len(known)))
        wanted = True
        self.assertFalse(follower.examine())
        self.assertTrue(known.is_complete)
        self.assertTrue(known.has("a", "x.example"))
        for state in (None, ACTIVE, None, REVOKED):
            self.change("a@", state)
            self.change("b@x.example", state)
            follower.examine()
            self.assertIs(known, follower.states.known)
            is_known = state is not None
            self.assertEqual(
                [is_known, is_known, False],
                [known.has("a", "x.example"), known.has("b", "x.example"), known.has("b", "y.example")],
            )

    def test_known_without_store(self) -> None:
        """What is known is not complete while only the copy of the states was read."""
        position = self.follower.position
        assert position is not None
        self.change("a@", REVOKED)
        Path(self.path).rename(f"{self.path}.away")
        follower = Follower(self.path, SqliteStore, position, records_of({"a@": REVOKED}), reads_known=lambda: True)
        self.assertRaises(StoreUnusable, follower.examine)
        self.assertFalse(follower.states.known.is_complete)

    def test_same_states(self) -> None:
        """Where another process wrote counts alone, the states stay the same object, and so the snapshot does."""
        before = self.follower.states
        with sqlite3.connect(self.path) as database:
            database.execute("UPDATE alias SET accepted = accepted + 1")
        database.close()
        self.assertFalse(self.follower.examine())
        self.assertIs(before, self.follower.states)

    def test_changes(self) -> None:
        """Each change is read once."""
        self.assertFalse(self.follower.examine())
        for key, state in (("b@", REVOKED), ("a@", ACTIVE), ("b@", None)):
            self.change(key, state)
            self.assertTrue(self.follower.examine())
            self.assertEqual(state or ACTIVE, self.follower.states.of(key).state)
            self.assertFalse(self.follower.examine())
        self.assertEqual({}, states_of(self.follower.states))

    def test_due_changes(self) -> None:
        """An alias whose time has come expires, though no other process changes the store."""
        store = SqliteStore(self.path)
        store.change([Change("b@", "b", ACTIVE, expires=100.0)], "root", 1)
        store.close()
        self.assertTrue(self.follower.examine())
        self.assertFalse(self.follower.examine())
        self.now = 100.0
        self.assertTrue(self.follower.examine())
        self.assertEqual({"a@": REVOKED, "b@": REVOKED}, states_of(self.follower.states))
        self.now = 0.0
        self.assertFalse(self.follower.examine())

    def test_missing(self) -> None:
        """A store that vanished, and one that is moved, are not empty memories; it is used again when it is back."""
        shutil.move(self.path, f"{self.path}.moved")
        self.assert_refused(f"{self.path}: No such file or directory")
        shutil.move(f"{self.path}.moved", self.path)
        self.change("b@", REVOKED)
        self.assertTrue(self.follower.examine())
        self.assertEqual({"a@": REVOKED, "b@": REVOKED}, states_of(self.follower.states))

    def test_empty(self) -> None:
        """A file that was removed and made anew, empty, is not used."""
        Path(self.path).unlink()
        Path(self.path).touch()
        self.assert_refused(f"{self.path} is no store of trualias")

    def test_replaced(self) -> None:
        """Another store in the place of the one in force is not used."""
        Path(self.path).unlink()
        create(self.path)
        self.assert_refused(f"{self.path} is another store than the one in force")

    def test_restored(self) -> None:
        """An older state of the store is not used, until it has been adopted."""
        backup = f"{self.path}.backup"
        store = SqliteStore(self.path)
        store.backup(backup)
        store.close()
        self.change("b@", REVOKED)
        self.follower.examine()
        shutil.move(backup, self.path)
        for left in (f"{self.path}-wal", f"{self.path}-shm"):
            Path(left).unlink(missing_ok=True)
        self.assert_refused(f"{self.path} is older than what is in force: revision 2, not 3")
        identity = self.follower.position and self.follower.position.identity
        store = SqliteStore(self.path)
        store.adopt([Change("c@", "c", REVOKED)], Position(str(identity), 4), "root", 1)
        store.close()
        self.assertTrue(self.follower.examine())
        self.assertEqual({"a@": REVOKED, "c@": REVOKED}, states_of(self.follower.states))

    def test_position_of_the_last_run(self) -> None:
        """A follower that starts with a copy compares the store with it."""
        position = self.follower.position
        assert position is not None
        follower = self.follow(position, records_of({"a@": REVOKED}))
        self.assertFalse(follower.examine())
        later = self.follow(Position(position.identity, 9), records_of({"z@": REVOKED}))
        self.assert_refused(f"{self.path} is older than what is in force: revision 2, not 9", later)
        other = self.follow(Position("f" * 32, 1), records_of({"z@": REVOKED}))
        self.assert_refused(f"{self.path} is another store than the one in force", other)


class CopyTests(SynchronousTestCase):
    """The copy of the states."""

    COPY = StatesCopy("/x", Position("f" * 32, 7), records_of({"a@b.c": REVOKED, "é\n@": AliasState.QUIET}))

    def test_round_trip(self) -> None:
        """A copy that is read is the one that was written."""
        read = decode(encode(self.COPY))
        self.assertEqual((self.COPY.path, self.COPY.position), (read.path, read.position))
        self.assertEqual(dict(self.COPY.states.items()), dict(read.states.items()))

    def test_damaged(self) -> None:
        """A copy that lacks any part of it, or that was changed, is not used."""
        whole = encode(self.COPY)
        for content in (b"", whole[:-30], whole[20:], whole.replace(b"revoked", b"quieter"), b"x\n" * 5):
            error = self.assertRaises(UnusableStatesCopy, decode, content)
            self.assertEqual("it is damaged or incomplete", str(error))

    def test_files(self) -> None:
        """There may be no copy; one that cannot be read is an error."""
        self.assertIsNone(read_states_copy("/nonexistent"))
        error = self.assertRaises(UnusableStatesCopy, read_states_copy, "/")
        self.assertEqual("it cannot be read: Is a directory", str(error))
