"""Tests of ``trualias.store.bulk_counting``: many uses together come to the same as one by one."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.store import counting
from trualias.store.bulk_counting import FEWEST
from trualias.store.records import (
    Change,
    Use,
)
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create

DAY = 86_400
KEYS = [f"foo-{name}-1@example.com" for name in ("a", "b", "c", "first", "ends", "locked", "kept", "x@")]
SENDERS = ["", "news.test", "shop.test", MALFORMED_SENDER, None]

USES = st.lists(
    st.builds(
        Use,
        st.sampled_from(KEYS),
        st.just("Foo@example.com"),
        st.sampled_from(["foo", "bar"]),
        st.sampled_from(SENDERS),
        st.integers(DAY, 9 * DAY),
        st.integers(9 * DAY, 20 * DAY),
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from([(), ("macys",), ("shop", "news")]),
    ),
    max_size=FEWEST * 4,
    unique_by=lambda use: (use.key, use.sender),
)
"""Batches as the server makes them: each alias and sender once."""


class BulkCountingTests(SynchronousTestCase):
    """Two stores that count the same, one of them each use by itself."""

    def make(self) -> SqliteStore:
        """Make a store with aliases that are locked, kept, or about to end."""
        path = str(Path(self.mktemp()).absolute())
        create(path)
        store = SqliteStore(path)
        changes = [
            Change(KEYS[3], KEYS[3], AliasState.ACTIVE, lock=Lock(first=True)),
            Change(KEYS[4], KEYS[4], AliasState.ACTIVE, expires_after=5),
            Change(KEYS[5], KEYS[5], AliasState.REVOKED, lock=Lock(("news.test",))),
            Change(KEYS[6], KEYS[6], AliasState.ACTIVE, kept_for="kept"),
        ]
        store.change(changes, "root", 1)
        return store

    def content(self, store: SqliteStore) -> list[object]:
        """Return the rows of all tables but the identity."""
        tables = ("alias", "sender", "account_day", "trail")
        return [store._database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(USES, min_size=1, max_size=4), st.booleans())
    def test_same(self, batches: list[list[Use]], keeps_senders: bool) -> None:
        """The rows are the same, and so is what is returned."""
        stores = [self.make(), self.make()]
        try:
            for batch in batches:
                for each in (batch, batch):  # the second time, nearly all is known
                    together = stores[0].count(each, 20 * DAY, keeps_senders=keeps_senders)
                    self.patch(counting, "FEWEST", 1_000_000)
                    one_by_one = stores[1].count(each, 20 * DAY, keeps_senders=keeps_senders)
                    self.patch(counting, "FEWEST", FEWEST)
                    self.assertEqual(one_by_one, together)
            self.assertEqual(self.content(stores[1]), self.content(stores[0]))
        finally:
            for store in stores:
                store.close()

    def test_few_statements(self) -> None:
        """Uses of known aliases and senders take a handful of statements, however many they are."""
        store = self.make()
        self.addCleanup(store.close)
        uses = [
            Use(f"foo-{number}-1@example.com", "a", "foo", f"news{number % 7}.test", DAY, DAY, 1)
            for number in range(250)
        ]
        store.count(uses, DAY, keeps_senders=True)
        statements: list[str] = []
        store._database.set_trace_callback(statements.append)
        store.count(uses, DAY, keeps_senders=True)
        store._database.set_trace_callback(None)
        self.assertLessEqual(len(statements), 10)
        entries = list(store.entries())
        self.assertEqual({2}, {entry.accepted for entry in entries if entry.first_seen})
