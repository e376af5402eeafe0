"""The search for accounts that no address reaches."""

from __future__ import annotations

from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.reachability import find_unreached
from trualias.configuration import parse_configuration
from trualias.language.tree import Account, unparse
from trualias.matching.outcome import Found
from trualias.matching.policy import Policy
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, hit
from trualias.test.strategies import policies

trialprofile.load()


def policy_of(text: str) -> Policy:
    """Return the policy of a configuration's text."""
    return parse_configuration(text, "policy.conf").policy


def unreached(text: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...], bool]]:
    """Return the unreached accounts: name, reasons, accounts with the same addresses, whether an address was tried."""
    found = find_unreached(policy_of(text)).unreached
    return [(one.target.account, one.reasons, one.shared, one.tried > 0) for one in found]


NONE_LEFT = "NONE({}) finds no character that does not occur in '0123456789'"
TOO_LONG = "it would have {} characters, and a local part has at most 64 (RFC 5321)"


class ReachabilityTests(SynchronousTestCase):
    """Accounts that are reached or not."""

    def test_reached(self) -> None:
        """An account is reached if one address of one of its statements reaches it."""
        self.assertEqual(
            [],
            unreached(
                """
                ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHARS(), NONE();
                ACCOUNT fred.morris USING fqdn MATCHES %account%+%fqdn%+%alpha%%number%_%ident%+%code% WITH LABELS(1);
                ACCOUNT 0123456789 USING number MATCHES %account%+%code% WITH NONE(account);
                ACCOUNT 0123456789 USING number ALIASED 0123456789, 12 MATCHES %alias%-%code% WITH NONE(alias);
                """
            ),
        )

    def test_no_code(self) -> None:
        """An account without a possible code has the distinct reasons of its statements."""
        self.assertEqual(
            [("0123456789", (NONE_LEFT.format("account"), TOO_LONG.format(72)), (), False)],
            unreached(
                f"""
                ACCOUNT 0123456789 USING number MATCHES %account%-%code% WITH NONE(account);
                ACCOUNT 0123456789 USING number MATCHES %account%+%code% WITH NONE(account);
                ACCOUNT 0123456789 USING number MATCHES {60 * "x"}%alpha%.%code% WITH {10 * "x"};
                """
            ),
        )

    def test_too_long(self) -> None:
        """An account is unreached if its shortest address is too long."""
        text = "ACCOUNT foo MATCHES {}%alpha%.%code% WITH CHARS(), CHARS();"
        self.assertEqual([("foo", (TOO_LONG.format(65),), (), False)], unreached(text.format(61 * "x")))
        self.assertEqual([], unreached(text.format(60 * "x")))

    def test_shared(self) -> None:
        """An account whose addresses all belong to other accounts is listed with these."""
        self.assertEqual(
            [("bar", (), ("bay", "baz"), True), ("bay", (), ("bar", "baz"), True)],
            unreached(
                """
                ACCOUNT bar MATCHES %alnum%+%code% WITH CHARS();
                ACCOUNT baz MATCHES %ident%+%code% WITH CHARS();
                ACCOUNT bay MATCHES %number%+%code% WITH CHARS();
                """
            ),
        )

    def test_case(self) -> None:
        """If case does not matter, spellings in different case are one account."""
        text = """
            ACCOUNT Foo MATCHES %alnum%+%code% WITH CHARS();
            ACCOUNT foo MATCHES %ident%+%code% WITH CHARS();
        """
        self.assertEqual([], unreached("CASE SENSITIVE: no\n" + text))
        self.assertEqual([("Foo", (), ("foo",), True)], unreached(text))

    def test_many_aliases(self) -> None:
        """An account is not listed if not all of its aliases were tried."""
        aliases = ", ".join(["0123456789"[n:] + "0123456789"[:n] for n in range(6)])
        text = "ACCOUNT 1 USING number ALIASED {} MATCHES %alias%-%code% WITH NONE(alias);"
        self.assertEqual([], unreached(text.format(aliases)))
        self.assertEqual([("1", (NONE_LEFT.format("alias"),), (), False)], unreached(text.format("0123456789")))

    def test_pause(self) -> None:
        """The search calls ``pause`` for each account."""
        paused: list[None] = []
        policy = policy_of("ACCOUNT foo, bar MATCHES %account%-%code% WITH x;")
        find_unreached(policy, pause=lambda: paused.append(None))
        self.assertEqual(2, len(paused))

    OVERLAPPING = "".join(
        f"ACCOUNT n{number} MATCHES {'.'.join(f'%{name}%' for name in names)}.%code% WITH CHARS(1), u, CHARS(2);"
        for number, names in enumerate(product(("alpha", "number", "alnum", "ident"), repeat=4))
    )
    """256 statements whose addresses belong to others, too: to find that for one account takes thousands of steps."""

    def test_limit(self) -> None:
        """The search ends at its limit of steps, and counts the accounts that it did not examine."""
        policy = policy_of(self.OVERLAPPING)
        taken: list[float] = []
        found = find_unreached(policy, 3_000, advance=taken.append)
        self.assertEqual((0, 256, 256), (len(found.unreached), found.unexamined, found.accounts))
        self.assertEqual(3_000, sum(taken))
        found = find_unreached(policy, 30_000)
        self.assertTrue(0 < len(found.unreached) < 100, len(found.unreached))
        self.assertEqual(256, len(found.unreached) + found.unexamined)

    def test_hard_accounts(self) -> None:
        """Accounts that take many steps leave enough for those that take few, wherever these are in the file."""
        easy = "".join(f"ACCOUNT u{number} MATCHES u{number}-%code% WITH x;" for number in range(100))
        bad = f"ACCOUNT bad MATCHES bad-%code% WITH {70 * 'x'};"
        found = find_unreached(policy_of(self.OVERLAPPING + easy + bad), 60_000)
        self.assertEqual(["bad"], [one.target.account for one in found.unreached if one.reasons])
        self.assertLess(found.unexamined, 256)

    def test_advance(self) -> None:
        """A search that ends before its limit advances the bar to the end."""
        taken: list[float] = []
        found = find_unreached(policy_of("ACCOUNT foo MATCHES foo-%code% WITH x;"), 1_000, advance=taken.append)
        self.assertEqual(((), 0, 1_000), (found.unreached, found.unexamined, sum(taken)))
        self.assertGreater(len(taken), 1)

    @given(policies(), st.booleans(), RANDOMS)
    def test_certain(self, statements: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
        """No random address reaches an account for which none can be composed."""
        setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
        policy = policy_of(setting + "\n".join(map(unparse, statements)))
        never = {policy.fold(one.target.account) for one in find_unreached(policy).unreached if one.reasons}
        for statement in statements:
            outcome = policy.resolve(hit(random, statement, case_sensitive))
            if isinstance(outcome, Found):
                self.assertNotIn(policy.fold(outcome.account), never)
