"""Tests of ``trualias guesses``."""

from __future__ import annotations

import json
import re

from trualias.store.guesses import Guesses
from trualias.store.sqlite import SqliteStore
from trualias.test.test_alias_command import MemoryCase

NOON = 20_000 * 86_400 + 43_200
NOTE = "without the setting GUESSES, no wrong codes are counted\n"


class GuessesTests(MemoryCase):
    """The command."""

    def setUp(self) -> None:
        """Count some guesses."""
        super().setUp()
        store = SqliteStore(str(self.store))
        store.count_guesses(
            [
                Guesses("foo", "192.0.2.0/24", 20_000, 5, NOON, ("foo-a-b1@example.com", "foo-a-b2@example.com")),
                Guesses("foo", "2001:db8::/56", 20_001, 1, NOON + 86_400, ("foo-a-b3@example.com",)),
                Guesses("bar", "192.0.2.0/24", 20_000, 2, NOON, ("bar-x@example.com",)),
            ]
        )
        store.close()

    def output_of(self, *arguments: str) -> str:
        """Return the output of the command, with single spaces within lines."""
        status, output, errors = self.run_command("guesses", *arguments)
        self.assertEqual((0, NOTE), (status, errors))
        return re.sub(r" +", " ", output)

    def test_list(self) -> None:
        """Accounts with examples, the newest first, and then networks."""
        lines = self.output_of().splitlines()
        self.assertEqual("account guesses days example network tried", lines[0])
        self.assertRegex(lines[1], "^foo 6 2024-10-04 to 2024-10-05 foo-a-b3@example.com 2001:db8::/56 2024-10-0[56]$")
        self.assertRegex(lines[4], "^bar 2 2024-10-04 bar-x@example.com 192.0.2.0/24 ")
        self.assertEqual(
            ["", "network guesses days", "192.0.2.0/24 7 2024-10-04", "2001:db8::/56 1 2024-10-05"], lines[5:]
        )

    def test_account(self) -> None:
        """The guesses at one account, without the networks, which guess at others, too."""
        found = json.loads(self.output_of("--account", "foo", "--json"))
        self.assertEqual((["foo"], []), ([one["account"] for one in found["accounts"]], found["networks"]))
        self.assertEqual(3, len(found["accounts"][0]["examples"]))
        self.assert_refused(
            "guesses are counted by account in all domains: leave the domain out",
            "guesses",
            "--account",
            "foo@example.com",
        )
