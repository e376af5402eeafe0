"""Tests of ``trualias alias list`` and ``show`` with counted mails."""

from __future__ import annotations

import json
import os
import pty
import re
import time
from argparse import ArgumentTypeError
from io import BytesIO, StringIO

from trualias.commands.alias_ends import day_or_time
from trualias.commands.dates import parse_date
from trualias.commands.terminal import Terminal
from trualias.lookup.locks import Lock
from trualias.main import run
from trualias.store.records import OTHER_SENDERS, Change, Entry, Use
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import MACYS, MemoryCase

CONFIGURATION = """
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: example.com example.org
CASE SENSITIVE: no
ACCOUNT foo, Bar MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""

EBAY, SHOP, SPAM = "bar-ebay-e4@example.org", "foo-shop-s4@example.com", "spam.test"
DAY = 86_400
NOON = 1_800_000_000
"""A time at which it is the same day everywhere but near the date line."""


class CountedCase(MemoryCase):
    """A store with the mails of three aliases."""

    def setUp(self) -> None:
        """Count them."""
        super().setUp()
        self.path.write_text(CONFIGURATION, "utf-8")
        self.count(
            Use(MACYS, "Foo-Macys-m5@example.com", "foo", "macys.com", NOON, NOON + 20 * DAY, 12, 0, ("macys",)),
            Use(SHOP, SHOP, "foo", "shop.example", NOON + DAY, NOON + 2 * DAY, 1, 0, ("shop",)),
            Use(EBAY, EBAY, "Bar", "", NOON + 2 * DAY, NOON + 3 * DAY, 40, 0, ("ebay",)),
        )
        self.count(Use(MACYS, MACYS, "foo", SPAM, NOON + 9 * DAY, NOON + 9 * DAY, 2, 3, ("macys",)))

    def count(self, *uses: Use) -> None:
        """Count mails as a server does."""
        store = SqliteStore(str(self.store))
        store.count(uses, uses[-1].last, keeps_senders=True)
        store.close()

    def run_as_it_is(self, *arguments: str) -> str:
        """Return the output of a command, with its times."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        run([*arguments, "-c", str(self.path), "--state-directory", str(self.folder)], terminal)
        assert isinstance(terminal.output, StringIO)
        return terminal.output.getvalue()


class ListTests(CountedCase):
    """The list."""

    def listed(self, *arguments: str) -> list[str]:
        """Return the middle parts of the listed addresses."""
        status, output, errors = self.run_command("alias", "list", "--json", *arguments)
        self.assertEqual((0, ""), (status, errors))
        return [one["address"].split("-")[1].lower() for one in json.loads(output)]

    def test_selection(self) -> None:
        """The list is of one state, one account or one time, and in the wanted order."""
        self.run_command("alias", "revoke", "bar-late-l4@example.com")
        for arguments, expected in (
            ((), "ebay late macys shop"),
            (("--sort", "name"), "ebay late macys shop"),
            (("--sort", "last"), "macys ebay shop late"),
            (("--sort", "first"), "ebay shop macys late"),
            (("--sort", "count"), "ebay macys shop late"),
            (("--account", "foo"), "macys shop"),
            (("--account", "BAR"), "ebay late"),  # the store has no account of late, but the configuration has
            (("--account", "bar@example.org"), "ebay"),
            (("--account", "bar@EXAMPLE.com"), "late"),
            (("--account", "bar", "--state", "revoked"), "late"),
            (("--since", "2027-01-18"), "ebay macys"),
            (("--since", "2027-01-18", "--account", "foo", "--sort", "last"), "macys"),
            (("--since", "2999-01-01"), ""),
        ):
            self.assertEqual(expected.split(), self.listed(*arguments), arguments)

    def test_accounts(self) -> None:
        """An account without aliases has an empty list; one that nothing knows is an error."""
        self.path.write_text(CONFIGURATION + "ACCOUNT new MATCHES %account%.%code% WITH x;", "utf-8")
        self.assertEqual([], self.listed("--account", "new"))
        self.path.write_text(CONFIGURATION.replace("foo, Bar", "Bar"), "utf-8")
        self.assertEqual(["macys", "shop"], self.listed("--account", "foo"))
        self.assert_refused("there is no account 'baar'; did you mean 'Bar'?", "alias", "list", "--account", "baar")
        self.assert_refused(
            "the domain 'example.net' is not one of ALIAS DOMAINS", "alias", "list", "--account", "foo@example.net"
        )

    def test_columns(self) -> None:
        """A pipe gets all columns."""
        store = SqliteStore(str(self.store))
        store.change([Change(SHOP, SHOP, before(store, SHOP).state, "a note", lock=Lock(("a.b",)))], "root", NOON)
        store.close()
        output = self.run_as_it_is("alias", "list", "--account", "foo")
        first, last = (time.strftime("%Y-%m-%d", time.localtime(NOON + days * DAY)) for days in (0, 20))
        second, third = (time.strftime("%Y-%m-%d", time.localtime(NOON + days * DAY)) for days in (1, 2))
        self.assertEqual(
            "alias                     account  state           first mail  last mail   accepted  refused  senders  "
            "note\n"
            f"Foo-Macys-m5@example.com  foo      active          {first}  {last}  14        3        2\n"
            f"{SHOP}   foo      active, locked  {second}  {third}  1         0        1        a note\n",
            output,
        )

    def test_narrow(self) -> None:
        """A terminal of 40 columns gets the most important columns, and each address on one line."""
        shown = self.on_terminal(40, "alias", "list")
        self.assertEqual(["alias", "state"], shown[0].split())
        self.assertEqual(["Foo-Macys-m5@example.com", "active"], shown[2].split())
        self.assertEqual(4, len(shown))
        shown = self.on_terminal(80, "alias", "list")
        self.assertEqual(["alias", "state", "last", "mail", "accepted", "note"], shown[0].split())
        self.assertEqual([], [line for line in shown if len(line) > 80])

    def on_terminal(self, columns: int, *arguments: str) -> list[str]:
        """Return the lines of the output of a command on a terminal."""
        for name, value in (("TERM", "xterm"), ("NO_COLOR", "1"), ("COLUMNS", str(columns))):
            before = os.environ.get(name)
            if before is None:
                self.addCleanup(os.environ.pop, name)
            else:
                self.addCleanup(os.environ.__setitem__, name, before)
            os.environ[name] = value
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with os.fdopen(slave, "w") as output:
            terminal = Terminal(BytesIO(), output, StringIO())
            run([*arguments, "-c", str(self.path), "--state-directory", str(self.folder)], terminal)
            output.flush()
            text = os.read(master, 10_000).decode()
        return [line.rstrip() for line in re.sub("\x1b\\[[0-9;]*m", "", text).splitlines()]

    def test_dates(self) -> None:
        """A day begins at its begin in local time."""
        self.assertEqual(parse_date("2027-01-31") - DAY, day_or_time("2027-01-31"))
        self.assertEqual(1801414800.0, day_or_time("2027-01-31T18:00:00+01:00"))
        self.assertRaises(ArgumentTypeError, day_or_time, "soon")


class ShowTests(CountedCase):
    """The card."""

    def test_card(self) -> None:
        """The card has account, words, dates, mails, senders and changes; a stranger is named so."""
        self.run_command("alias", "expire", MACYS, "--on", "2999-12-31")
        shown = re.sub(r"\d{4}-\d\d-\d\d", "DAY", self.run_as_it_is("alias", "show", MACYS))
        shown = re.sub(r"DAY \d\d:\d\d:\d\d", "TIME", shown)
        self.assertRegex(
            shown,
            r"^Foo-Macys-m5@example.com is active\n  account: foo\n  made for: macys\n  first mail: TIME\n"
            r"  last mail: TIME\n  14 mails accepted, 3 refused\n  expires at TIME\n  2 senders:\n"
            r"    macys.com: DAY to DAY, 12 accepted\n    spam.test: DAY to DAY, 2 accepted, 3 refused, a stranger\n"
            r"  TIME  active, by .*: expires at TIME\n$",
        )

    def test_special_senders(self) -> None:
        """The null sender is shown as in a mail log, and so is the sum of those that there is no room for."""
        self.count(*[Use(SHOP, SHOP, "foo", f"s{number}.example", NOON, NOON, 1) for number in range(120)])
        shown = self.run_as_it_is("alias", "show", SHOP)
        self.assertIn(f"    {OTHER_SENDERS}: ", shown)
        self.assertIn("  101 senders:\n", shown)
        self.assertIn("    <>: ", self.run_as_it_is("alias", "show", EBAY))

    def test_json(self) -> None:
        """Programs get the senders as an array."""
        shown = json.loads(self.run_as_it_is("alias", "show", MACYS, "--json"))
        spam = {
            "sender": SPAM,
            "first_seen": "2027-01-24T08:00:00Z",
            "last_seen": "2027-01-24T08:00:00Z",
            "accepted": 2,
            "refused": 3,
            "expected": False,
        }
        self.assertEqual(spam, shown["senders"][1])
        self.assertEqual(
            ("used", ["macys"], 14, 3, "2027-01-15T08:00:00Z"),
            tuple(shown[name] for name in ("origin", "words", "accepted", "refused", "first_seen")),
        )
        self.assertEqual([], shown["trail"])


def before(store: SqliteStore, key: str) -> Entry:
    """Return the entry of an alias."""
    entry = store.entry(key)
    assert entry is not None
    return entry


class ChangeTests(CountedCase):
    """``--json`` and ``--account`` of the commands that change aliases."""

    def test_json(self) -> None:
        """Programs get the changed aliases, and remarks on standard error."""
        status, output, errors = self.run_command("alias", "pause", "--answer", "defer", MACYS, SHOP, "--json")
        self.assertEqual((0, "Most senders give up after five days, and return the mail.\n"), (status, errors))
        expected = [("Foo-Macys-m5@example.com", "defer", 14), (SHOP, "defer", 1)]
        self.assertEqual(expected, [(one["address"], one["answer"], one["accepted"]) for one in json.loads(output)])
        _, output, errors = self.run_command("alias", "lock", MACYS, "--to", "a.b", "--json")
        self.assertEqual({"senders": ["a.b"], "first": False}, json.loads(output)[0]["lock"])
        self.assertRegex(errors, "^.* has no LISTEN for a policy service, .*\n$")
        _, output, _ = self.run_command("alias", "forget", SHOP, "--yes", "--json")
        self.assertEqual({"address": SHOP, "accepted": True}, json.loads(output))

    def test_account(self) -> None:
        """With an account nothing of another one is changed or shown, nor in another domain of it."""
        for arguments in (
            ("revoke", SHOP, MACYS),
            ("pause", SHOP),
            ("resume", SHOP),
            ("expire", SHOP, "--on", "2999-12-31"),
            ("lock", SHOP, "--first"),
            ("unlock", SHOP),
            ("note", SHOP, "text"),
            ("show", SHOP),
            ("forget", SHOP, "--yes"),
        ):
            for account in ("bar", "foo@example.org"):
                reason = f"{SHOP} is not an alias of {account}"
                self.assert_refused(reason, "alias", *arguments, "--account", account)
        new = "foo-new-n3@example.com"
        self.assert_refused(f"{new} is not an alias of Bar", "alias", "revoke", new, "--account", "Bar")
        self.assertEqual(0, self.run_command("alias", "revoke", SHOP, "--account", "FOO@example.com")[0])
        self.assertEqual(0, self.run_command("alias", "revoke", new, "--account", "foo")[0])

    def test_preprocess(self) -> None:
        """What is typed goes through the hook, and each command says what became of it."""
        hooks = (
            "ACCOUNTS = ALIASES = frozenset()\n"
            "def preprocess(alias, domain):\n    return alias.replace('.', '-'), domain\n"
            "def postprocess(account, domain):\n    return account, domain\n"
            "def reload():\n    pass\n"
        )
        (self.folder / "hooks_of_the_list.py").write_text(hooks, "utf-8")
        self.path.write_text(f"PROCESSOR: hooks_of_the_list\n{CONFIGURATION}", "utf-8")
        typed, became = "foo.shop.s4@example.com", f"(foo.shop.s4@example.com is looked up as {SHOP})"
        for output, arguments in (
            (f"{SHOP} is revoked {became}\n", ("revoke", typed)),
            (f"{SHOP} is active {became}\n", ("resume", typed)),
            (f"{SHOP} expires at TIME {became}\n", ("expire", typed, "--on", "2999-12-31")),
            (f"the note of {SHOP} is kept {became}\n", ("note", typed, "text")),
            (f"{SHOP} is unlocked {became}\n", ("unlock", typed)),
            (f"{SHOP} is forgotten; it works again {became}\n", ("forget", typed, "--yes", "--account", "foo")),
        ):
            self.assert_done(output, "alias", *arguments)
