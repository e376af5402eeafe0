"""The contract of a store, which every kind of store keeps; and what a file of SQLite adds to it."""

from __future__ import annotations

import os
import sqlite3
import stat
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import PLAIN, AliasRecord, AliasState
from trualias.lookup.locks import Lock
from trualias.store.guess_counting import LONGEST_EXAMPLE, MOST_EXAMPLES, MOST_NETWORKS
from trualias.store.guesses import OTHER_NETWORKS, GuessedAccount, Guesses, GuessExample, GuessingNetwork
from trualias.store.interface import Store, StoreChanged, StoreUnusable
from trualias.store.migrations import MIGRATIONS
from trualias.store.records import (
    IMPORTS,
    Change,
    Entry,
    Kept,
    Order,
    Origin,
    Position,
    Selection,
    Sender,
    SenderDomain,
    SenderOfAlias,
    TrailLine,
    Use,
)
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create, upgrade
from trualias.test.states import pairs_of
from trualias.testing.requirements import require_root

ACTIVE, QUIET, REVOKED = AliasState.ACTIVE, AliasState.QUIET, AliasState.REVOKED


if TYPE_CHECKING:
    _Case = SynchronousTestCase
else:
    _Case = object  # the contract alone is no test


class Contract(_Case):
    """The promises of a store."""

    def open(self) -> Store:
        """Open the store of the test once more, as another process does."""
        raise NotImplementedError

    def test_new(self) -> None:
        """A new store has an identity, the first revision, and no aliases."""
        store = self.open()
        self.assertEqual(
            (1, [], [], []), (store.position().revision, [*store.entries()], pairs_of(store.states()), store.check())
        )
        self.assertRegex(store.position().identity, "^[0-9a-f]{32}$")

    def test_change(self) -> None:
        """A change makes a revision, and is seen by all."""
        store, other = self.open(), self.open()
        self.assertEqual(2, store.change([Change("a@b.c", "A@b.c", REVOKED, "leaked")], "root", 1000.5))
        entry = Entry("a@b.c", "A@b.c", REVOKED, "leaked", 1000.5, created=1000.5)
        self.assertEqual((entry, [entry]), (other.entry("a@b.c"), [*other.entries()]))
        self.assertEqual([TrailLine(1000.5, "root", None, REVOKED, "leaked")], other.trail("a@b.c"))
        self.assertEqual([("a@b.c", REVOKED)], pairs_of(other.states()))
        self.assertIsNone(other.entry("b@b.c"))

    def test_spelling_and_note(self) -> None:
        """The first spelling is kept, and the note until another one is given."""
        store = self.open()
        store.change([Change("a@", "A", REVOKED, "one")], "root", 1)
        store.change([Change("a@", "a", ACTIVE)], "ann", 2)
        self.assertEqual(Entry("a@", "A", ACTIVE, "one", 2, created=1), store.entry("a@"))
        store.change([Change("a@", "a", ACTIVE, "two")], "ann", 3)
        self.assertEqual(Entry("a@", "A", ACTIVE, "two", 3, created=1), store.entry("a@"))
        self.assertEqual(
            [(None, REVOKED, "root"), (REVOKED, ACTIVE, "ann"), (ACTIVE, ACTIVE, "ann")],
            [(line.before, line.after, line.actor) for line in store.trail("a@")],
        )

    def test_states_after(self) -> None:
        """Only what changed after a revision is read again, also what was forgotten."""
        store = self.open()
        for key in ("a@", "b@"):
            store.change([Change(key, key, REVOKED)], "root", 1)
        self.assertEqual([("b@", REVOKED)], pairs_of(store.states(2)))
        store.change([Change("a@", "a", None)], "root", 2)
        self.assertEqual([("a@", ACTIVE)], pairs_of(store.states(3)))
        self.assertEqual([], pairs_of(store.states(4)))

    def test_forget(self) -> None:
        """A forgotten alias is unknown; one line says that there was one."""
        store = self.open()
        store.change([Change("a@", "secret", REVOKED, "secret")], "root", 1)
        store.change([Change("a@", "a", None)], "root", 2)
        self.assertEqual((None, []), (store.entry("a@"), [*store.entries()]))
        self.assertEqual([TrailLine(2, "root", None, None, "forgotten")], store.trail("a@"))
        store.change([Change("a@", "a", QUIET)], "root", 3)
        self.assertEqual(Entry("a@", "a", QUIET, "", 3, created=3), store.entry("a@"))

    def test_keep(self) -> None:
        """Aliases are kept in one revision, with one line in one trail; no state, lock or note changes."""
        store, other = self.open(), self.open()
        lock = Lock(("b.c",))
        store.change([Change("a@", "A", REVOKED, "leaked", lock=lock), Change("b@", "b", ACTIVE)], "root", 1)
        store.change([Change("b@", "b", None)], "root", 2)
        store.count([Use("c@", "c", "ann", "b.c", 50, 60, 3, words=("ccc",))], 60, keeps_senders=True)
        kept = [
            Kept("a@", "a", "foo"),
            Kept("b@", "B", "foo", ("bbb",), 10, 20, 7),
            Kept("c@", "c", "bar", ("other",), 40, 55, 9),
        ]
        self.assertEqual(4, store.keep(kept, "from a list", "root", 70, 3))
        self.assertEqual(
            [
                Entry("a@", "A", REVOKED, "leaked", 1, account="foo", kept=True, lock=lock, created=1),
                Entry(
                    *("b@", "B", ACTIVE, "", 70),
                    account="foo",
                    origin=Origin.IMPORTED,
                    kept=True,
                    words=("bbb",),
                    created=70,
                    first_seen=10,
                    last_seen=20,
                    accepted=7,
                ),
                Entry(
                    *("c@", "c", ACTIVE, "", 50),
                    account="bar",
                    origin=Origin.USED,
                    kept=True,
                    words=("ccc",),
                    created=50,
                    first_seen=40,
                    last_seen=60,
                    accepted=9,
                    senders=1,
                ),
            ],
            [*other.entries()],
        )
        expected = [
            ("a@", AliasRecord(REVOKED, "foo", (lock,))),
            ("b@", AliasRecord(kept_for="foo")),
            ("c@", AliasRecord(kept_for="bar")),
        ]
        self.assertEqual(expected, sorted(other.states(3), key=itemgetter(0)))
        self.assertEqual([TrailLine(70, "root", None, None, "from a list")], other.trail(IMPORTS))
        self.assertEqual([TrailLine(1, "root", None, REVOKED, "leaked")], other.trail("a@"))
        self.assertRaises(StoreChanged, store.keep, [Kept("d@", "d", "foo")], "", "root", 80, 3)
        self.assertIsNone(other.entry("d@"))
        store.keep([Kept("b@", "b", "bar")], "", "root", 80)
        again = other.entry("b@")
        assert again is not None
        self.assertEqual(("B", "bar", 10, 20), (again.address, again.account, again.first_seen, again.last_seen))

    def test_kept_accounts(self) -> None:
        """The accounts of kept aliases have their numbers by domain."""
        store, other = self.open(), self.open()
        kept = [("a@", "foo"), ("a@b.c", "foo"), ("d@b.c", "foo"), ("e@b.c", "bar"), ("f@b.c", "bar")]
        store.keep([Kept(key, key, account) for key, account in kept], "", "root", 1)
        store.change([Change("f@b.c", "f", None), Change("g@b.c", "g", ACTIVE)], "root", 2)
        self.assertEqual([("bar", "b.c", 1), ("foo", "", 1), ("foo", "b.c", 2)], other.kept_accounts())

    def test_remark(self) -> None:
        """The trail has the remark of a change in place of the note, which the alias keeps."""
        store = self.open()
        store.change([Change("a@", "a", ACTIVE, "for the invoice")], "root", 1)
        store.change([Change("a@", "a", ACTIVE, remark="locked to b.c")], "ann", 2)
        self.assertEqual(["for the invoice", "locked to b.c"], [line.note for line in store.trail("a@")])
        entry = store.entry("a@")
        assert entry is not None
        self.assertEqual("for the invoice", entry.note)

    def test_neighbours(self) -> None:
        """The neighbours of a key, known or not, are the addresses next to it in the order of the keys."""
        store = self.open()
        self.assertEqual([], store.neighbours("c@", 9))
        store.change([Change(f"{name}@", name.upper(), REVOKED) for name in "eabdc"], "root", 1)
        store.change([Change("d@", "d", None)], "root", 2)
        self.assertEqual(["A", "B", "C", "E"], store.neighbours("bb@", 9))
        self.assertEqual(["B", "C"], store.neighbours("bb@", 1))
        self.assertEqual(["A", "B"], store.neighbours("b@", 1))

    def test_selection(self) -> None:
        """Aliases are selected by state, account, domain and time, and come in the wanted order."""
        store = self.open()
        uses = [
            Use("a@x.y", "A@x.y", "ann", "s.t", 100, 400, 3),
            Use("b@x.y", "b@x.y", "bob", "s.t", 200, 200, 1),
            Use("c@y", "c@y", "ann", "s.t", 300, 300, 2),
            Use("d@", "d", "ann", "s.t", 300, 300, 2),
        ]
        store.count(uses, 400, keeps_senders=True)
        store.change([Change("e@x.y", "e@x.y", REVOKED), Change("b@x.y", "b@x.y", QUIET)], "root", 500)
        store.change([Change("f@x.y", "f@x.y", REVOKED)], "root", 500)
        store.change([Change("f@x.y", "f@x.y", None)], "root", 500)
        for selection, wanted in (
            (Selection(), "Abcde"),
            (Selection(states=frozenset({REVOKED, QUIET})), "be"),
            (Selection(states=frozenset()), ""),
            (Selection(account="ann"), "Acde"),
            (Selection(account="ann", states=frozenset({ACTIVE})), "Acd"),
            (Selection(domain="x.y"), "Abde"),
            (Selection(domain="y"), "cd"),
            (Selection(since=300), "Acd"),
            (Selection(order=Order.LAST), "Acdbe"),
            (Selection(order=Order.FIRST), "cdbAe"),
            (Selection(order=Order.COUNT), "Acdbe"),
        ):
            self.assertEqual(wanted, "".join(one.address[0] for one in store.entries(selection)), selection)

    def test_senders(self) -> None:
        """Senders are found by alias, by domain, and where they were not expected."""
        store = self.open()
        day = 86_400
        for key, account, sender, at, refused in (
            ("a@x.y", "ann", "shop.example", 1, 0),
            ("a@x.y", "ann", "mail.shop.example", 2, 0),
            ("a@x.y", "ann", "spam.test", 9 * day, 1),
            ("b@x.y", "bob", "n.m@shop.example", 3, 0),
            ("b@x.y", "bob", '"o@p"@shop.example', 4, 0),
            ("b@x.y", "bob", "workshop.example", 9 * day, 0),
            ("b@x.y", "bob", "", 5, 0),
        ):
            store.count([Use(key, key, account, sender, at, at, 1, refused, ("shop",))], at, keeps_senders=True)
        spam = Sender("spam.test", 9 * day, 9 * day, 1, 1, False)
        self.assertEqual(
            [
                spam,
                Sender("mail.shop.example", 2, 2, 1, 0, True),
                Sender("shop.example", 1, 1, 1, 0, True),
            ],
            store.senders("a@x.y"),
        )
        self.assertEqual([], store.senders("c@x.y"))
        self.assertEqual([3, 4], [one.senders for one in store.entries()])

        def found(senders: list[SenderOfAlias]) -> list[tuple[str, str]]:
            return [(one.address, one.sender.sender) for one in senders]

        of_shop = [("b@x.y", '"o@p"@shop.example'), ("b@x.y", "n.m@shop.example")]
        of_ann = [("a@x.y", "mail.shop.example"), ("a@x.y", "shop.example")]
        self.assertEqual([*of_shop, *of_ann], found(store.senders_of("shop.example")))
        self.assertEqual(of_ann, found(store.senders_of("shop.example", Selection(account="ann"))))
        self.assertEqual([], found(store.senders_of("hop.example")))
        self.assertEqual([SenderOfAlias("a@x.y", "ann", ("shop",), spam)], store.strangers())
        self.assertEqual([], store.strangers(Selection(account="bob")))
        self.assertEqual([], store.strangers(Selection(domain="z")))
        domains = [
            SenderDomain("spam.test", 1, 9 * day, 9 * day, 1, 1),
            SenderDomain("mail.shop.example", 1, 2, 2, 1, 0),
            SenderDomain("shop.example", 1, 1, 1, 1, 0),
        ]
        self.assertEqual(domains, store.sender_domains(Selection(account="ann")))
        self.assertIn(SenderDomain("shop.example", 2, 1, 4, 3, 0), store.sender_domains())

    def test_forget_senders(self) -> None:
        """An address is forgotten alone, a domain with its subdomains; the sums of the aliases stay."""
        store, other = self.open(), self.open()
        senders = ("b.c", "x@b.c", "y@b.c", "a.b.c", "z@a.b.c", "bb.c", "z@bb.c", "", "(malformed)")
        self.assertFalse(store.has_senders())
        store.count([Use("a@", "a", "ann", sender, 1, 1, 1) for sender in senders], 1, keeps_senders=True)
        self.assertTrue(other.has_senders())
        for forgotten, number in (("x@b.c", 1), ("b.c", 4), ("b.c", 0), ("(malformed)", 1)):
            self.assertEqual(number, store.forget_senders(forgotten))
        self.assertEqual(["", "bb.c", "z@bb.c"], [one.sender for one in other.senders("a@")])
        entry = other.entry("a@")
        assert entry is not None
        self.assertEqual((9, 1), (entry.accepted, other.position().revision))
        store.count([Use("b@", "b", "bob", "bb.c", 1, 1, 1)], 1, keeps_senders=True)
        self.assertEqual([1, 1], [store.forget_senders(one, Selection(account="ann")) for one in ("z@bb.c", "bb.c")])
        self.assertEqual(["bb.c"], [one.sender for one in other.senders("b@")])

    def test_guesses(self) -> None:
        """Guesses are summed by account and by network; the newest examples are kept, each once."""
        store, other = self.open(), self.open()
        names = [f"ann-x-{number}@x.y" for number in range(MOST_EXAMPLES)]
        store.count_guesses(
            [
                Guesses("ann", "192.0.2.0/24", 1, 12, 86_400.5, tuple(names)),
                Guesses("bob", "192.0.2.0/24", 1, 13, 86_401, ("b" * 400,)),
                Guesses("ann", "2001:db8::/56", 3, 2, 3 * 86_400, (names[5], "new@x.y")),
            ]
        )
        [ann] = other.guessed_accounts("ann")
        bob = GuessedAccount("bob", 13, 1, 1, (GuessExample("b" * LONGEST_EXAMPLE, "192.0.2.0/24", 86_401),))
        self.assertEqual([ann, bob], other.guessed_accounts())
        self.assertEqual(("ann", 14, 1, 3), (ann.account, ann.count, ann.first_day, ann.last_day))
        kept = ["new@x.y", names[5], *names[:5:-1], *names[4:0:-1]]
        self.assertEqual(kept, [example.address for example in ann.examples])
        self.assertEqual(GuessExample(names[5], "2001:db8::/56", 3 * 86_400), ann.examples[1])
        self.assertEqual(
            [GuessingNetwork("192.0.2.0/24", 25, 1, 1), GuessingNetwork("2001:db8::/56", 2, 3, 3)],
            other.guessing_networks(),
        )
        self.assertEqual([], other.guessed_accounts("cid"))
        self.assertEqual(1, other.position().revision)

    def test_guessing_networks(self) -> None:
        """Of the networks of a day, a thousand are counted each, and the others are one sum."""
        store = self.open()
        store.count_guesses([Guesses("ann", f"{number}", 1, 1, 1) for number in range(MOST_NETWORKS + 2)])
        store.count_guesses([Guesses("ann", "0", 1, 5, 1), Guesses("ann", "new", 1, 1, 1)])
        store.count_guesses([Guesses("ann", "new", 2, 1, 1)])
        networks = {one.network: one.count for one in store.guessing_networks()}
        self.assertEqual((6, 3, 1), (networks["0"], networks[OTHER_NETWORKS], networks["new"]))
        self.assertEqual(MOST_NETWORKS + 2, len(networks))
        self.assertEqual(MOST_NETWORKS + 9, store.guessed_accounts()[0].count)

    def test_old_guesses(self) -> None:
        """Guesses of 30 days ago are removed."""
        store = self.open()
        store.count_guesses([Guesses("ann", "net", day, 1, day * 86_400, (f"{day}@",)) for day in (1, 2)])
        self.assertEqual(3, store.forget_old(31 * 86_400 + 1, 400))
        [ann] = store.guessed_accounts()
        self.assertEqual((1, 2, ["2@"]), (ann.count, ann.first_day, [one.address for one in ann.examples]))
        self.assertEqual([GuessingNetwork("net", 1, 2, 2)], store.guessing_networks())
        store.forget_old(40 * 86_400, 400)
        self.assertEqual(([], []), (store.guessed_accounts(), store.guessing_networks()))

    def test_forget_old(self) -> None:
        """Old senders are forgotten, and old changes but for the last of each alias; mails and states stay."""
        store, other = self.open(), self.open()
        day = 86_400
        uses = [Use("a@", "a", "ann", f"s{number}.test", number * day, number * day, 1) for number in range(1, 5)]
        store.count(uses, 4 * day, keeps_senders=True)
        for number, state in enumerate((REVOKED, ACTIVE, QUIET), 1):
            store.change([Change(key, key, state) for key in ("a@", "b@")], "root", number * day)
        store.change([Change("c@", "c", REVOKED)], "root", day)
        self.assertEqual(1, store.forget_old(401 * day, 400))  # the number of ann's new aliases of a day
        pauses: list[None] = []
        self.assertEqual(4, store.forget_old(401 * day + 1, 399, lambda: pauses.append(None)))
        self.assertEqual(["s4.test", "s3.test"], [one.sender for one in other.senders("a@")])
        self.assertEqual([ACTIVE, QUIET], [line.after for line in other.trail("a@")])
        self.assertEqual(4, store.forget_old(500 * day, 400))
        self.assertEqual([], other.senders("a@"))
        self.assertEqual(
            [[QUIET], [QUIET], [REVOKED]], [[line.after for line in other.trail(key)] for key in ("a@", "b@", "c@")]
        )
        entry = other.entry("a@")
        assert entry is not None
        self.assertEqual((4, QUIET, 5), (entry.accepted, entry.state, other.position().revision))
        self.assertNotEqual([], pauses)

    def test_version(self) -> None:
        """The version changes when another process changes the store, and at no other time."""
        store, other = self.open(), self.open()
        before = store.version()
        self.assertEqual(before, store.version())
        other.change([Change("a@", "a", REVOKED)], "root", 1)
        self.assertNotEqual(before, store.version())

    def test_all_or_none(self) -> None:
        """If one change cannot be made, none is."""
        store = self.open()
        bad = Change("b@", "b", REVOKED, note=object())  # type: ignore[arg-type]
        self.assertRaises(StoreUnusable, store.change, [Change("a@", "a", REVOKED), bad], "root", 1)
        self.assertEqual((1, []), (store.position().revision, [*store.entries()]))
        store.change([Change("a@", "a", REVOKED)], "root", 1)

    def test_due_changes(self) -> None:
        """A pause ends, and an alias expires, when its time has come: once, and the trail has it."""
        store, other = self.open(), self.open()
        store.change(
            [
                Change("pause@", "pause", QUIET, resumes=100.0, expires=300.0),
                Change("both@", "both", QUIET, resumes=100.0, expires=100.0),
                Change("later@", "later", ACTIVE, expires=101.0),
            ],
            "root",
            1,
        )
        self.assertFalse(store.make_due_changes(99.9))
        self.assertTrue(store.make_due_changes(100))
        self.assertFalse(other.make_due_changes(100))
        self.assertEqual([("both@", REVOKED), ("pause@", ACTIVE)], sorted(pairs_of(other.states(2)), key=itemgetter(0)))
        self.assertEqual(Entry("pause@", "pause", ACTIVE, "", 100, expires=300.0, created=1), store.entry("pause@"))
        self.assertEqual(TrailLine(100, "trualias", QUIET, ACTIVE, "the pause has ended"), store.trail("pause@")[-1])
        self.assertTrue(other.make_due_changes(1000))
        self.assertFalse(store.make_due_changes(50))
        self.assertEqual({REVOKED}, {entry.state for entry in store.entries()})

    def test_changed_meanwhile(self) -> None:
        """Changes that were decided from an older revision are not made, so that a revocation is not overwritten."""
        store, other = self.open(), self.open()
        other.change([Change("a@", "a", REVOKED)], "root", 1)
        self.assertRaises(StoreChanged, store.change, [Change("a@", "a", QUIET)], "root", 2, 1)
        self.assertEqual((2, [("a@", REVOKED)]), (store.position().revision, pairs_of(store.states())))
        self.assertEqual(3, store.change([Change("a@", "a", ACTIVE)], "root", 3, 2))

    def test_adopt(self) -> None:
        """An adopted store has the position that it is given, which must be above its own."""
        store = self.open()
        store.adopt([Change("a@", "a", REVOKED)], Position("f" * 32, 7), "root", 1)
        self.assertEqual((Position("f" * 32, 7), [("a@", REVOKED)]), (store.position(), pairs_of(store.states(6))))
        self.assertRaises(StoreUnusable, store.adopt, [], Position("0" * 32, 7), "root", 1)

    def test_adopt_changed_meanwhile(self) -> None:
        """A store that was changed after it was read is not adopted, so that a revocation is not overwritten."""
        store, other = self.open(), self.open()
        before = store.position()
        other.change([Change("a@", "a", REVOKED)], "root", 1)
        late = [Change("a@", "a", QUIET)], Position("f" * 32, 7), "root", 1
        self.assertRaises(StoreChanged, store.adopt, *late, before.revision)
        self.assertEqual((2, [("a@", REVOKED)]), (store.position().revision, pairs_of(store.states())))
        store.adopt(*late, store.position().revision)
        self.assertEqual(("f" * 32, 7), (store.position().identity, store.position().revision))


class SqliteTests(Contract, SynchronousTestCase):
    """A store in a file of SQLite."""

    def setUp(self) -> None:
        """Make a store."""
        self.path = Path(self.mktemp()).absolute()
        create(str(self.path))

    def open(self) -> Store:
        """Open the store once more."""
        store = SqliteStore(str(self.path))
        self.addCleanup(store.close)
        return store

    def assert_unusable(self, reason: str) -> None:
        """Assert that the store is refused, with exactly this reason, and that no file is made."""
        files = sorted(self.path.parent.glob("*"))
        error = self.assertRaises(StoreUnusable, lambda: self.open().position())
        self.assertEqual(reason, str(error))
        self.assertEqual(files, sorted(self.path.parent.glob("*")))

    def test_file(self) -> None:
        """The owner can write it, the group read it, and it is the only file that is made."""
        self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode) | 0o040)
        self.assertEqual([self.path], [*self.path.parent.glob(f"{self.path.name}*")])

    def test_owner(self) -> None:
        """A store that root makes belongs to the owner of its folder, a server without privileges."""
        require_root()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        os.chown(folder, 12345, 12346)
        create(str(folder / "memory.sqlite"))
        status = (folder / "memory.sqlite").stat()
        self.assertEqual((12345, 12346), (status.st_uid, status.st_gid))

    def test_existing(self) -> None:
        """A store that is there is not made anew."""
        self.open().change([Change("a@", "a", REVOKED)], "root", 1)
        create(str(self.path))
        self.assertEqual([("a@", REVOKED)], pairs_of(self.open().states()))

    def test_no_folder(self) -> None:
        """The reason is in the error if a store cannot be made."""
        error = self.assertRaises(StoreUnusable, create, "/nonexistent/memory.sqlite")
        self.assertEqual("/nonexistent/memory.sqlite cannot be made: No such file or directory", str(error))

    def test_missing(self) -> None:
        """A missing store is not made: it would look like an empty memory."""
        self.path.unlink()
        self.assert_unusable(f"there is no {self.path}")

    def test_empty_file(self) -> None:
        """An empty file is no store, though it is an empty database."""
        self.path.write_bytes(b"")
        self.assert_unusable(f"{self.path} is no store of trualias")

    def test_other_file(self) -> None:
        """A file that is no database is refused, and so is a database of another program."""
        self.path.write_bytes(b"x" * 5000)
        self.assert_unusable(f"{self.path}: file is not a database")
        self.path.unlink()
        with sqlite3.connect(self.path) as database:
            database.execute("CREATE TABLE alias (x)")
        self.assert_unusable(f"{self.path} is no store of trualias")

    def test_newer(self) -> None:
        """A store of a newer version is refused."""
        with sqlite3.connect(self.path) as database:
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        self.assert_unusable(
            f"{self.path} is of a newer trualias: its schema has version {len(MIGRATIONS) + 1}, and this one knows "
            f"{len(MIGRATIONS)}"
        )

    def make_first_version(self) -> None:
        """Make a store of the first version, with one revoked alias."""
        self.path.unlink()
        with sqlite3.connect(self.path) as database:
            for statement in MIGRATIONS[0].split(";"):
                database.execute(statement)
            database.execute("PRAGMA application_id = 0x74727561")
            database.execute("PRAGMA user_version = 1")
            database.execute("INSERT INTO store (identity, revision) VALUES ('0123', 7)")
            database.execute("INSERT INTO alias VALUES ('a@', 'A', 'revoked', 'leaked', 5, 7, 0)")
        database.close()

    def test_upgrade(self) -> None:
        """A store of an older version is refused until it is upgraded; a copy is kept, and an upgrade is made once."""
        self.make_first_version()
        self.assert_unusable(
            f"{self.path} is of an older trualias; trualias store upgrade, or the start of a server, upgrades it"
        )
        kept = Path(f"{self.path}.version-1")  # of an earlier upgrade
        kept.write_text("kept")
        copy = f"{kept}-2"
        self.assertEqual(copy, upgrade(str(self.path)))
        self.assertEqual("kept", kept.read_text())
        store = self.open()
        self.assertEqual(Position("0123", 7), store.position())
        self.assertEqual([Entry("a@", "A", REVOKED, "leaked", 5, created=5)], [*store.entries()])
        with sqlite3.connect(copy) as database:
            self.assertEqual((1,), database.execute("PRAGMA user_version").fetchone())
        database.close()
        self.assertEqual("", upgrade(str(self.path)))

    def test_upgrade_of_the_second_version(self) -> None:
        """An upgrade keeps the states, the spellings, the times to come and what was forgotten."""
        self.make_first_version()
        with sqlite3.connect(self.path) as database:
            for statement in MIGRATIONS[1].split(";"):
                database.execute(statement)
            database.execute("PRAGMA user_version = 2")
            database.executemany(
                "INSERT INTO alias VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    ("b@x.example", "b@x.example", "quiet", "", 6, 8, 0, 300, 200),
                    ("c@", "", "active", "", 7, 9, 1, None, None),
                ],
            )
            database.execute("UPDATE store SET revision = 9")
        database.close()
        upgrade(str(self.path))
        store = self.open()
        self.assertEqual(
            [
                Entry("a@", "A", REVOKED, "leaked", 5, created=5),
                Entry("b@x.example", "b@x.example", QUIET, "", 6, expires=300, resumes=200, created=6),
            ],
            [*store.entries()],
        )
        self.assertEqual([("b@x.example", QUIET), ("c@", ACTIVE)], pairs_of(store.states(7)))
        self.assertEqual([], store.check())

    def test_idle(self) -> None:
        """An alias without mail for some days ends, while others get mail; what was revoked or forgotten does not."""
        store, day = self.open(), 86_400

        def use(key: str, at: int) -> None:
            store.count([Use(key, key, "foo", None, at, at, 1)], at, keeps_senders=True)

        for key in ("used@", "idle@", "gone@", "late@"):
            store.change([Change(key, key, ACTIVE, expires_idle=10)], "root", 0)
        store.change([Change("gone@", "gone", None)], "root", 0)
        store.change([Change("late@", "late", ACTIVE, "a note")], "root", 5 * day)
        use("used@", 5 * day)
        self.assertFalse(store.make_due_changes(11 * day))  # no mail was counted in the last day
        self.assertEqual(1, store.idle(11 * day))
        use("other@", 11 * day)
        self.assertTrue(store.make_due_changes(11 * day + 100))
        self.assertFalse(store.make_due_changes(11 * day + 200))
        self.assertEqual(
            [("gone@", ACTIVE), ("idle@", REVOKED), ("late@", ACTIVE), ("used@", ACTIVE)],
            sorted(pairs_of(store.states()), key=itemgetter(0)),
        )
        self.assertEqual("expired after 10 days without mail", store.trail("idle@")[-1].note)
        use("other@", 15 * day + 200)
        self.assertTrue(store.make_due_changes(15 * day + 300))
        self.assertEqual(0, store.idle(15 * day + 300))

    def test_idle_and_a_wrong_clock(self) -> None:
        """A clock that is set far ahead ends no alias for want of mail, though mail is counted by it."""
        store, day = self.open(), 86_400
        store.change([Change("idle@", "idle", ACTIVE, expires_idle=10)], "root", 0)
        for at in (5 * day, 3_000 * day):
            store.count([Use("a@", "a", "foo", None, at, at, 1)], at, keeps_senders=True)
            store.retention_time(at)
            self.assertFalse(store.make_due_changes(at + 100))
        for number in range(6, 13):
            store.retention_time(number * day)
        self.assertTrue(store.make_due_changes(3_000 * day + 200))
        self.assertEqual([("idle@", REVOKED)], pairs_of(store.states()))

    def test_lock_and_account(self) -> None:
        """A lock, the account that an alias is kept for, and its ends stay until another change has others."""
        store = self.open()
        lock = Lock(("shop.example", "ann@mail.example"))
        change = Change("a@", "a", ACTIVE, kept_for="foo", lock=lock, expires_after=3, expires_idle=90)
        store.change([change], "root", 1)
        store.change([Change("a@", "a", REVOKED)], "root", 2)
        expected = Entry(
            "a@", "a", REVOKED, "", 2, account="foo", kept=True, lock=lock, created=1, expires_after=3, expires_idle=90
        )
        self.assertEqual(expected, store.entry("a@"))
        self.assertEqual([("a@", AliasRecord(REVOKED, "foo", (lock,)))], [*store.states()])
        gone = Change("a@", "a", ACTIVE, kept_for="", lock=None, expires_after=None, expires_idle=None)
        store.change([gone], "root", 3)
        self.assertEqual([("a@", PLAIN)], [*store.states()])

    def test_unknown_state(self) -> None:
        """A state that this version does not know is an error, and not taken for an active one."""
        with sqlite3.connect(self.path) as database:
            database.execute(
                "INSERT INTO alias (key, address, origin, state, created, changed, revision)"
                " VALUES ('a@', '', 'command', 'locked', 1, 1, 2)"
            )
        self.assertRaises(StoreUnusable, list, self.open().states())

    def test_durable(self) -> None:
        """A change is on disk when it is acknowledged, also one after counts, which need not be."""
        store = self.open()
        assert isinstance(store, SqliteStore)
        store.count([Use("a@", "a", "foo", "north.test", 1, 1, 1)], 1, keeps_senders=True)
        self.assertEqual((1,), store._database.execute("PRAGMA synchronous").fetchone())
        store.change([Change("a@", "a", REVOKED)], "root", 1)
        self.assertEqual((2,), store._database.execute("PRAGMA synchronous").fetchone())

    def test_backup(self) -> None:
        """A backup has everything, and does not replace a file."""
        store = self.open()
        store.change([Change("a@", "a", REVOKED)], "root", 1)
        copy = f"{self.path}.backup"
        store.backup(copy)
        restored = SqliteStore(copy)
        self.addCleanup(restored.close)
        self.assertEqual((store.position(), [*store.entries()]), (restored.position(), [*restored.entries()]))
        error = self.assertRaises(StoreUnusable, store.backup, copy)
        self.assertEqual(f"{copy} cannot be made: {os.strerror(17)}", str(error))
