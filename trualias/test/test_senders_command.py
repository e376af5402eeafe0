"""Tests of ``trualias senders`` and ``trualias leaks``."""

from __future__ import annotations

import json
import re

from trualias.store.records import Use
from trualias.test.test_alias_command import MACYS, MemoryCase
from trualias.test.test_alias_list import DAY, EBAY, NOON, SHOP, CountedCase


class SendersCase(CountedCase):
    """More senders of the aliases."""

    def setUp(self) -> None:
        """Count their mails."""
        super().setUp()
        self.count(
            Use(SHOP, SHOP, "foo", "mail.macys.com", NOON + 30 * DAY, NOON + 40 * DAY, 1, 2, ("shop",)),
            Use(EBAY, EBAY, "Bar", "offers@macys.com", NOON + 2 * DAY, NOON + 4 * DAY, 5, 0, ("ebay",)),
        )

    def output_of(self, *arguments: str) -> str:
        """Return the output of a command, with DAY for each day, and single spaces within lines."""
        status, output, errors = self.run_command(*arguments)
        self.assertEqual((0, ""), (status, errors))
        return re.sub(r" +", " ", re.sub(r"\d{4}-\d\d-\d\d", "DAY", output))


class SendersTests(SendersCase):
    """The command ``senders``."""

    def test_domains(self) -> None:
        """Without a domain it lists the domains, the one that wrote last first."""
        head = "sender aliases first mail last mail accepted refused\n"
        self.assertEqual(
            f"{head}mail.macys.com 1 DAY DAY 1 2\nmacys.com 2 DAY DAY 17 0\nspam.test 1 DAY DAY 2 3\n"
            "<> 1 DAY DAY 40 0\nshop.example 1 DAY DAY 1 0\n",
            self.output_of("senders"),
        )
        self.assertEqual(
            f"{head}macys.com 1 DAY DAY 5 0\n<> 1 DAY DAY 40 0\n", self.output_of("senders", "--account", "bar")
        )
        self.assertEqual("", self.output_of("senders", "--account", "foo@example.org"))

    def test_domain(self) -> None:
        """With a domain it lists the aliases that it wrote to, and names strangers."""
        self.assertEqual(
            "sender alias account first mail last mail accepted refused\n"
            f"mail.macys.com {SHOP} foo DAY DAY 1 2 stranger\n"
            "macys.com Foo-Macys-m5@example.com foo DAY DAY 12 0\n"
            f"offers@macys.com {EBAY} Bar DAY DAY 5 0\n",
            self.output_of("senders", "Macys.com"),
        )
        self.assertEqual("", self.output_of("senders", "cys.com"))
        found = json.loads(self.run_command("senders", "MAIL.macys.com.", "--json")[1])
        self.assertEqual([(SHOP, "mail.macys.com", False)], [(o["address"], o["sender"], o["expected"]) for o in found])

    def test_forget(self) -> None:
        """An address or a domain is forgotten, once that is confirmed; the states stay as they are."""
        self.run_command("alias", "lock", MACYS, "--to", "macys.com")
        confirm = "what is forgotten is lost: confirm it with --yes"
        self.assert_refused(confirm, "senders", "forget", "macys.com")
        # The store has addresses with their numbers as signs.
        self.assert_done(
            "news#@macys.com: 0 senders of aliases forgotten\n", "senders", "forget", "news1@macys.com", "--yes"
        )
        self.count(Use(EBAY, EBAY, "Bar", "news#@macys.com", NOON, NOON, 1, 0, ("ebay",)))
        self.assert_done(
            "news#@macys.com: 1 sender of aliases forgotten\n", "senders", "forget", "News12@macys.com", "--yes"
        )
        self.assert_done("macys.com: 3 senders of aliases forgotten\n", "senders", "forget", "macys.com", "--yes")
        self.assertEqual("", self.output_of("senders", "macys.com"))
        shown = json.loads(self.run_command("alias", "show", MACYS, "--json")[1])
        self.assertEqual((14, ["macys.com"]), (shown["accepted"], shown["lock"]["senders"]))
        _, output, _ = self.run_command("senders", "forget", "(malformed)", "--yes", "--json")
        self.assertEqual({"sender": "(malformed)", "forgotten": 0}, json.loads(output))

    def test_forget_of_account(self) -> None:
        """With an account, senders of other accounts' aliases stay."""
        forgotten = "macys.com: 1 sender of aliases forgotten\n"
        self.assert_done(forgotten, "senders", "forget", "macys.com", "--yes", "--account", "bar")
        self.assertIn("macys.com 1 ", self.output_of("senders"))

    def test_none_kept(self) -> None:
        """Where no senders are kept any more, the commands say so."""
        self.path.write_text(f"SENDERS: none\n{self.path.read_text('utf-8')}", "utf-8")
        for command in ("senders", "leaks"):
            status, output, errors = self.run_command(command, "--json")
            self.assertEqual((0, "SENDERS is none: no senders are kept, but for those from before\n"), (status, errors))
            self.assertNotEqual([], json.loads(output))

    def test_refused(self) -> None:
        """What makes no sense is refused, and nothing is forgotten."""
        for reason, arguments in (
            ("one domain at a time", ["a.b", "c.d"]),
            ("--yes is for forget", ["macys.com", "--yes"]),
            ("forget takes one domain or address", ["forget", "--yes"]),
            ("forget takes one domain or address", ["forget", "a.b", "c.d", "--yes"]),
            (
                "'*' is neither a domain nor an address, such as macys.com or news@macys.com",
                ["forget", "*", "--yes"],
            ),
        ):
            self.assert_refused(reason, "senders", *arguments)
        self.assertIn("macys.com 2 ", self.output_of("senders"))


class NothingCountedTests(MemoryCase):
    """The commands with a store in which no mail was counted."""

    def test_no_policy_service(self) -> None:
        """If no server can count, an empty list says so; with a policy service it is only empty."""
        reason = (
            f"{self.path} has no LISTEN for a policy service, such as policy unix:/run/trualias/policy, which counts "
            "the mails: no senders are known\n"
        )
        for command in ("senders", "leaks"):
            self.assertEqual((0, "", reason), self.run_command(command))
            self.assertEqual((0, "[]\n", reason), self.run_command(command, "--json"))
        text = self.path.read_text("utf-8")
        self.path.write_text(f"LISTEN: policy unix:/run/trualias/policy\n{text}", "utf-8")
        for command in ("senders", "leaks"):
            self.assertEqual((0, "", ""), self.run_command(command))


class LeaksTests(SendersCase):
    """The command ``leaks``."""

    def test_strangers(self) -> None:
        """It lists the strangers, the newest first, and says what remains uncertain."""
        uncertain = (
            "These aliases were written to by others than those that they seem to be made for. It is not certain that "
            "an address leaked: many companies send by service providers, one company has several domains, and anyone "
            "can forge the sender of a mail."
        )
        head = "sender alias account made for first mail last mail accepted refused\n"
        spam = "spam.test Foo-Macys-m5@example.com foo macys DAY DAY 2 3\n"
        self.assertEqual(
            f"{head}mail.macys.com {SHOP} foo shop DAY DAY 1 2\n{spam}\n{uncertain}\n", self.output_of("leaks")
        )
        self.assertEqual("", self.output_of("leaks", "--account", "Bar"))

    def test_unknown_account(self) -> None:
        """An account that neither the configuration nor the store knows is refused, as by ``alias list``."""
        reason = "there is no account 'fooo'; did you mean 'foo'?"
        for command in (["leaks"], ["senders"], ["senders", "forget", "macys.com", "--yes"], ["guesses"]):
            self.assert_refused(reason, *command, "--account", "fooo")
        for command in (["alias", "list"], ["alias", "export"]):
            self.assert_refused(reason, *command, "--account", "fooo")

    def test_json(self) -> None:
        """Programs get the strangers with the words of their aliases."""
        found = json.loads(self.run_command("leaks", "--json", "--account", "foo")[1])
        self.assertEqual(["mail.macys.com", "spam.test"], [one["sender"] for one in found])
        self.assertEqual(
            {
                "address": "Foo-Macys-m5@example.com",
                "account": "foo",
                "words": ["macys"],
                "sender": "spam.test",
                "first_seen": "TIME",
                "last_seen": "TIME",
                "accepted": 2,
                "refused": 3,
                "expected": False,
            },
            found[1],
        )
