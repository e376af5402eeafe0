"""Tests of kept aliases in all tables, and of tables whose store is lost."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, Answer, Deferred, DeferredReason, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.test.lookups import STATEMENTS, Hooks, snapshot

REVOKED = NotFound(NotFoundReason.REVOKED)
NO_MATCH = NotFound(NotFoundReason.NO_MATCH)
LOST = Deferred(DeferredReason.LOST)
GONE = Deferred(DeferredReason.NO_ACCOUNT, "gone")
KEPT = {
    "shop@example.com": AliasRecord(kept_for="foo"),
    "all@": AliasRecord(kept_for="foo"),
    "all@example.org": AliasRecord(kept_for="baz"),
    "foo-macys-m5@example.com": AliasRecord(kept_for="baz"),
    "foo-wrong-x@example.com": AliasRecord(kept_for="foo"),
    "to-a.1@example.com": AliasRecord(kept_for="one"),
    "revoked@example.com": AliasRecord(AliasState.REVOKED, "foo"),
    "deferred@example.com": AliasRecord(AliasState.DEFER, "foo"),
    "quiet@example.com": AliasRecord(AliasState.QUIET, "foo"),
    "taken@example.com": AliasRecord(kept_for="foo"),
    "old@": AliasRecord(kept_for="gone"),
    # Each became a mailbox after the store kept it.
    "foo@example.com": AliasRecord(kept_for="baz"),
    "root@": AliasRecord(kept_for="baz"),
    "archive@example.com": AliasRecord(kept_for="baz"),
}
SETTINGS = "STORE: sqlite:m.sqlite\nDEBUG ACCOUNT: root\n"
DELIVERIES = (
    "REFUSE taken@example.com;\n"
    "DELIVER baz TO baz@mailbox.example, archive;\n"
    "DELIVER imports AT example.com TO imports@mailbox.example;\n"
)


def kept(
    records: dict[str, AliasRecord] | None = None, statements: str = STATEMENTS + DELIVERIES, hooks: Hooks | None = None
) -> Snapshot:
    """Return a snapshot with kept aliases."""
    return snapshot(SETTINGS, statements, hooks).with_states(AliasStates(KEPT if records is None else records))


class KeptTests(SynchronousTestCase):
    """The tables of a snapshot with kept aliases."""

    def assert_answers(self, made: Snapshot, table: Table, answers: dict[str, Answer]) -> None:
        """Assert the answers to some keys."""
        self.assertEqual(answers, {key: made.tables[table](key) for key in answers})

    def test_virtual(self) -> None:
        """A kept alias is found after REFUSE and its own state, and before statements; a mailbox never is one."""
        baz = "baz@mailbox.example, archive@"
        self.assert_answers(
            kept(),
            Table.VIRTUAL,
            {
                "Shop@Example.COM": Found("foo@Example.COM", "foo", is_kept=True),
                "shop@example.org": NO_MATCH,
                "all@example.com": Found("foo@example.com", "foo", is_kept=True),
                "all@example.org": Found(f"{baz}example.org", "baz", is_kept=True),
                "foo-macys-m5@example.com": Found(f"{baz}example.com", "baz", is_kept=True),
                "foo-macys-m5@example.org": Found("foo@example.org", "foo"),
                "foo-wrong-x@example.com": Found("foo@example.com", "foo", is_kept=True),
                "to-a.1@example.com": Found("one@example.com", "one", is_kept=True),
                "to-a.1@example.org": Ambiguous(("one", "two"), "root@example.org"),
                "revoked@example.com": REVOKED,
                "deferred@example.com": Deferred(),
                "quiet@example.com": Found("quiet@discard.invalid", ""),
                "taken@example.com": NotFound(NotFoundReason.REFUSED),
                "old@example.com": GONE,
                "foo@example.com": NO_MATCH,
                "root@example.com": NO_MATCH,
                "archive@example.com": NO_MATCH,
                "shop@example.net": NotFound(NotFoundReason.UNKNOWN_DOMAIN),
            },
        )

    def test_local_part(self) -> None:
        """Without domains, the aliases of all domains are kept, and those of the only domain if there is one."""
        answers: dict[str, Answer] = {
            "shop": NO_MATCH,
            "ALL": Found("foo", "foo", is_kept=True),
            "old": GONE,
            "foo": NO_MATCH,
            "root": NO_MATCH,
        }
        self.assert_answers(kept(), Table.LOCAL_PART, answers)
        one = kept(statements=STATEMENTS.replace("Example.ORG", ""))
        single: dict[str, Answer] = {"shop": Found("foo", "foo", is_kept=True), "revoked": REVOKED, "foo": NO_MATCH}
        self.assert_answers(one, Table.LOCAL_PART, single)

    def test_login(self) -> None:
        """The owner may send from a kept alias."""
        self.assert_answers(
            kept(),
            Table.LOGIN,
            {
                "shop@example.com": Found("foo", "foo", is_kept=True),
                "foo-macys-m5@example.com": Found("baz", "baz", is_kept=True),
                "to-a.1@example.com": Found("one", "one", is_kept=True),
                "revoked@example.com": REVOKED,
                "quiet@example.com": REVOKED,
                "old@example.com": GONE,
                "foo@example.com": Found("foo", "foo"),
                "imports@example.com": Found("imports", "imports"),
                "imports@example.org": NO_MATCH,
            },
        )

    def test_access(self) -> None:
        """Its state alone decides."""
        refusal = Found("550 5.1.1 User unknown in virtual mailbox table", "")
        self.assert_answers(
            kept(),
            Table.ACCESS,
            {
                "shop@example.com": NO_MATCH,
                "old@example.com": NO_MATCH,
                "revoked@example.com": refusal,
                "taken@example.com": refusal,
                "foo@example.com": NO_MATCH,
            },
        )

    def test_accounts(self) -> None:
        """The account is spelled as the file has it; one of imports alone has a DELIVER, in its domains."""
        imports = "imports@mailbox.example"
        records = {"a@": AliasRecord(kept_for="FOO"), "b@": AliasRecord(kept_for="imports")}
        self.assert_answers(
            kept(records),
            Table.VIRTUAL,
            {
                "a@example.com": Found("foo@example.com", "foo", is_kept=True),
                "b@example.com": Found(imports, "imports", is_kept=True),
                "b@example.org": Deferred(DeferredReason.NO_ACCOUNT, "imports"),
            },
        )

    def test_spelling(self) -> None:
        """Without regard to case, the account is spelled as the file has it first, as statements answer it."""
        statements = (
            "CASE SENSITIVE: no\nALIAS DOMAINS: example.com\nACCOUNT Foo MATCHES %account%.%alnum%.%code% WITH x;\n"
            "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH x;"
        )
        answers: dict[str, Answer] = {
            "a@example.com": Found("Foo@example.com", "Foo", is_kept=True),
            "foo-a-x@example.com": Found("Foo@example.com", "Foo"),
        }
        self.assert_answers(kept({"a@": AliasRecord(kept_for="foo")}, statements), Table.VIRTUAL, answers)

    def test_account_in_a_domain(self) -> None:
        """An alias that is kept for an account of another domain is deferred: there is no such account there."""
        statements = "ALIAS DOMAINS: example.com example.org\nACCOUNT ann AT example.com MATCHES %alnum%.%code% WITH x;"
        made = kept({"a@": AliasRecord(kept_for="ann")}, statements)
        self.assert_answers(
            made,
            Table.VIRTUAL,
            {
                "a@example.com": Found("ann@example.com", "ann", is_kept=True),
                "a@example.org": Deferred(DeferredReason.NO_ACCOUNT, "ann"),
            },
        )

    def test_hooks(self) -> None:
        """The alias is what ``preprocess`` returned; ``postprocess`` decides about the account, and can refuse it."""
        hooks = Hooks(
            lambda alias, domain: (alias.removeprefix("x-"), domain),
            lambda account, domain: None if account == "baz" else (f"{account}.box", domain),
        )
        records = {"shop@": AliasRecord(kept_for="foo"), "no@": AliasRecord(kept_for="baz")}
        made = kept(records, hooks=hooks)
        refused = NotFound(NotFoundReason.REFUSED_BY_HOOK)
        answers: dict[str, Answer] = {
            "x-shop@example.com": Found("foo.box@example.com", "foo", is_kept=True),
            "no@example.com": refused,
        }
        self.assert_answers(made, Table.VIRTUAL, answers)
        self.assert_answers(made, Table.LOCAL_PART, {"x-shop": Found("foo.box", "foo", is_kept=True), "no": refused})


class LostTests(SynchronousTestCase):
    """The tables of a server that could read neither its store nor a copy of it."""

    def assert_answers(self, made: Snapshot, table: Table, answers: dict[str, Answer]) -> None:
        """Assert the answers to some keys."""
        self.assertEqual(answers, {key: made.tables[table](key) for key in answers})

    def lost(self, settings: str = SETTINGS, hooks: Hooks | None = None) -> Snapshot:
        """Return a snapshot whose states are lost."""
        return snapshot(settings, STATEMENTS + DELIVERIES, hooks).with_states(AliasStates(is_lost=True))

    def test_virtual(self) -> None:
        """Statements answer, mailboxes are not found, and whatever the store may keep is deferred."""
        self.assert_answers(
            self.lost(),
            Table.VIRTUAL,
            {
                "foo-macys-m5@example.com": Found("foo@example.com", "foo"),
                "to-a.1@example.com": Ambiguous(("one", "two"), "root@example.com"),
                "foo-macys-x@example.com": LOST,
                "shop@example.com": LOST,
                "taken@example.com": NotFound(NotFoundReason.REFUSED),
                "FOO@example.com": NO_MATCH,
                "root@example.com": NO_MATCH,
                "archive@example.org": NO_MATCH,
                "imports@example.com": NO_MATCH,
                "shop@example.net": NotFound(NotFoundReason.UNKNOWN_DOMAIN),
                "shop": NotFound(NotFoundReason.NO_DOMAIN),
                "@example.com": NO_MATCH,
                '"a b"@example.com': NO_MATCH,
            },
        )

    def test_without_debug_account(self) -> None:
        """An ambiguous address that is not found may be a kept one."""
        made = self.lost("STORE: sqlite:m.sqlite\n")
        self.assert_answers(made, Table.VIRTUAL, {"to-a.1@example.com": LOST})
        self.assert_answers(made, Table.LOCAL_PART, {"to-a.1": LOST})

    def test_local_part(self) -> None:
        """The same without domains."""
        self.assert_answers(
            self.lost(),
            Table.LOCAL_PART,
            {
                "foo-macys-m5": Found("foo", "foo"),
                "to-a.1": Ambiguous(("one", "two"), "root"),
                "shop": LOST,
                "foo": NO_MATCH,
                "root": NO_MATCH,
            },
        )

    def test_login(self) -> None:
        """Who owns other addresses is not known."""
        self.assert_answers(
            self.lost(),
            Table.LOGIN,
            {
                "foo-macys-m5@example.com": Found("foo", "foo"),
                "foo@example.com": Found("foo", "foo"),
                "shop@example.com": LOST,
                "to-a.1@example.com": LOST,
            },
        )

    def test_access(self) -> None:
        """REFUSE holds, and nothing else is refused."""
        refusal = Found("550 5.1.1 User unknown in virtual mailbox table", "")
        self.assert_answers(
            self.lost(),
            Table.ACCESS,
            {"shop@example.com": NO_MATCH, "foo-macys-x@example.com": NO_MATCH, "taken@example.com": refusal},
        )

    def test_hooks(self) -> None:
        """A mailbox is one after ``preprocess``; what a hook refuses stays refused."""
        hooks = Hooks(lambda alias, domain: None if alias == "no" else (alias.lower().removeprefix("x-"), domain))
        answers: dict[str, Answer] = {
            "X-Foo@example.com": NO_MATCH,
            "no@example.com": NotFound(NotFoundReason.REFUSED_BY_HOOK),
            "x-shop@example.com": LOST,
        }
        self.assert_answers(self.lost(hooks=hooks), Table.VIRTUAL, answers)
