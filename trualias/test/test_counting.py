"""Tests of counting readings: the answers are those of trying them."""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.language.rule import folding
from trualias.language.tree import Account, unparse
from trualias.matching.lookup_record import LookupRecord
from trualias.matching.matcher import FEW, Matcher
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, local_part
from trualias.test.strategies import policies, tangles

trialprofile.load()


class ChoosingTests(SynchronousTestCase):
    """Items that are any one of several characters."""

    def assert_verifies(self, items: str, local_part: str) -> None:
        """Assert that a local part with a code made of *items* verifies, whether readings are tried or counted."""
        text = f"ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH {items};"
        (rule,) = parse_configuration(text, "test.conf").policy.rules
        for few in (24, 0):
            record = LookupRecord(local_part)
            self.assertEqual(1, Matcher(rule, str, few).count(record, "foo", ""), f"{few} attempts")

    def test_equal_items_choose_for_themselves(self) -> None:
        """Two equal items may be different characters."""
        self.assert_verifies("ANY(), ANY()", "foo-macys-ma")
        self.assert_verifies("ANY(), ANY()", "foo-macys-mm")
        self.assert_verifies("NONE(), NONE()", "foo-macys-xb")

    def test_digits_and_letters(self) -> None:
        """A digit and a letter after it are no number of two digits, even where the code could go on after both."""
        self.assert_verifies("CHARS(), ANY(), DIGITS()", "foo-x1234567890y-12x10")


class AgreementTests(SynchronousTestCase):
    """Trying and counting the readings of an address give the same answer."""

    def compare(self, drawn: st.SearchStrategy[tuple[Account, ...]], examples: int) -> Counter[int | str]:
        """Compare trying, counting and the default for each statement and name; count answers and near misses."""
        seen: Counter[int | str] = Counter()

        @settings(max_examples=examples)
        @given(drawn, st.booleans(), RANDOMS)
        def agree(policy: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
            fold = folding(case_sensitive)
            text = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n" + "\n".join(map(unparse, policy))
            rules = parse_configuration(text, "test.conf").policy.rules
            local_parts = {fold(local_part(random, policy, case_sensitive))[:LONGEST] for _ in range(20)}
            for rule, asked in product(rules, sorted(local_parts)):
                for account, alias in product(rule.accounts, rule.aliases or [""]):
                    answers = set()
                    for few in (10**6, FEW, 0):
                        record = LookupRecord(asked)
                        count = Matcher(rule, fold, few).count(record, fold(account), fold(alias))
                        answers.add((count, not count and record.shape_matches))
                    self.assertEqual(1, len(answers), (text, asked, answers))
                    [(count, is_near_miss)] = answers
                    seen[count] += 1
                    seen["near miss"] += is_near_miss

        agree()
        return seen

    def test_policies(self) -> None:
        """They agree for statements over the whole language."""
        seen = self.compare(policies(), 60)
        self.assertGreater(seen[0], 1000)
        self.assertGreater(seen[1], 300)
        self.assertGreater(seen["near miss"], 300)

    def test_tangles(self) -> None:
        """They agree for addresses with many readings."""
        seen = self.compare(tangles(), 50)
        self.assertGreater(seen[0], 300)
        self.assertGreater(seen[1] + seen[2], 300)
        self.assertGreater(seen[2], 50)
        self.assertGreater(seen["near miss"], 300)
