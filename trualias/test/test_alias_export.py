"""Tests of ``trualias alias export``."""

from __future__ import annotations

import csv
import json
from io import StringIO

from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.store.records import Change, Kept, Use
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import CONFIGURATION, MACYS, MemoryCase


class ExportTests(MemoryCase):
    """A store with a used, a kept and a locked alias."""

    def setUp(self) -> None:
        """Fill the store."""
        super().setUp()
        store = SqliteStore(str(self.store))
        store.count(
            [
                Use(MACYS, MACYS, "foo", "macys.com", 86_400, 2 * 86_400, 3, 1, ("macys",)),
                Use(MACYS, MACYS, "foo", "=evil.example", 86_400, 86_400, 1),
            ],
            86_400,
            keeps_senders=True,
        )
        store.keep([Kept("+shop@example.com", "+Shop@example.com", "foo", ("shop",))], "", "root", 3 * 86_400)
        lock = Lock(("a.example", "b.example"))
        note = '=1+1, "x"\nsecond line'
        store.change([Change("x@", "X", AliasState.DEFER, note, lock=lock)], "root", 4 * 86_400)
        store.close()

    def rows(self, *arguments: str) -> list[dict[str, str]]:
        """Export as CSV, and return the rows by the names of their columns."""
        status, output, errors = self.run_command("alias", "export", *arguments)
        self.assertEqual((0, ""), (status, errors))
        return list(csv.DictReader(StringIO(output, newline="")))

    def test_csv(self) -> None:
        """Each alias is a row; a cell that a spreadsheet would take for a formula begins with a quote."""
        shop, macys, locked = self.rows()
        self.assertEqual(
            {
                "address": "'+Shop@example.com",
                "account": "foo",
                "state": "active",
                "answer": "",
                "origin": "imported",
                "kept": "yes",
                "words": "shop",
                "accepted": "0",
                "lock": "",
            },
            {name: shop[name] for name in shop if name in self.SOME},
        )
        self.assertEqual(
            ("4", "1", "2", "no"), (*(macys[name] for name in ("accepted", "refused", "senders", "kept")),)
        )
        self.assertEqual(
            ("paused", "defer", "a.example b.example", '\'=1+1, "x"\nsecond line'),
            tuple(locked[name] for name in ("state", "answer", "lock", "note")),
        )

    SOME = ("address", "account", "state", "answer", "origin", "kept", "words", "accepted", "lock")

    def test_json_option(self) -> None:
        """``--json`` is the same as ``--format json``, as every command has it."""
        exported = self.run_command("alias", "export", "--format", "json", "--senders")
        self.assertEqual(exported, self.run_command("alias", "export", "--json", "--senders"))
        self.assertEqual(3, len(json.loads(exported[1])))

    def test_import(self) -> None:
        """The export can be imported into another store."""
        _, output, _ = self.run_command("alias", "export")
        (self.folder / "all.csv").write_text(output, "utf-8", newline="")
        self.run_command("alias", "forget", "+shop@example.com", "--yes")
        path = str(self.folder / "all.csv")
        status, output, errors = self.run_command("alias", "import", "--account", "foo", "--column", "address", path)
        self.assertEqual((0, ""), (status, errors))
        self.assertIn("+Shop@example.com", self.states())

    def test_senders(self) -> None:
        """With ``--senders`` each sender of an alias is a row."""
        rows = self.rows("--senders")
        self.assertEqual(
            [("'=evil.example", "1", "0"), ("macys.com", "3", "1")],
            sorted((row["sender"], row["accepted"], row["refused"]) for row in rows),
        )
        self.assertEqual({(MACYS, "foo")}, {(row["address"], row["account"]) for row in rows})

    def test_json(self) -> None:
        """The JSON is that of ``list``, and with ``--senders`` that of ``show``."""
        exported = json.loads(self.run_command("alias", "export", "--format", "json")[1])
        listed = json.loads(self.run_command("alias", "list", "--json")[1])
        self.assertEqual(listed, exported)
        exported = json.loads(self.run_command("alias", "export", "--format", "json", "--senders")[1])
        shown = json.loads(self.run_command("alias", "show", "--json", MACYS)[1])
        self.assertEqual(shown["senders"], exported[1]["senders"])

    def test_account(self) -> None:
        """``--account`` selects those of one account; without any there is an empty array, or a line of names."""
        self.path.write_text(f"{CONFIGURATION}ACCOUNT bar MATCHES %account%.%code% WITH x;", "utf-8")
        self.assertEqual(2, len(self.rows("--account", "foo")))
        result = self.run_command("alias", "export", "--format", "json", "--account", "bar")
        self.assertEqual((0, "[]\n", ""), result)
        self.assertEqual([], self.rows("--account", "bar"))
