"""Tests of the estimated number of leaked addresses from which a rule can be inferred."""

from collections.abc import Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.leaks import MOST_LEAKS
from trualias.analysis.rule_inference import Leaks, Samples, samples_needed
from trualias.analysis.rule_search import RuleSearch
from trualias.test.test_code_distribution import codes_of

NUMBERS = [f"{word}{number}" for number, word in enumerate(["a", "bb", "ccc", "dddd"] * 60)]


def always(count: int | None) -> Leaks:
    """Return the same number for every run."""
    return Leaks(count, count, count)


class SamplesTests(SynchronousTestCase):
    """Numbers of leaked addresses that can be worked out by hand."""

    def samples_of(self, items: str, words: Sequence[str], expression: str = "%account%-%alnum%-%code%") -> Samples:
        """Return the result for a statement with the given items."""
        found = samples_needed(codes_of(f"ACCOUNT foo MATCHES {expression} WITH {items};", words), 1)
        assert found is not None
        return found

    def test_constant(self) -> None:
        """A constant code that no word explains is known after one address."""
        self.assertEqual(Samples(always(1), always(1)), self.samples_of("x9", ["ab", "cd", "ef"]))

    def test_no_identifier(self) -> None:
        """Without an identifier the code is known after one address."""
        found = self.samples_of("CHARS(account)", [], "%account%-%code%")
        self.assertEqual(Samples(always(1), always(1)), found)

    def test_length(self) -> None:
        """Two words of different lengths reveal a length; after one of them it might be a constant."""
        self.assertEqual(Samples(always(2), always(2)), self.samples_of("CHARS()", ["a", "bb"]))

    def test_lengths_with_a_gap(self) -> None:
        """A rule that ends where no code does explains nothing: CHARS(), ANY() has 3 of the 4 characters of 1111."""
        self.assertEqual(Samples(always(2), always(2)), self.samples_of("CHARS(), CHARS()", ["1", "1bcdefghijk"]))

    def test_equal_rules(self) -> None:
        """Rules with the same effect on all words are one rule: here letters, characters and the literal 2."""
        self.assertEqual(Samples(always(1), always(1)), self.samples_of("CHARS()", ["ab", "cd"]))

    def test_looser_rules(self) -> None:
        """A rule that accepts more than the true one, such as any character of the word, leaves no doubt.

        After one address the code might still be a constant.
        """
        self.assertEqual(Samples(always(2), always(2)), self.samples_of("CHAR(1,-)", ["ab", "cd", "ef"]))

    def test_rare_words(self) -> None:
        """A rule that differs from others for few words is nearly known soon, and known for certain late."""
        words = [
            f"{first}{second}{'x' * (number % 5)}"
            for number, first in enumerate("abcdefghijklmnop")
            for second in "uvw"
        ]
        letters = self.samples_of("ALPHAS()", [*words, "zz1", "zzz22"])
        self.assertIsNotNone(letters.nearly.middle)
        assert letters.nearly.middle is not None
        self.assertLess(letters.nearly.middle, letters.only.middle or MOST_LEAKS + 1)

    def test_never(self) -> None:
        """A rule that differs for one rare word stays in doubt: here the default for words of one letter."""
        words = [*(f"{first}{second}" for first in "abcdefghijklmnopqrst" for second in "abcdefghijklmnopqrst"), "z"]
        found = self.samples_of("CHAR(2,x)", words)
        self.assertIsNone(found.only.middle)
        self.assertIsNotNone(found.nearly.high)

    def test_defaults(self) -> None:
        """A short word reveals the default, and a long one the index.

        All four words are needed if cd is the third: neither x, x nor d is in the account, foo.
        """
        found = self.samples_of("CHAR(2,x)", ["a", "b", "cd", "ef"])
        self.assertEqual((2, 4), (found.only.low, found.only.high))

    def test_several_identifiers(self) -> None:
        """With several identifiers, combinations of words leak."""
        found = self.samples_of("CHARS(1), CHARS(2)", ["a", "bb", "ccc", "dddd"], "%alpha%-%alpha%.%code%")
        self.assertEqual(found.nearly, found.only)
        assert found.only.high is not None
        self.assertLess(found.only.high, 20)

    def test_sites(self) -> None:
        """The search covers labels."""
        sites = ["a.com", "b.co.uk", "cc.d.net", "dd.org", "e.f.g.h", "hh.ii"]
        self.assertIsNotNone(self.samples_of("LABELS(), CHAR(-1,1,-)", sites, "%account%-%fqdn%+%code%").only.high)

    def test_names(self) -> None:
        """A choice among the characters of a name is searched as such, any other item of a name as a literal."""
        found = self.samples_of("CHARS(account), NONE(account), CHARS(1)", ["a", "bb", "ccc", "dddd"])
        self.assertIsNotNone(found.only.middle)
        text = "ACCOUNT foo ALIASED joe MATCHES %alias%-%alpha%-%code% WITH ANY(alias), CHARS(1);"
        chosen = samples_needed(codes_of(text, ["a", "bb", "ccc", "dddd"]), 1)
        assert chosen is not None
        self.assertIsNotNone(chosen.only.middle)

    def test_far_index(self) -> None:
        """The search reaches as far into a word as the true rule does."""
        words = [f"abcdefghijklmnop{letter}x" for letter in "qrstuvw"]
        self.assertEqual(Samples(always(2), always(2)), self.samples_of("CHAR(17,-)", words))

    def test_many_items(self) -> None:
        """A code of four items is not searched; adjacent constants count as one item."""
        words = ["a", "bb"]
        text = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH {};"
        self.assertIsNone(samples_needed(codes_of(text.format("x, CHARS(), y, DIGITS()"), words), 1))
        self.assertIsNotNone(
            samples_needed(codes_of(text.format("x, y, CHARS(account), CHARS(), CHAR(1,-)"), words), 1)
        )

    def test_many_rules(self) -> None:
        """The numbers are those of a search for each leaked address; all runs share the few nodes that are visited."""
        text = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH {};"
        nodes = 0
        visit = RuleSearch._visit

        def counting(search: RuleSearch, *others: Any) -> None:
            nonlocal nodes
            nodes += 1
            visit(search, *others)

        self.patch(RuleSearch, "_visit", counting)
        expected = {
            "CHARS(), CHAR(1,-)": Samples(Leaks(13, 6, 31), Leaks(51, 12, None)),
            "CHAR(2,-), DIGITS()": Samples(Leaks(7, 4, 14), Leaks(7, 4, 14)),
        }
        found = {items: samples_needed(codes_of(text.format(items), NUMBERS), 1) for items in expected}
        self.assertEqual(expected, found)
        self.assertLess(nodes, 300)

    def test_seed(self) -> None:
        """The same seed leaks the same addresses, another seed others."""
        text = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH VOWELS(), DIGITS();"
        codes = codes_of(text, NUMBERS)
        self.assertEqual(samples_needed(codes, 1), samples_needed(codes, 1))
        self.assertNotEqual([samples_needed(codes, 1)] * 3, [samples_needed(codes, seed) for seed in (2, 3, 4)])
