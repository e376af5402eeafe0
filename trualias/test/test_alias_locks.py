"""Tests of ``trualias alias lock``, ``unlock`` and ``expire``."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError

from attrs import evolve

from trualias.commands.alias_ends import number, without_reached_ends
from trualias.commands.typed_aliases import Alias
from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.store.records import KEEP, Change, Entry, TrailLine, Use
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import CONFIGURATION, MACYS, MemoryCase

POLICY_SERVICE = "LISTEN: policy unix:/run/trualias/policy\n"


class ServedCase(MemoryCase):
    """A configuration with a policy service."""

    def setUp(self) -> None:
        """Add the policy service."""
        super().setUp()
        self.path.write_text(POLICY_SERVICE + CONFIGURATION, "utf-8")

    def entry(self, key: str = MACYS) -> Entry:
        """Return the entry of an alias in the store."""
        store = SqliteStore(str(self.store))
        entry = store.entry(key)
        store.close()
        assert entry is not None
        return entry

    def count(self, *uses: Use) -> None:
        """Count mails as a server does."""
        store = SqliteStore(str(self.store))
        store.count(uses, 1, keeps_senders=True)
        store.close()

    def shown(self) -> str:
        """Return the card of the alias."""
        return self.run_command("alias", "show", MACYS)[1]


class LockTests(ServedCase):
    """Locks."""

    def test_to(self) -> None:
        """A lock has domains and addresses, as locks compare them; another lock takes its place."""
        self.assert_done(
            f"{MACYS} is locked to macys.com, news@xn--bcher-kva.example\n",
            *("alias", "lock", MACYS, "--to", "Macys.com.", "News@B\u00fccher.example", "@macys.com"),
        )
        self.assertEqual(Lock(("macys.com", "news@xn--bcher-kva.example")), self.entry().lock)
        self.assert_done(f"{MACYS} is locked to ebay.com\n", "alias", "lock", MACYS, "--to", "ebay.com")
        self.assertEqual(Lock(("ebay.com",)), self.entry().lock)
        self.assertRegex(
            self.shown(),
            rf"^{MACYS} is active\n  account: foo\n  locked to ebay.com\n"
            r"  TIME  active, by .*: locked to macys.com, news@xn--bcher-"
            r"kva.example\n  TIME  active, by .*: locked to ebay.com\n$",
        )

    def test_first(self) -> None:
        """A lock may wait for its first sender, and is taken off again."""
        self.assert_done(f"{MACYS} is locked to the sender of its next mail\n", "alias", "lock", MACYS, "--first")
        self.assertEqual(Lock(first=True), self.entry().lock)
        shown = json.loads(self.run_command("alias", "show", MACYS, "--json")[1])
        self.assertEqual({"senders": [], "first": True}, shown["lock"])
        self.assert_done(f"{MACYS} is unlocked\n", "alias", "unlock", MACYS)
        self.assertIsNone(self.entry().lock)

    def test_known(self) -> None:
        """A lock can copy the owners of the domains that mail was accepted from, as they are now."""
        senders = ("mail.macys.com", "news#@e.macys.com", "shop.co.uk", "[192.0.2.1]", "", "(malformed)", "co.uk")
        self.count(*[Use(MACYS, MACYS, "foo", sender, 1, 1, 1) for sender in senders])
        self.count(Use(MACYS, MACYS, "foo", "refused.test", 1, 1, 0, 1))
        self.assert_done(
            f"{MACYS} is locked to [192.0.2.1], co.uk, macys.com, shop.co.uk\n", "alias", "lock", MACYS, "--known"
        )
        self.count(Use(MACYS, MACYS, "foo", "later.test", 1, 1, 1))
        self.assertEqual(Lock(("[192.0.2.1]", "co.uk", "macys.com", "shop.co.uk")), self.entry().lock)

    def test_known_refused(self) -> None:
        """Without senders, with too many, and where none are kept, no lock is put on."""
        reason = f"no sender of accepted mail to {MACYS} is known"
        self.assert_refused(reason, "alias", "lock", MACYS, "--known")
        self.count(Use(MACYS, MACYS, "foo", "", 1, 1, 1), Use(MACYS, MACYS, "foo", "(malformed)", 1, 1, 1))
        self.assert_refused(reason, "alias", "lock", MACYS, "--known")
        self.count(*[Use(MACYS, MACYS, "foo", f"s{number}.test", 1, 1, 1) for number in range(101)])
        self.assert_refused(
            f"{MACYS} has more senders than are kept: name them with --to", "alias", "lock", MACYS, "--known"
        )
        self.path.write_text(f"{POLICY_SERVICE}SENDERS: none\n{CONFIGURATION}", "utf-8")
        self.assert_refused("SENDERS is none: no senders are kept", "alias", "lock", MACYS, "--known")
        self.assert_done(f"{MACYS} is locked to a.b\n", "alias", "lock", MACYS, "--to", "a.b")

    def test_other_states(self) -> None:
        """A lock is put on and kept in every state."""
        self.run_command("alias", "pause", MACYS, "--answer", "defer", "--until", "2999-12-31", "--note", "why")
        self.assert_done(
            f"{MACYS} is locked to ebay.com; it is paused, its mail is deferred\n",
            *("alias", "lock", MACYS, "--to", "ebay.com"),
        )
        entry = self.entry()
        self.assertEqual((AliasState.DEFER, "why", True), (entry.state, entry.note, entry.resumes is not None))
        for action, state in (("revoke", "revoked"), ("resume", "active, and locked to ebay.com")):
            self.assert_done(f"{MACYS} is {state}\n", "alias", action, MACYS)
            self.assertEqual(Lock(("ebay.com",)), self.entry().lock)

    def test_two_domains(self) -> None:
        """The lock of the other entry, with or without a domain, holds too, and the command says so."""
        self.path.write_text(POLICY_SERVICE + CONFIGURATION.replace(".com", ".com example.org"), "utf-8")
        self.assert_done("foo-macys-m5 is locked to a.b\n", "alias", "lock", "foo-macys-m5", "--to", "a.b")
        self.assert_done(
            f"{MACYS} is locked to c.d\n  for all alias domains it is locked to a.b, which holds too\n",
            *("alias", "lock", MACYS, "--to", "c.d"),
        )
        self.assertIn("\n  for all alias domains it is active, locked to a.b\n", self.shown())
        self.assert_done(
            "foo-macys-m5 is unlocked\n  for example.com it is locked to c.d, which holds too\n",
            *("alias", "unlock", "foo-macys-m5"),
        )

    def test_not_enforced(self) -> None:
        """Without a policy service the command says that the lock has no effect."""
        self.path.write_text(CONFIGURATION, "utf-8")
        self.assert_done(
            f"{MACYS} is locked to a.b\n{self.path} has no LISTEN for a policy service, which refuses the other "
            "senders; without one, all of them get in.\n",
            *("alias", "lock", MACYS, "--to", "a.b"),
        )

    def test_invalid(self) -> None:
        """What is neither a domain nor an address is refused, and nothing is changed."""
        for text in ("", "@", "ann@", "a-.com", "macys..com", "x" * 255 + "@a.b", "*.com", "(malformed)"):
            self.assert_refused(
                f"'{text[:64] + ('...' if len(text) > 64 else '')}' is neither a domain nor an address, such as "
                "macys.com or news@macys.com",
                *("alias", "lock", MACYS, "--to", "macys.com", text),
            )


class ExpiryTests(ServedCase):
    """Ends by number and by disuse."""

    def test_after(self) -> None:
        """An alias can end after a number of mails, and the trail says so."""
        self.assert_done(
            f"{MACYS} expires after 5 accepted mails; it has none so far\n", "alias", "expire", MACYS, "--after", "5"
        )
        self.assertEqual(5, self.entry().expires_after)
        self.assertRegex(
            self.shown(),
            r"is active\n  account: foo\n"
            r"  expires after 5 accepted mails\n  TIME  active, by .*: expires after 5 accepted",
        )

    def test_idle(self) -> None:
        """An alias can end after days without mail, beside the other ends; --never removes all of them."""
        self.run_command("alias", "expire", MACYS, "--after", "1")
        self.run_command("alias", "expire", MACYS, "--on", "2999-12-31")
        self.assert_done(f"{MACYS} expires after 30 days without mail\n", "alias", "expire", MACYS, "--idle", "30")
        entry = self.entry()
        self.assertEqual((1, 30, False), (entry.expires_after, entry.expires_idle, entry.expires is None))
        self.assertIn(
            "  expires at TIME\n  expires after 1 accepted mail\n  expires after 30 days without mail\n", self.shown()
        )
        self.assert_done(f"{MACYS} does not expire\n", "alias", "expire", MACYS, "--never")
        entry = self.entry()
        self.assertEqual((None, None, None), (entry.expires_after, entry.expires_idle, entry.expires))

    def test_revoked(self) -> None:
        """A revocation takes all ends away; a revoked alias can get one, and stays revoked."""
        self.run_command("alias", "expire", MACYS, "--after", "5")
        self.run_command("alias", "expire", MACYS, "--idle", "5")
        self.run_command("alias", "revoke", MACYS)
        entry = self.entry()
        self.assertEqual((None, None), (entry.expires_after, entry.expires_idle))
        self.assert_done(
            f"{MACYS} expires after 9 days without mail; it is revoked until it is resumed\n",
            *("alias", "expire", MACYS, "--idle", "9"),
        )
        self.assertEqual((AliasState.REVOKED, 9), (self.entry().state, self.entry().expires_idle))
        self.run_command("alias", "resume", MACYS)
        self.assertEqual((AliasState.ACTIVE, 9), (self.entry().state, self.entry().expires_idle))

    def test_reached(self) -> None:
        """What an alias has reached does not end it again once it is resumed."""
        day, long_ago = 86_400, 1_000.0
        self.run_command("alias", "expire", MACYS, "--after", "2")
        self.run_command("alias", "expire", MACYS, "--idle", "3")
        self.count(Use(MACYS, MACYS, "foo", "macys.com", long_ago, long_ago, 2))
        self.assertEqual((AliasState.REVOKED, 2, 3), self.ends())
        self.run_command("alias", "resume", MACYS)
        self.assertEqual((AliasState.ACTIVE, None, 3), self.ends())
        store = SqliteStore(str(self.store))
        later = self.entry().changed + 4 * day
        store.count([Use("other@", "other", "foo", None, later, later, 1)], later, keeps_senders=True)
        self.assertTrue(store.make_due_changes(later))
        store.close()
        self.assertEqual((AliasState.REVOKED, None, 3), self.ends())
        self.run_command("alias", "resume", MACYS)
        self.assertEqual((AliasState.ACTIVE, None, None), self.ends())

    def ends(self) -> tuple[AliasState, int | None, int | None]:
        """Return the state of the alias, and its ends by number and by disuse."""
        entry = self.entry()
        return entry.state, entry.expires_after, entry.expires_idle

    def test_resume(self) -> None:
        """What makes an alias active again takes away the ends that it has reached, and no others."""
        alias = Alias("a@", "a")
        revoked = Entry("a@", "a", AliasState.REVOKED, "", 1.0, accepted=5)
        active, quiet = AliasState.ACTIVE, AliasState.QUIET
        ended = TrailLine(1.0, "trualias", active, AliasState.REVOKED, "expired after 9 days without mail")
        noted = evolve(ended, before=AliasState.REVOKED, note="a note")
        taken_back = evolve(ended, note="a note")
        anew = evolve(noted, note="expires after 9 days without mail")
        idle = evolve(revoked, expires_idle=9)
        for before, trail, accepted, days in (
            (evolve(revoked, expires_after=5), [], None, KEEP),
            (evolve(revoked, expires_after=6), [], KEEP, KEEP),
            (idle, [ended], KEEP, None),
            (idle, [ended, noted], KEEP, None),
            (idle, [taken_back], KEEP, KEEP),
            (idle, [ended, anew], KEEP, KEEP),
            (evolve(idle, state=quiet), [evolve(ended, after=quiet)], KEEP, KEEP),
            (None, [], KEEP, KEEP),
        ):
            expected = Change("a@", "a", active, expires_after=accepted, expires_idle=days)
            self.assertEqual(expected, without_reached_ends(alias, before, trail))

    def test_no_policy_service(self) -> None:
        """Without a policy service no mail is counted, and the ends that need it are refused."""
        self.path.write_text(CONFIGURATION, "utf-8")
        reason = (
            f"{self.path} has no LISTEN for a policy service, such as policy unix:/run/trualias/policy, which counts "
            "the mails"
        )
        self.assert_refused(reason, "alias", "expire", MACYS, "--after", "5")
        self.assert_refused(reason, "alias", "expire", MACYS, "--idle", "5")

    def test_numbers(self) -> None:
        """Numbers are whole and at least 1."""
        self.assertEqual([1, 1_000_000], [number("1"), number("1000000")])
        for text in ("0", "-1", "1.5", "many", "", "1000001", "9" * 60):
            error = self.assertRaises(ArgumentTypeError, number, text)
            self.assertEqual(f"'{text}' is not a number from 1 to 1000000", str(error))
        self.assertRaises(ArgumentTypeError, number, "\u0661")
        self.assertRaises(ArgumentTypeError, number, "9" * 5000)
