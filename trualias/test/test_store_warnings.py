"""Tests of ``trualias.commands.store_warnings``."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.store_warnings import store_warnings
from trualias.commands.terminal import Terminal
from trualias.configuration import read_configuration
from trualias.main import run
from trualias.store.records import Kept
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create

CONFIGURATION = """
ALIAS DOMAINS: north.test south.test
STORE: sqlite:memory.sqlite
ACCOUNT ann AT north.test MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
DELIVER imports TO imports@mailbox.test;
"""


class StoreWarningsTests(SynchronousTestCase):
    """A configuration, and a store that keeps aliases."""

    def setUp(self) -> None:
        """Write the configuration, and make the store."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.path, self.store = folder / "a.conf", folder / "memory.sqlite"
        self.path.write_text(CONFIGURATION, "utf-8")
        create(str(self.store))

    def keep(self, *kept: tuple[str, str]) -> None:
        """Keep aliases for accounts."""
        store = SqliteStore(str(self.store))
        store.keep([Kept(key, key, account) for key, account in kept], "", "root", 1)
        store.close()

    def messages(self) -> list[str]:
        """Return the messages of the warnings."""
        configuration = read_configuration(str(self.path))
        return [one.message for one in store_warnings(configuration, str(self.store))]

    def test_accounts(self) -> None:
        """An account that is there in the alias's domain has no warning, in whatever case, or with a DELIVER alone."""
        self.keep(("a@north.test", "ANN"), ("b@", "foo"), ("c@south.test", "imports"))
        self.assertEqual([], self.messages())

    def test_missing(self) -> None:
        """An account that is not there has one warning for each domain, with the number of its aliases."""
        self.keep(("a@north.test", "gone"), ("b@north.test", "gone"), ("c@", "gone"), ("d@", "ann"), ("e@", "foo"))
        self.assertEqual(
            [
                "the store keeps 1 alias for 'ann', which is no account in south.test",
                "the store keeps 1 alias for 'gone', which is no account in north.test, south.test",
                "the store keeps 2 aliases for 'gone', which is no account in north.test",
            ],
            self.messages(),
        )

    def test_no_domains(self) -> None:
        """Without ALIAS DOMAINS, the name alone counts."""
        self.path.write_text("STORE: sqlite:memory.sqlite\nACCOUNT foo MATCHES %account%.%code% WITH x;", "utf-8")
        self.keep(("a@", "gone"), ("b@", "foo"))
        self.assertEqual(["the store keeps 1 alias for 'gone', which is no account"], self.messages())

    def test_unreadable(self) -> None:
        """A store that is not there, or no database, has no warning."""
        self.store.write_bytes(b"x" * 4096)
        self.assertEqual([], self.messages())
        self.store.unlink()
        self.assertEqual([], self.messages())
        self.assertFalse(self.store.exists())

    def test_check(self) -> None:
        """``trualias check`` has the warnings, at STORE."""
        self.keep(("a@north.test", "gone"))
        output = StringIO()
        run(["check", "--json", "-c", str(self.path)], Terminal(BytesIO(), output, StringIO()))
        (file,) = json.loads(output.getvalue())["files"]
        found = [(one["kind"], one["line"]) for one in file["warnings"] if one["kind"].startswith("kept")]
        self.assertEqual([("kept-without-account", 3)], found)
