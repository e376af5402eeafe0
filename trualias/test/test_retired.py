"""Retired statements."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.language.layout import format_text
from trualias.language.parser import parse
from trualias.language.source import Source
from trualias.language.tree import Account, unparse
from trualias.lookup import Answer, Deferred, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.answers import DeferredReason
from trualias.lookup.expectations import check_expectations
from trualias.lookup.known_aliases import KnownAliases
from trualias.main import run
from trualias.matching.lookup_record import BUDGET
from trualias.store.records import Change, Use
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create

MEMORY = (
    "STORE: sqlite:memory.sqlite\nLISTEN: policy tcp:3049:interface=127.0.0.1\nALIAS DOMAINS: a.example b.example\n"
)
OLD = "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS() RETIRED;\n"
NEW = "ACCOUNT foo, bar MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHAR(2,-), CHARS();\n"
LOST = Deferred(DeferredReason.LOST)
NO_MATCH, WRONG_CODE = NotFound(NotFoundReason.NO_MATCH), NotFound(NotFoundReason.WRONG_CODE, ("foo",))


def configuration(text: str, settings: str = MEMORY) -> Configuration:
    """Parse a configuration."""
    return parse_configuration(settings + text, "a.conf")


class LanguageTests(SynchronousTestCase):
    """The word RETIRED."""

    def test_statement(self) -> None:
        """It stands at the end; an item before it may have the same name, and so may a name."""
        for text, retired, items in (
            (OLD, True, 2),
            (NEW, False, 3),
            ("ACCOUNT RETIRED MATCHES %account%.%code% WITH RETIRED;", False, 1),
            ("ACCOUNT a MATCHES %account%.%code% WITH x, RETIRED RETIRED;", True, 2),
        ):
            before = parse(Source(text, "a.conf")).statements
            [statement] = before
            assert isinstance(statement, Account)
            self.assertEqual((retired, items), (statement.retired, len(statement.items)))
            self.assertEqual(before, parse(Source(unparse(statement), "a.conf")).statements)
            self.assertEqual(before, parse(Source(format_text(text, "a.conf"), "a.conf")).statements)

    def test_same_items(self) -> None:
        """Statements with the same items are told apart by the word alone."""
        ends = {"a": "", "b": " RETIRED", "c": ""}
        text = "".join(f"ACCOUNT {name} MATCHES %account%.%code% WITH x{end};\n" for name, end in ends.items())
        statements = parse(Source(text, "a.conf")).statements
        self.assertEqual([False, True, False], [isinstance(one, Account) and one.retired for one in statements])

    def assert_error(self, message: str, text: str, settings: str = MEMORY) -> None:
        """Assert the message of the only error of a configuration."""
        [error] = self.assertRaises(ConfigurationErrors, configuration, text, settings).errors
        self.assertEqual(message, error.message)

    def test_needs_memory(self) -> None:
        """Without a store, and without a listener that counts, it is an error."""
        self.assert_error("RETIRED keeps the aliases that a STORE knows, and there is none", OLD, "")
        self.assert_error(
            "RETIRED keeps the aliases that received mail, and there is no LISTEN: policy ENDPOINT to count it",
            OLD,
            "STORE: sqlite:x\nALIAS DOMAINS: a.example\n",
        )

    def test_wrong_settings(self) -> None:
        """An error of STORE or LISTEN is the only one."""
        for right, wrong, message in (
            (
                "sqlite:",
                "oracle:",
                "STORE: 'oracle:memory.sqlite' is not a store, such as sqlite:/var/lib/trualias/memory.sqlite",
            ),
            ("127.0.0.1", "127.0.0.1 virtual", "LISTEN: policy takes no table after its endpoint: leave out 'virtual'"),
        ):
            self.assert_error(message, OLD, MEMORY.replace(right, wrong))

    def test_uniqueness(self) -> None:
        """A retired statement may have the expression of another one; alone it must still be unambiguous."""
        same = "MATCHES x.%ident%.%code% WITH CHARS()"
        configuration(f"ACCOUNT foo {same} RETIRED;\nACCOUNT bar {same};\nACCOUNT baz {same} RETIRED;\n")
        self.assert_error("several accounts: the expression must have %account%", f"ACCOUNT foo, bar {same} RETIRED;\n")

    def test_names(self) -> None:
        """The accounts of retired statements are accounts, and mailboxes."""
        made = configuration(OLD.replace("foo", "old"))
        self.assertEqual(({"old"}, "1 statement, 1 account"), (made.policy.accounts, made.policy.size))
        self.assertIn("old", Snapshot(made).mailboxes)


class LookupTests(SynchronousTestCase):
    """Lookups in the tables."""

    def assert_answers(self, snapshot: Snapshot, expected: Mapping[str, Answer], table: Table = Table.VIRTUAL) -> None:
        """Assert the answers of a table."""
        lookup = snapshot.tables[table]
        self.assertEqual(expected, {key: lookup(key) for key in expected})

    def snapshot(self, text: str, known: KnownAliases, states: Mapping[str, AliasRecord] | None = None) -> Snapshot:
        """Return a snapshot with a memory."""
        return Snapshot(configuration(text)).with_states(AliasStates(states, known))

    def test_known(self) -> None:
        """A known alias of a retired statement is found, whatever other statements say; an unknown one is not."""
        known = KnownAliases(["foo-macys-m5@a.example", "foo-all-a3@", "foo-gone-g4@a.example"], is_complete=True)
        states = {"foo-gone-g4@a.example": AliasRecord(AliasState.REVOKED)}
        snapshot = self.snapshot(OLD + NEW, known, states)
        kept = Found("foo@a.example", "foo", is_kept=True)
        self.assert_answers(
            snapshot,
            {
                "foo-macys-m5@a.example": kept,
                "Foo-Macys-M5@a.example": NotFound(NotFoundReason.NO_MATCH),
                "foo-macys-m5@b.example": WRONG_CODE,
                "foo-all-a3@a.example": kept,
                "foo-all-a3@b.example": Found("foo@b.example", "foo", is_kept=True),
                "foo-shop-s4@a.example": WRONG_CODE,
                "foo-shop-sh4@a.example": Found("foo@a.example", "foo"),
                "bar-shop-sh4@a.example": Found("bar@a.example", "bar"),
                "foo-gone-g4@a.example": NotFound(NotFoundReason.REVOKED),
                "foo@a.example": NotFound(NotFoundReason.NO_MATCH),
            },
        )
        self.assert_answers(snapshot, {"foo-macys-m5@a.example": Found("foo", "foo", is_kept=True)}, Table.LOGIN)
        self.assert_answers(
            snapshot,
            {"foo-all-a3": Found("foo", "foo", is_kept=True), "foo-macys-m5": WRONG_CODE},
            Table.LOCAL_PART,
        )
        known.put("foo-shop-s4@a.example", is_known=True)
        self.assert_answers(snapshot, {"foo-shop-s4@a.example": kept})

    def test_wrong_code(self) -> None:
        """Near misses are those of the other statements alone."""
        known = KnownAliases(is_complete=True)
        expected = {"foo-macys-m5@a.example": NO_MATCH, "foo-x-y@a.example": NO_MATCH}
        self.assert_answers(self.snapshot(OLD, known), expected)

    def test_not_read(self) -> None:
        """While the store was not read, what a retired statement accepts gets a temporary error, and nothing else."""
        self.assert_answers(
            self.snapshot(OLD + NEW, KnownAliases(["foo-here-h4@a.example"])),
            {
                "foo-macys-m5@a.example": LOST,
                "foo-here-h4@a.example": Found("foo@a.example", "foo", is_kept=True),
                "foo-macys-x5@a.example": WRONG_CODE,
                "foo-shop-sh4@a.example": Found("foo@a.example", "foo"),
            },
        )

    def test_several_accounts(self) -> None:
        """An alias that retired statements give to several accounts is the debug account's, or deferred."""
        same = "MATCHES x.%ident%.%code% WITH CHARS() RETIRED;\n"
        known = KnownAliases(["x.shop.4@a.example"], is_complete=True)
        text = f"ACCOUNT foo {same}ACCOUNT bar {same}"
        self.assert_answers(self.snapshot(text, known), {"x.shop.4@a.example": LOST})
        answer = self.snapshot(f"DEBUG ACCOUNT: root\n{text}", known).tables[Table.VIRTUAL]("x.shop.4@a.example")
        self.assertEqual("root@a.example", getattr(answer, "value", None))

    def test_budget(self) -> None:
        """The steps for retired statements and for the others have one budget."""
        policy = configuration(OLD + NEW).policy
        assert policy.retired is not None
        _, taken = policy.retired.resolve_counting("foo-macys-x5", "a.example")
        self.assertGreater(taken, 0)
        self.assertEqual("BudgetExceeded", type(policy.resolve("foo-shop-sh4", "a.example", BUDGET)).__name__)

    def test_without_memory(self) -> None:
        """EXPECT never asks the memory, and says so of an address of a retired statement."""
        check_expectations(Snapshot(configuration(OLD + "EXPECT foo-macys-m5@a.example NOTHING;\n")))
        text = OLD + "EXPECT foo-macys-m5@a.example foo;\n"
        [error] = self.assertRaises(ConfigurationErrors, check_expectations, Snapshot(configuration(text))).errors
        self.assertEqual(
            "'foo-macys-m5@a.example' is expected to give foo, but it is not found: no statement in use has aliases "
            "of this shape; a RETIRED statement accepts it, which EXPECT does not count: it never asks the store",
            error.message,
        )


class CommandTests(SynchronousTestCase):
    """The commands."""

    def setUp(self) -> None:
        """Make a configuration with a store that knows an alias."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = str(self.folder / "a.conf")
        Path(self.path).write_text(f"{MEMORY}{OLD}END\n", "utf-8")
        self.store = str(self.folder / "memory.sqlite")

    def make_store(self) -> None:
        """Make the store."""
        create(self.store)
        store = SqliteStore(self.store)
        key = "foo-macys-m5@a.example"
        store.count([Use(key, key, "foo", None, 1_000, 1_000, 1)], 1_000, keeps_senders=False)
        store.change([Change("x@", "x", AliasState.ACTIVE)], "root", 1)
        store.close()

    def run_command(self, *arguments: str, typed: bytes = b"") -> tuple[int, str, str]:
        """Run a command; return its status, output and errors."""
        terminal = Terminal(BytesIO(typed), StringIO(), StringIO())
        status = run([*arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, " ".join(terminal.output.getvalue().split()), terminal.errors.getvalue()

    def test_check(self) -> None:
        """It says how many aliases the store keeps of each retired statement, and where it cannot say."""
        status, output, _ = self.run_command("check", self.path)
        self.assertEqual(0, status)
        self.assertIn(f"note: what is kept of 1 retired statement is not known: there is no {self.store}", output)
        self.make_store()
        _, output, _ = self.run_command("check", self.path)
        self.assertIn("note: line 4 is RETIRED; the store keeps 1 alias of it", output)
        self.assertIn("it counts since 1970-01-01", output)

    def test_explain(self) -> None:
        """It names the retired statement of an alias that the store does not know."""
        self.make_store()
        _, output, _ = self.run_command("explain", "-c", self.path, "foo-macys-m5@a.example")
        self.assertIn("goes to foo@a.example; the store keeps it", output)
        _, output, _ = self.run_command("explain", "-c", self.path, "foo-shop-s4@a.example")
        self.assertIn("the statement in line 4 is RETIRED, and the store does not know the address", output)

    def test_replay(self) -> None:
        """Without the store, a replay would find all lost: it ends with status 2."""
        status, _, errors = self.run_command("replay", self.path, "--against", self.path, typed=b"")
        self.assertEqual(2, status)
        self.assertIn("has RETIRED statements, whose addresses the store keeps", errors)

    def test_compose(self) -> None:
        """An address of a retired statement is not offered."""
        self.make_store()
        status, output, _ = self.run_command("compose", "-c", self.path, "foo", "macys")
        self.assertNotIn("foo-macys-m5", output)
        self.assertNotEqual(0, status)
