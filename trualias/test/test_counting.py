"""The counting of deliveries in a store."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.store.counting import MOST_NEW, MOST_SENDERS
from trualias.store.records import (
    OTHER_SENDERS,
    Change,
    Counted,
    Origin,
    Use,
)
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create

DAY = 86_400
KEY = "foo-macys-m5@example.com"


class CountingTests(SynchronousTestCase):
    """Uses of aliases."""

    def setUp(self) -> None:
        """Make a store."""
        self.path = Path(self.mktemp()).absolute()
        create(str(self.path))
        self.store = SqliteStore(str(self.path))
        self.addCleanup(self.store.close)

    def use(
        self,
        sender: str | None = "macys.com",
        at: float = DAY,
        accepted: int = 1,
        refused: int = 0,
        key: str = KEY,
        account: str = "foo",
        words: tuple[str, ...] = ("macys",),
    ) -> Use:
        """Return a use."""
        return Use(key, key.removesuffix("@"), account, sender, at, at, accepted, refused, words)

    def count(self, *uses: Use, keeps_senders: bool = True) -> Counted:
        """Count uses."""
        return self.store.count(uses, max((use.last for use in uses), default=0), keeps_senders=keeps_senders)

    def senders(self) -> dict[str, tuple[int, ...]]:
        """Return the senders of ``KEY``: first and last seen, accepted, refused, expected."""
        with sqlite3.connect(self.path) as database:
            rows = database.execute(
                "SELECT sender, s.first_seen, s.last_seen, s.accepted, s.refused, expected FROM sender AS s"
                " JOIN alias ON number = s.alias WHERE key = ?",
                (KEY,),
            ).fetchall()
        database.close()
        return {sender: tuple(values) for sender, *values in rows}

    def assert_entry(self, **expected: object) -> None:
        """Assert values of the entry of ``KEY``."""
        entry = self.store.entry(KEY)
        self.assertEqual(expected, {name: getattr(entry, name) for name in expected})

    def test_known(self) -> None:
        """The first accepted mail makes an alias known; the sums, the dates and the last account follow."""
        self.assertEqual(Counted((KEY,), 0, False), self.count(self.use(at=DAY + 5)))
        self.assertEqual(Counted((), 0, False), self.count(self.use(at=DAY + 9, refused=2, account="bar")))
        self.assert_entry(
            state=AliasState.ACTIVE,
            origin=Origin.USED,
            account="bar",
            words=("macys",),
            created=DAY + 5,
            first_seen=DAY + 5,
            last_seen=DAY + 9,
            accepted=2,
            refused=2,
        )
        self.assertEqual({"macys.com": (DAY + 5, DAY + 9, 2, 2, 1)}, self.senders())
        self.assertEqual(1, self.store.position().revision)
        self.assertEqual([(1, KEY, True)], [*self.store.known()])

    def test_known_without_mail(self) -> None:
        """A use without a mail makes an alias known, and counts nothing; one of a known alias changes nothing."""
        use = self.use(sender=None, accepted=0)
        self.assertEqual(Counted((KEY,), 0, False), self.count(use))
        self.assert_entry(account="foo", words=("macys",), accepted=0, refused=0, first_seen=None, last_seen=None)
        self.assertEqual(Counted((), 0, False), self.count(use))
        self.assert_entry(account="foo", words=("macys",), accepted=0, refused=0, first_seen=None, last_seen=None)
        self.assertEqual({}, self.senders())

    def test_refused_alone(self) -> None:
        """Refused mail makes no alias known, and is counted for a known one without a date."""
        self.assertEqual(Counted((), 0, False), self.count(self.use(accepted=0, refused=1)))
        self.assertIsNone(self.store.entry(KEY))
        self.count(self.use())
        self.count(self.use("spam.example", at=9 * DAY, accepted=0, refused=3, account="bar"))
        self.assert_entry(account="foo", accepted=1, refused=3, last_seen=DAY)

    def test_without_senders(self) -> None:
        """Senders are kept only where that is wanted and known."""
        self.count(self.use(), keeps_senders=False)
        self.count(self.use(None))
        self.assertEqual({}, self.senders())

    def test_forgotten(self) -> None:
        """A forgotten alias that gets mail is known again under a new number; other processes see both."""
        self.count(self.use())
        revision = self.store.change([Change(KEY, KEY, None)], "root", 1)
        [(forgotten, *_)] = self.store.known(1)
        self.assertEqual({}, self.senders())
        self.assertEqual((KEY,), self.count(self.use()).new)
        self.assertEqual([(forgotten + 1, KEY, True)], [*self.store.known(forgotten)])
        self.assertEqual([KEY], [key for key, _ in self.store.states(revision - 1)])

    def test_kept(self) -> None:
        """The account that an alias is kept for stays."""
        self.store.change([Change(KEY, KEY, AliasState.ACTIVE, kept_for="ann")], "root", 1)
        self.count(self.use())
        self.assert_entry(account="ann", kept=True, accepted=1)

    def test_expected(self) -> None:
        """Senders of the first week are expected, and those whose domain has a word of the alias; others are not."""
        self.count(self.use("mailer.example"))
        self.count(self.use("a.mailer.example", at=30 * DAY), self.use("spam.example", at=30 * DAY))
        self.count(self.use("ann@macys.example", at=31 * DAY), self.use("", at=31 * DAY))
        self.count(
            self.use(MALFORMED_SENDER, at=31 * DAY), self.use("early.example", at=32 * DAY, accepted=0, refused=1)
        )
        self.assertEqual(
            {
                "mailer.example": 1,
                "a.mailer.example": 1,
                "spam.example": 0,
                "ann@macys.example": 1,
                "": 1,
                MALFORMED_SENDER: 0,
                "early.example": 0,
            },
            {sender: values[-1] for sender, values in self.senders().items()},
        )

    def test_many_senders(self) -> None:
        """Of many senders, those that were only refused are given up first, then later ones; the rest is one sum."""

        def named(letter: str, numbers: Iterable[int], accepted: int = 1, refused: int = 0) -> list[Use]:
            return [self.use(f"{letter}{number}.example", DAY + number, accepted, refused) for number in numbers]

        self.count(*named("a", range(40)))
        self.count(*named("r", range(40, 70), accepted=0, refused=2))
        self.count(*named("b", range(70, 150)))
        found = self.senders()
        self.assertEqual(MOST_SENDERS + 1, len(found))
        self.assertEqual([], [sender for sender in found if sender.startswith("r")])
        kept = {f"a{number}.example" for number in range(40)} | {f"b{number}.example" for number in range(70, 80)}
        self.assertEqual(set(), kept - set(found))
        self.assertIn("b149.example", found)
        self.assertEqual((DAY + 40, DAY + 99, 20, 60, 1), found[OTHER_SENDERS])
        self.count(*named("s", range(150, 160), accepted=0, refused=1))
        self.assertEqual((DAY + 40, DAY + 159, 20, 70, 1), self.senders()[OTHER_SENDERS])
        self.assert_entry(accepted=120, refused=70)

    def test_many_aliases(self) -> None:
        """At most 500 aliases of an account become known in a day; more is a sum of the account."""
        uses = [self.use(key=f"foo-x-{number}@example.com") for number in range(MOST_NEW + 3)]
        counted = self.count(*uses)
        self.assertEqual((MOST_NEW, 3), (len(counted.new), counted.beyond))
        self.assertEqual(2, self.count(*[self.use(key="foo-y@example.com", accepted=2)]).beyond)
        self.assertEqual(1, len(self.count(self.use(key="bar-y@example.com", account="bar")).new))
        self.assertEqual(1, len(self.count(self.use(key="foo-y@example.com", at=2 * DAY)).new))

    def test_lock_to_the_first(self) -> None:
        """The first sender with a domain locks an alias that waits for it; the null sender does not."""
        self.store.change([Change(KEY, KEY, AliasState.QUIET, lock=Lock(first=True), expires=9e9)], "root", 1)
        self.assertFalse(self.count(self.use(""), self.use(MALFORMED_SENDER)).changed)
        self.assertFalse(self.count(self.use("spam.example", accepted=0, refused=1)).changed)
        counted = self.count(self.use("a@mail.macys.co.uk"), self.use("other.example", at=DAY + 1), keeps_senders=False)
        self.assertTrue(counted.changed)
        self.assert_entry(lock=Lock(("macys.co.uk",), first=True), state=AliasState.QUIET, accepted=4, expires=9e9)
        self.assertEqual(3, self.store.position().revision)
        self.assertFalse(self.count(self.use("third.example")).changed)
        self.assertEqual("locked to the first sender", self.store.trail(KEY)[-1].note)

    def test_expires_after(self) -> None:
        """An alias that takes a number of mails is revoked once it had them, and mails on their way still count."""
        self.count(self.use())
        self.store.change([Change(KEY, KEY, AliasState.ACTIVE, "mine", expires_after=3)], "root", 1)
        self.assertFalse(self.count(self.use()).changed)
        self.assertTrue(self.count(self.use(accepted=2)).changed)
        self.assertFalse(self.count(self.use()).changed)
        self.assert_entry(state=AliasState.REVOKED, accepted=5, note="mine")
        self.assertEqual("expired after 3 mails", self.store.trail(KEY)[-1].note)

    def test_all_domains(self) -> None:
        """Mail in any domain counts for the alias of all domains, where that is locked or ends by use."""
        other = "foo-macys-m5@example.org"
        self.store.change([Change("foo-macys-m5@", "foo-macys-m5", AliasState.ACTIVE)], "root", 1)
        self.count(self.use(), self.use(key=other))
        entry = self.store.entry("foo-macys-m5@")
        self.assertEqual(0, entry and entry.accepted)
        change = Change("foo-macys-m5@", "foo-macys-m5", AliasState.ACTIVE, lock=Lock(first=True), expires_after=3)
        self.store.change([change], "root", 1)
        self.assertTrue(self.count(self.use("", at=DAY), self.use("macys.com", at=DAY + 5, key=other)).changed)
        self.assertTrue(self.count(self.use("macys.com", at=DAY + 9), self.use(refused=1, accepted=0)).changed)
        entry = self.store.entry("foo-macys-m5@")
        assert entry is not None
        self.assertEqual(
            (AliasState.REVOKED, 3, 0, Lock(("macys.com",), first=True), DAY + 9),
            (entry.state, entry.accepted, entry.refused, entry.lock, entry.last_seen),
        )
        self.assert_entry(state=AliasState.ACTIVE, accepted=3, lock=None)
        self.assertEqual(5, sum(one.accepted for one in self.store.sender_domains()))  # each mail once

    def test_order(self) -> None:
        """Uses of one alias and sender in one batch are added, whatever their order."""
        self.count(self.use(at=9), self.use("b.example", at=5), self.use(at=2), self.use(at=7, accepted=0, refused=1))
        self.assertEqual({"macys.com": (2, 9, 2, 1, 1), "b.example": (5, 5, 1, 0, 1)}, self.senders())
        self.assert_entry(first_seen=2, last_seen=9)
