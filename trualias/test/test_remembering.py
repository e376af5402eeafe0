"""Tests of what ``trualias compose`` records in the store."""

from __future__ import annotations

import os
import sqlite3
from io import BytesIO, StringIO

from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.main import run
from trualias.store.records import Change, Composed, Entry, Origin
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import CONFIGURATION, MACYS, MemoryCase


class RememberingTests(MemoryCase):
    """The command ``compose`` with a store."""

    def compose(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return status, output and errors."""
        self.patch(os, "environ", {**os.environ, "STATE_DIRECTORY": str(self.folder)})
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run(["compose", "-c", str(self.path), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def entries(self) -> list[Entry]:
        """Return what the store knows."""
        store = SqliteStore(str(self.store))
        try:
            return list(store.entries())
        finally:
            store.close()

    def test_recorded(self) -> None:
        """Each printed address becomes known, with its account and its words, and no state changes."""
        self.assertEqual((0, f"{MACYS}\n", ""), self.compose("foo", "macys"))
        (entry,) = self.entries()
        self.assertEqual(
            (MACYS, "foo", Origin.COMPOSED, ("macys",), AliasState.ACTIVE, False),
            (entry.address, entry.account, entry.origin, entry.words, entry.state, entry.kept),
        )
        store = SqliteStore(str(self.store))
        self.addCleanup(store.close)
        self.assertEqual((1, []), (store.position().revision, list(store.states())))
        self.assertEqual([(MACYS, True)], [(key, is_known) for _, key, is_known in store.known()])

    def test_several(self) -> None:
        """All addresses are recorded, also for programs; without any, nothing is."""
        self.path.write_text(f"{CONFIGURATION}ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH x;", "utf-8")
        self.assertEqual((0, ""), self.compose("--json", "foo", "macys")[::2])
        self.assertEqual(["foo-macys-m5@example.com", "foo.macys.x@example.com"], [e.address for e in self.entries()])
        self.assertEqual(1, self.compose("nobody", "macys")[0])
        self.assertEqual(2, len(self.entries()))

    def test_known(self) -> None:
        """What is known already stays as it is; a forgotten alias becomes known again."""
        store = SqliteStore(str(self.store))
        self.addCleanup(store.close)
        store.change([Change("a@b.c", "A@b.c", AliasState.REVOKED, "leaked")], "root", 1)
        store.change([Change("gone@", "gone", AliasState.REVOKED)], "root", 2)
        store.change([Change("gone@", "gone", None)], "root", 3)
        before = store.entry("a@b.c")
        store.add_composed([Composed("a@b.c", "a@b.c", "bar"), Composed("gone@", "Gone", "foo", ("gone",))], 4)
        self.assertEqual(before, store.entry("a@b.c"))
        found = store.entry("gone@")
        assert found is not None
        self.assertEqual(("Gone", "foo", Origin.COMPOSED), (found.address, found.account, found.origin))
        # Another process that knows revision 3 still sees that it was forgotten.
        self.assertEqual(["gone@"], [key for key, _ in store.states(3)])

    def test_locked(self) -> None:
        """While another process writes, the address is printed all the same, and it is said that it is not kept."""
        other = sqlite3.connect(self.store, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        reason = f"not remembered: {self.store}: database is locked\n"
        self.assertEqual((0, f"{MACYS}\n", reason), self.compose("foo", "macys"))
        other.execute("ROLLBACK")
        self.assertEqual([], self.entries())

    def test_no_store(self) -> None:
        """Without the file of the store, nothing is recorded, and no file is made."""
        self.store.unlink()
        status, output, errors = self.compose("foo", "macys")
        self.assertEqual((0, f"{MACYS}\n"), (status, output))
        self.assertEqual(
            f"the states of aliases are not consulted: there is no {self.store}\n"
            f"not remembered: there is no {self.store}; 'trualias store upgrade' makes a store, as a server does when "
            "it starts, unless there was one already: see 'trualias store adopt'\n",
            errors,
        )
        self.assertFalse(self.store.exists())

    def test_other_store(self) -> None:
        """A store that is not the one in force is not written."""
        self.keep_copy({}, 7)
        status, output, errors = self.compose("foo", "macys")
        self.assertEqual((0, f"{MACYS}\n"), (status, output))
        self.assertTrue(errors.startswith(f"not remembered: {self.store} is not the store whose states"), errors)
        self.assertEqual([], self.entries())
