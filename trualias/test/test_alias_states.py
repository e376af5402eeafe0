"""Tests of ``trualias.lookup.alias_states``, and of the tables with states."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import Answer, Deferred, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import MOST_CHANGED, PLAIN, RECORDS, AliasState, AliasStates, alias_key, combined
from trualias.test.lookups import Hooks, snapshot
from trualias.test.states import records_of, states_of

REVOKED = NotFound(NotFoundReason.REVOKED)
NO_MATCH = NotFound(NotFoundReason.NO_MATCH)
STATES = {
    "foo-revoked-r7@example.com": AliasState.REVOKED,
    "foo-refused-r7@example.com": AliasState.REFUSE,
    "foo-defer-d5@example.com": AliasState.DEFER,
    "foo-quiet-q5@example.com": AliasState.QUIET,
    "foo-all-a3@": AliasState.REVOKED,
    "foo@example.com": AliasState.REVOKED,
    "root@": AliasState.QUIET,
    "foo-one-o3@example.com": AliasState.QUIET,
    "foo-one-o3@": AliasState.DEFER,
}
ONE = "ALIAS DOMAINS: example.com\nACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();"


def with_states(settings: str = "", statements: str | None = None, hooks: Hooks | None = None) -> Snapshot:
    """Return a snapshot with ``STATES``."""
    made = snapshot(settings, hooks=hooks) if statements is None else snapshot(settings, statements, hooks)
    return made.with_states(records_of(STATES))


class AliasStatesTests(SynchronousTestCase):
    """The mapping."""

    def test_keys(self) -> None:
        """Keys are compared without regard to the case of ASCII, and of no other letters."""
        self.assertEqual("foo-x@example.com", alias_key("Foo-X", "Example.COM"))
        self.assertEqual("foo-x@", alias_key("Foo-X", None))
        self.assertEqual("\u212aa@", alias_key("\u212aA", ""))

    def test_stricter(self) -> None:
        """Of the states in a domain and in all domains, the stricter one holds, whichever it is."""
        order = list(AliasState)
        for one in order:
            for other in order:
                states = records_of({"a@": one, "a@b.c": other})
                self.assertEqual(max(one, other, key=order.index), combined(states.entries("A"), "b.c").state)
                self.assertEqual(one, combined(states.entries("a"), "other.example").state)

    def test_changed(self) -> None:
        """Changes make a new mapping, and leave the old one as it is."""
        old = records_of({"a@": AliasState.REVOKED, "b@": AliasState.DEFER})
        new = old.changed([("a@", PLAIN), ("c@", RECORDS[AliasState.QUIET])])
        self.assertEqual({"b@": AliasState.DEFER, "c@": AliasState.QUIET}, states_of(new))
        self.assertEqual({"a@": AliasState.REVOKED, "b@": AliasState.DEFER}, states_of(old))
        self.assertEqual((2, AliasState.ACTIVE, AliasState.QUIET), (len(new), new.of("a@").state, new.of("c@").state))

    def test_many_changes(self) -> None:
        """After many changes it is one mapping again, made with pauses, and the same."""
        pauses = []
        states = AliasStates()
        expected: dict[str, AliasState] = {}
        for number in range(3 * MOST_CHANGED):
            change = {f"{number % 1500}@": list(AliasState)[number % 5]}
            records = {key: RECORDS[state] for key, state in change.items()}
            states = states.changed(records.items(), lambda: pauses.append(1))
            expected |= change
        expected = {key: state for key, state in expected.items() if state is not AliasState.ACTIVE}
        self.assertEqual(expected, states_of(states))
        self.assertNotEqual([], pauses)

    def test_pauses_while_changing(self) -> None:
        """Many changes at once, such as those of an import, are made with pauses in between."""
        pauses: list[int] = []
        changes = [(f"{number}@", RECORDS[AliasState.REVOKED]) for number in range(MOST_CHANGED)]
        AliasStates().changed(changes, lambda: pauses.append(1))
        self.assertEqual(1, len(pauses))


class TableTests(SynchronousTestCase):
    """The tables of a snapshot with states."""

    def assert_answers(self, made: Snapshot, table: Table, answers: dict[str, Answer]) -> None:
        """Assert the answers to some keys."""
        self.assertEqual(answers, {key: made.tables[table](key) for key in answers})

    def test_virtual(self) -> None:
        """Each state has its answer; mailboxes have none, since cleanup looks up every result again."""
        self.assert_answers(
            with_states("DEBUG ACCOUNT: root"),
            Table.VIRTUAL,
            {
                "Foo-Revoked-R7@Example.COM": REVOKED,
                "foo-revoked-r7@example.org": Found("foo@example.org", "foo"),
                "foo-refused-r7@example.com": REVOKED,
                "foo-defer-d5@example.com": Deferred(),
                "foo-quiet-q5@example.com": Found("foo-quiet-q5@discard.invalid", ""),
                "foo-all-a3@example.com": REVOKED,
                "foo-all-a3@example.org": REVOKED,
                "foo-one-o3@example.com": Deferred(),
                "foo-google-g6@example.com": Found("foo@example.com", "foo"),
                "foo@example.com": NO_MATCH,
                "root@example.com": NO_MATCH,
                "foo-all-a3@example.net": NotFound(NotFoundReason.UNKNOWN_DOMAIN),
            },
        )

    def test_local_part(self) -> None:
        """With several domains, entries of one domain are passed over; with a single one, they count."""
        answers: dict[str, Answer] = {
            "foo-all-a3": REVOKED,
            "foo-one-o3": Deferred(),
            "foo-revoked-r7": Found("foo", "foo"),
        }
        self.assert_answers(with_states(), Table.LOCAL_PART, answers)
        single: dict[str, Answer] = {"foo-revoked-r7": REVOKED, "foo-quiet-q5": REVOKED, "foo-defer-d5": Deferred()}
        self.assert_answers(with_states("", ONE), Table.LOCAL_PART, single)

    def test_access(self) -> None:
        """The access table refuses and defers; a quiet alias is accepted, to be discarded."""
        refusal = Found("550 5.1.1 User unknown in virtual mailbox table", "")
        self.assert_answers(
            with_states(),
            Table.ACCESS,
            {
                "foo-revoked-r7@example.com": refusal,
                "foo-revoked-r7@example.com.": refusal,
                "foo-refused-r7@example.com": refusal,
                "foo-defer-d5@example.com": Found("450 4.2.1 This address is paused, try again later", ""),
                "foo-quiet-q5@example.com": NO_MATCH,
                "foo-google-g6@example.com": NO_MATCH,
                "foo@example.com": NO_MATCH,
                "foo-wrong-x@example.com": NO_MATCH,
            },
        )

    def test_login(self) -> None:
        """An alias that is not active is nobody's sender; the owner's own address always is."""
        self.assert_answers(
            with_states(),
            Table.LOGIN,
            {
                "foo-revoked-r7@example.com": REVOKED,
                "foo-quiet-q5@example.com": REVOKED,
                "foo-defer-d5@example.com": REVOKED,
                "foo-google-g6@example.com": Found("foo", "foo"),
                "foo@example.com": Found("foo", "foo"),
            },
        )

    def test_hooks(self) -> None:
        """The alias is what ``preprocess`` returned."""
        hooks = Hooks(preprocess=lambda alias, domain: (alias.removeprefix("x-"), domain))
        made = with_states(hooks=hooks)
        self.assert_answers(made, Table.VIRTUAL, {"x-foo-revoked-r7@example.com": REVOKED})
        self.assert_answers(made, Table.LOCAL_PART, {"x-foo-all-a3": REVOKED})

    def test_targets(self) -> None:
        """A target of DELIVER in an alias domain has no state: it would be that of all aliases that lead there."""
        statements = f"{ONE}\nDELIVER foo TO foo-revoked-r7@example.com, foo-quiet-q5, foo-all-a3@example.net;"
        targets = "foo-revoked-r7@example.com, foo-quiet-q5@example.com, foo-all-a3@example.net"
        self.assert_answers(
            with_states("", statements),
            Table.VIRTUAL,
            {
                "foo-revoked-r7@example.com": Found(targets, "foo"),
                "foo-quiet-q5@example.com": Found(targets, "foo"),
                "foo-all-a3@example.com": REVOKED,
            },
        )

    def test_same_states(self) -> None:
        """Without a store, and with the same states, the snapshot stays the same; with others it is another one."""
        without = snapshot()
        self.assertIs(without, without.with_states(None))
        made = without.with_states(records_of(STATES))
        self.assertIsNot(without.identity, made.identity)
        self.assertIs(made, made.with_states(made.states))
        self.assertIs(without.configuration, made.configuration)

    def test_same_deliveries(self) -> None:
        """Other states take over what was found of the configuration, since they are applied between two lookups."""
        made = snapshot("", f"{ONE}DELIVER foo TO ada;")
        changed = made.with_states(records_of(STATES))
        self.assertIsNotNone(made.deliveries)
        self.assertIs(made.deliveries, changed.deliveries)
        self.assertIs(made.mailboxes, changed.mailboxes)
