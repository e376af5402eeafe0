"""Tests of ``trualias.lookup.recipients``, and of their cache in ``trualias.protocols.recipient_cache``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import Snapshot
from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState, AliasStates
from trualias.lookup.locks import Lock
from trualias.lookup.recipients import Recipient, UnownedCode, WrongCode
from trualias.protocols import recipient_cache
from trualias.protocols.recipient_cache import RecipientCache
from trualias.test.lookups import Hook, Hooks, configuration, unchanged

STATEMENTS = """
ALIAS DOMAINS: example.com Example.ORG
DEBUG ACCOUNT: postmaster
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT one MATCHES to-%alpha%.%code% WITH CHARS();
ACCOUNT two MATCHES to-%alnum%.%code% WITH CHARS();
ACCOUNT bar MATCHES %account%-%code% WITH x;
REFUSE foo-leak-l4;
"""

LOCK, OTHER_LOCK = Lock(("macys.com",)), Lock(("news.test",))

STATES = {
    "foo-revoked-r7@example.com": RECORDS[AliasState.REVOKED],
    "foo-quiet-q5@example.com": RECORDS[AliasState.QUIET],
    "foo-defer-d5@": RECORDS[AliasState.DEFER],
    "foo-macys-m5@example.com": AliasRecord(locks=(LOCK,)),
    "foo-macys-m5@": AliasRecord(locks=(OTHER_LOCK,)),
    "foo-wrong-x9@example.com": RECORDS[AliasState.REVOKED],
    "foo@example.com": AliasRecord(locks=(LOCK,)),
}

RECIPIENTS = {
    "foo-google-g6@example.com": Recipient("foo-google-g6@example.com", "foo-google-g6@example.com", "foo"),
    "Foo-Google-G6@Example.COM": Recipient("foo-google-g6@example.com", "Foo-Google-G6@Example.COM", "foo"),
    "foo-google-g6@example.com.": Recipient("foo-google-g6@example.com", "foo-google-g6@example.com", "foo"),
    "foo-google-g6@example.org": Recipient("foo-google-g6@example.org", "foo-google-g6@example.org", "foo"),
    "foo-macys-m5@example.com": Recipient(
        "foo-macys-m5@example.com", "foo-macys-m5@example.com", "foo", (LOCK, OTHER_LOCK)
    ),
    "foo-macys-m5@example.org": Recipient("foo-macys-m5@example.org", "foo-macys-m5@example.org", "foo", (OTHER_LOCK,)),
    "foo-revoked-r7@example.com": Recipient("foo-revoked-r7@example.com", "foo-revoked-r7@example.com", ""),
    "foo-revoked-r7@example.org": Recipient("foo-revoked-r7@example.org", "foo-revoked-r7@example.org", "foo"),
    "foo-defer-d5@example.org": Recipient("foo-defer-d5@example.org", "foo-defer-d5@example.org", ""),
    "foo-wrong-x9@example.com": Recipient("foo-wrong-x9@example.com", "foo-wrong-x9@example.com", ""),
    "foo-google-g7@example.com": WrongCode("foo-google-g7@example.com", "foo-google-g7@example.com", ("foo",)),
    "foo-google-g6@example.net": None,
    "foo-google-g6": None,
    "foo-google-g6@example.com..": None,
    "foo-leak-l4@example.com": None,
    "foo-quiet-q5@example.com": None,
    "to-a.1@example.com": UnownedCode("to-a.1@example.com"),
    "foo@example.com": None,
    "BAR@example.com": None,
    "postmaster@example.com": None,
    "": None,
}
"""Recipients as clients type them, and their aliases; ``to-a.1`` is ambiguous."""


def made_snapshot(states: dict[AliasKey, AliasRecord] | None = None, preprocess: Hook | None = None) -> Snapshot:
    """Return a snapshot with states, and perhaps a hook."""
    hooks = None if preprocess is None else Hooks(preprocess=preprocess)
    collected = AliasStates(STATES if states is None else states)
    return Snapshot(configuration("CASE SENSITIVE: no", STATEMENTS), hooks, states=collected)


class RecipientTests(SynchronousTestCase):
    """The aliases of recipients."""

    def test_table(self) -> None:
        """An alias is what the virtual table finds or a state refuses; no mailbox, and no quiet or ambiguous one."""
        lookup = made_snapshot().recipients
        assert lookup is not None
        for typed, recipient in RECIPIENTS.items():
            self.assertEqual(recipient, lookup(typed), typed)

    def test_hooks(self) -> None:
        """The alias is what ``preprocess`` returns, with the account of the statement."""

        def preprocess(alias: str, domain: str | None) -> tuple[str, str | None]:
            if alias == "x":
                return "foo-google-g6", "example.com"
            return alias, domain

        lookup = made_snapshot(preprocess=preprocess).recipients
        assert lookup is not None
        found = [lookup(f"{name}@example.org") for name in "xy"]
        self.assertEqual([RECIPIENTS["foo-google-g6@example.com"], None], found)

    def test_admits(self) -> None:
        """A sender must be admitted by each lock."""
        recipient = Recipient("a@", "a", "foo", (Lock(("news.test", "macys.com")), Lock(("macys.com", "shop.test"))))
        admitted = [recipient.admits(sender) for sender in ("", "a@macys.com", "a@b.macys.com", "a@news.test")]
        self.assertEqual([True, True, True, False], admitted)

    def test_without_store(self) -> None:
        """Without a store there are none."""
        self.assertIsNone(Snapshot(configuration()).recipients)


class RecipientCacheTests(SynchronousTestCase):
    """The cache."""

    def test_cached(self) -> None:
        """An alias is looked up once for each snapshot, and anew in the next one."""
        cache, snapshot = RecipientCache(), made_snapshot()
        key = "foo-google-g6@example.com"
        first = cache.get(key.encode(), key, snapshot)
        self.assertEqual(RECIPIENTS[key], first)
        self.assertIs(first, cache.get(key.encode(), key, snapshot))
        revoked = cache.get(key.encode(), key, made_snapshot({key: RECORDS[AliasState.REVOKED]}))
        self.assertEqual(Recipient(key, key, ""), revoked)

    def test_hooks(self) -> None:
        """With hooks nothing is cached, and a hook that fails makes a recipient that is no alias."""
        cache, snapshot = RecipientCache(), made_snapshot(preprocess=unchanged)
        key = "foo-google-g6@example.com"
        first = cache.get(key.encode(), key, snapshot)
        self.assertIsNot(first, cache.get(key.encode(), key, snapshot))

        def fail(alias: str, domain: str | None) -> tuple[str, str | None]:
            if alias == "x":
                raise SystemExit
            return alias, domain

        self.assertIsNone(cache.get(b"x@example.com", "x@example.com", made_snapshot(preprocess=fail)))
        self.assertEqual(1, len(self.flushLoggedErrors(SystemExit)))

    def test_bounded(self) -> None:
        """A full cache is emptied, and others than aliases are not held."""
        self.patch(recipient_cache, "MOST", 2)
        cache, snapshot = RecipientCache(), made_snapshot()
        for name in ("foo-google-g6", "foo-google-g7", "foo-yahoo-y5", "foo-bbc-b3", "foo-google-g6"):
            cache.get(f"{name}@example.com".encode(), f"{name}@example.com", snapshot)
        self.assertEqual([b"foo-bbc-b3@example.com", b"foo-google-g6@example.com"], [*cache._aliases])
