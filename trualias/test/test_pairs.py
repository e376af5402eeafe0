"""Tests of the pairs of accounts and aliases that an address has room for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.language.tree import NameKind
from trualias.matching.lookup_record import BUDGET, LookupRecord
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Found, NotFound
from trualias.matching.pairs import NameFound, NamePairs
from trualias.matching.policy import Policy

DOTTED = [".".join("abcdefghijklmnopqrstuvwxyz"[start:end]) for start in range(26) for end in range(start + 2, 27)]
"""The 325 dotted names that are parts of the longest."""


def policy_of(expression: str, names: str = "a, ab, b, ba, aba", using: str = "ident") -> Policy:
    """Return a policy of one statement with the same accounts and aliases."""
    text = f"ACCOUNT {names} USING {using} ALIASED {names} MATCHES {expression} WITH CHARS(account), CHARS(alias);"
    return parse_configuration(text, "test.conf").policy


class PossibleTests(SynchronousTestCase):
    """The pairs that are compared with an address."""

    def assert_pairs(self, expression: str, text: str, wanted: list[tuple[str, str]]) -> None:
        """Assert the pairs for a text that holds the names a, ab, b, ba and aba."""
        (rule,) = policy_of(expression).rules
        matcher = Matcher(rule, str)
        names = [NameFound(matcher, kind, name, name) for kind in NameKind for name in ("a", "ab", "b", "ba", "aba")]
        found = NamePairs(names).possible(LookupRecord(text))
        self.assertEqual(wanted, sorted((one.account, one.alias) for one in found), expression)

    def test_before_the_code(self) -> None:
        """Names before the code are followed from the start."""
        self.assert_pairs("%account%-%alias%.%code%", "ab-ba.22", [("ab", "ba")])
        self.assert_pairs("%alias%-%number%-%account%.%code%", "ab-7-aba.22", [("aba", "ab")])
        self.assert_pairs("%alpha%b%account%b%alias%-%code%", "abababab-22", [("a", "ab"), ("aba", "ab")])

    def test_after_the_code(self) -> None:
        """Names after the code are followed from the end."""
        self.assert_pairs("%code%.%account%-%alias%", "22.ab-ba", [("ab", "ba")])
        self.assert_pairs("%code%.%alias%-%account%-%number%", "22.ab-ba-1", [("ba", "ab")])

    def test_beside_the_code(self) -> None:
        """A name on each side of the code is followed from its end."""
        self.assert_pairs("%account%.%code%.%alias%", "ab.22.aba", [("ab", "aba")])
        self.assert_pairs(
            "%account%b%code%b%alias%", "abab1baba", [("a", "a"), ("a", "aba"), ("aba", "a"), ("aba", "aba")]
        )

    def test_on_both_sides(self) -> None:
        """A name on both sides of the code is the same."""
        self.assert_pairs("%account%.%alias%.%code%.%account%", "ab.ba.22.ab", [("ab", "ba")])
        self.assert_pairs("%account%.%alias%.%code%.%account%", "ab.ba.22.ba", [])

    def test_none(self) -> None:
        """A text without room for any has none."""
        self.assert_pairs("%account%-%alias%.%code%", "ac-ba.22", [])


class StepTests(SynchronousTestCase):
    """The steps of addresses that hold hundreds of names."""

    policy = policy_of("%number%.%account%.%number%.%alias%.%code%", ",".join(DOTTED), "fqdn")

    def test_ordinary(self) -> None:
        """The address of the longest name, which holds all others, is answered within a thousand steps."""
        longest = max(DOTTED, key=len)
        for address, account in {
            f"7.{longest}.1.a.b.513": longest,
            f"7.a.b.1.{longest}.351": "a.b",
            "7.c.d.e.9.m.n.o.p.57": "c.d.e",
        }.items():
            found, steps = self.policy.resolve_counting(address)
            self.assertEqual((address, Found(account, account)), (address, found))
            self.assertLess(steps, 1_000, address)

    def test_crafted(self) -> None:
        """An address with as many names as possible on both sides is answered."""
        outcome, steps = self.policy.resolve_counting("1.a.b.c.d.e.f.g.h.i.j.k.l.m.2.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.1.1")
        self.assertIsInstance(outcome, NotFound)
        self.assertLess(steps, BUDGET)
