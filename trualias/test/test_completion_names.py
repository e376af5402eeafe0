"""The names that completion scripts ask for."""

from __future__ import annotations

import sqlite3
import time
from io import BytesIO, StringIO

from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.main import run
from trualias.store.records import Change
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import MACYS, MemoryCase


class AddressTests(MemoryCase):
    """The addresses of the store."""

    def names(self, begin: str, configuration: str | None = None) -> list[str]:
        """Return the addresses for a word."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        words = ["trualias", "alias", "show", "-c", configuration or str(self.path), begin]
        self.assertEqual(0, run(["completion", "addresses", f"--begin={begin}", "--", *words], terminal))
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        self.assertEqual("", terminal.errors.getvalue())
        return terminal.output.getvalue().splitlines()

    def know(self, *addresses: str) -> None:
        """Write addresses to the store."""
        store = SqliteStore(str(self.store))
        store.change([Change(one.lower(), one, AliasState.REVOKED) for one in addresses], "root", 1)
        store.close()

    def test_addresses(self) -> None:
        """Known addresses that begin with the word are printed in any case, and nothing that a shell would obey."""
        self.know("Foo-Macys-M5@example.com", "foo-ebay-e4@example.com", "bar@example.com", "foo\nx@example.com")
        self.assertEqual(["foo-ebay-e4@example.com", "Foo-Macys-M5@example.com"], self.names("FOO"))
        self.assertEqual(["Foo-Macys-M5@example.com"], self.names(MACYS))
        self.assertEqual([], self.names("foo-x"))

    def test_bounded(self) -> None:
        """Of many, the first hundred are printed."""
        self.know(*[f"foo-{number:03}-x@example.com" for number in range(150)])
        self.assertEqual([f"foo-{number:03}-x@example.com" for number in range(100)], self.names("foo-"))

    def test_none(self) -> None:
        """Without a store that can be read at once there are none, and no message."""
        self.know(MACYS)
        self.assertEqual([], self.names("foo", str(self.folder / "no.conf")))
        with sqlite3.connect(self.store, isolation_level=None) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            self.assertEqual([], self.names("foo"))
            self.assertLess(time.monotonic() - began, 4)
            database.execute("ROLLBACK")
        database.close()
        self.assertEqual([MACYS], self.names("foo"))
        self.store.unlink()
        self.assertEqual([], self.names("foo"))
        self.path.write_text("ACCOUNT foo MATCHES %account%.%code% WITH x;", "utf-8")
        self.assertEqual([], self.names("foo"))
