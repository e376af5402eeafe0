"""Figures about the strength of addresses."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import product
from string import ascii_lowercase, ascii_uppercase, digits

from hypothesis import assume, given
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis import strength as module
from trualias.analysis.code_distribution import Codes
from trualias.analysis.strength import (
    DRAWN,
    Proportion,
    blind,
    constant,
    replay,
    strength,
)
from trualias.analysis.word_classes import NoWords, Words
from trualias.language.rule import folding
from trualias.language.tree import Account, unparse
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.strategies import accounts
from trualias.test.test_code_distribution import codes_of, target_of, written

trialprofile.load()

FEW = ["a", "x8", "isx", "macys", "Google7", "a.b", "isis.axis", *map(str, range(20, 31))]
SIZES = {"a": ascii_lowercase, "A": ascii_uppercase, "0": digits}


def combinations(codes: Codes) -> list[tuple[str, ...]]:
    """Return all combinations of words."""
    return list(product(*codes.words))


class ProportionTests(SynchronousTestCase):
    """Shares with their bounds."""

    def test_counted(self) -> None:
        """A counted share is equal to its bounds."""
        self.assertEqual((0.25, 0.25, 0.25, True), (*as_tuple(Proportion.counted(0.25)), True))
        self.assertTrue(Proportion.counted(0.25).is_exact)

    def test_estimated(self) -> None:
        """The bounds are Wilson's interval, here around 10 of 100, shifted by the known part."""
        drawn = Proportion.estimated(10, 100)
        self.assertEqual((0.1, 0.0552, 0.1744), tuple(round(bound, 4) for bound in as_tuple(drawn)))
        self.assertFalse(drawn.is_exact)
        partly = Proportion.estimated(10, 100, 0.5)
        self.assertEqual((0.6, 0.5552, 0.6744), tuple(round(bound, 4) for bound in as_tuple(partly)))

    def test_no_hit(self) -> None:
        """Without a hit the lower bound is the known part."""
        drawn = Proportion.estimated(0, 100, 0.01)
        self.assertEqual((0.01, 0.01, 0.047), tuple(round(bound, 4) for bound in as_tuple(drawn)))


def as_tuple(proportion: Proportion) -> tuple[float, float, float]:
    """Return the share and its bounds."""
    return proportion.share, proportion.low, proportion.high


class CountedTests(SynchronousTestCase):
    """Figures of random statements agree with counting one by one."""

    def drawn_codes(self, statement: Account, words: Sequence[str] = FEW) -> Codes:
        """Return the codes of a drawn statement, few enough to count one by one."""
        codes = codes_of(f"CASE SENSITIVE: no\n{unparse(statement)}", words)
        assume(codes.combinations <= 400)
        # No code makes an address of more than LONGEST characters right.
        assume(len(codes.address([max(texts, key=len) for texts in codes.words], "")) <= LONGEST - 10)
        assume(sum(group.work for group in codes.groups) <= 3_000)
        return codes

    @given(accounts())
    def test_constant(self, statement: Account) -> None:
        """The best constant code is right for its share of the combinations of words, and no code for more."""
        codes = self.drawn_codes(statement)
        counts = Counter(code for values in combinations(codes) for code in written(codes, values))
        found = constant(codes, 1, 300)
        self.assertEqual(max(counts.values()), counts[found.code])
        self.assertTrue(found.is_best)
        share = counts[found.code] / codes.combinations
        if codes.has_one_reading:
            self.assertEqual(Proportion.counted(share), found.accepted)
        else:
            through = sum(codes.accepts(values, found.code) for values in combinations(codes)) / codes.combinations
            self.assertLessEqual(share, found.accepted.low)
            # A confidence interval does not always contain the true share.
            self.assertTrue(
                found.accepted.low - 0.03 <= through <= found.accepted.high + 0.03, (through, found.accepted)
            )

    @given(accounts())
    def test_replay(self, statement: Account) -> None:
        """The code of a leaked address is right for its share of other words."""
        codes = self.drawn_codes(statement, FEW[:8])
        assume(1 < codes.combinations <= 60)
        every = combinations(codes)
        total = 0.0
        for leaked in every:
            texts = written_lists(codes, leaked)
            for other in every:
                if other != leaked:
                    total += sum(codes.is_right(other, code) for code in texts) / len(texts)
        share = total / len(every) / (len(every) - 1)
        found = replay(codes, 1, 300)
        if codes.has_one_reading:
            self.assertAlmostEqual(share, found.share)
            self.assertTrue(found.is_exact)
        else:
            self.assertAlmostEqual(share, min(share, found.low))

    @given(accounts())
    def test_blind(self, statement: Account) -> None:
        """The form is the most frequent one, and its share is that of the right codes among all of this form."""
        codes = self.drawn_codes(statement)
        form, found = blind(codes, 1, 300)
        right: Counter[str] = Counter()
        weights: defaultdict[str, float] = defaultdict(float)
        for values in combinations(codes):
            texts = written_lists(codes, values)
            for code in texts:
                right[form_of(code)] += 1
                weights[form_of(code)] += 1 / len(texts)
        self.assertAlmostEqual(max(weights.values()), weights[form])
        share = right[form] / size_of(form) / codes.combinations
        if codes.has_one_reading:
            self.assertAlmostEqual(share, found.share)
            self.assertTrue(found.is_exact)
        else:
            self.assertAlmostEqual(share, min(share, found.low))


def written_lists(codes: Codes, values: tuple[str, ...]) -> list[str]:
    """Return the sorted codes that are right for some words."""
    return sorted(written(codes, values))


def form_of(code: str) -> str:
    """Return the form of a code."""
    return "".join(next((kind for kind, texts in SIZES.items() if c in texts), c) for c in code)


def size_of(form: str) -> int:
    """Return how many codes have a form."""
    size = 1
    for kind in form:
        size *= len(SIZES.get(kind, kind))
    return size


class ExampleTests(SynchronousTestCase):
    """Figures that can be worked out by hand."""

    def test_letter_and_length(self) -> None:
        """First letter and length of ab, ac, b, bcdefghijk: a2 is right for half, replayed for one pair of six."""
        codes = codes_of(
            "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHAR(1,-), CHARS();", ["ab", "ac", "b", "bcdefghijk"]
        )
        found = constant(codes, 1)
        self.assertEqual(("a2", Proportion.counted(0.5), True), (found.code, found.accepted, found.is_best))
        self.assertEqual(Proportion.counted(2 / 12), replay(codes, 1))
        self.assertEqual(("a0", Proportion.counted(3 / 4 / 260)), blind(codes, 1))

    def test_capitals(self) -> None:
        """If case matters, capitals have a form of their own."""
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%code% WITH CHAR(1,-);", ["Ab", "Ac", "b"], case_sensitive=True)
        self.assertEqual(("A", Proportion.counted(2 / 3 / 26)), blind(codes, 1))

    def test_no_identifier(self) -> None:
        """Without an identifier there are no other words: the only code is always accepted."""
        codes = codes_of("ACCOUNT foo MATCHES %account%-%code% WITH CHARS(account);")
        self.assertEqual(("3", 1.0), (constant(codes, 1).code, constant(codes, 1).accepted.share))
        self.assertEqual(Proportion.counted(1.0), replay(codes, 1))

    def test_same_code_split_in_two_ways(self) -> None:
        """Lengths 1 and 11 and lengths 11 and 1 have the same code, 111, and both count."""
        words = ["a", "abcdefghijk"]
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%alpha%.%code% WITH CHARS(1), CHARS(2);", words)
        found = constant(codes, 1)
        self.assertEqual(("111", Proportion.counted(0.5)), (found.code, found.accepted))
        self.assertEqual(2, codes.count_accepting("111"))

    def test_too_many_to_count(self) -> None:
        """With too many codes to enumerate, the best constant code is still found, and replay is estimated."""
        words = [f"{first}{second}{third}" for first in "abcdefgh" for second in "ijklmnop" for third in "qrs"]
        codes = codes_of("ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH NONE(), NONE(), NONE();", words)
        self.assertGreater(sum(group.work for group in codes.groups), module.ENUMERATED)
        found = constant(codes, 1)
        self.assertEqual((1.0, True, True), (found.accepted.share, found.accepted.is_exact, found.is_best))
        # Of the 23 letters that a word lacks, another word lacks 7/8 of 7, 7/8 of 7, 2/3 of 2, and 7 more.
        again = replay(codes, 1)
        lacking = (7 * 7 / 8 + 7 * 7 / 8 + 2 * 2 / 3 + 7) / 23
        self.assertFalse(again.is_exact)
        self.assertTrue(again.low < lacking**3 < again.high, (lacking**3, again))

    def test_seed(self) -> None:
        """The same seed draws the same sample, another seed another one."""
        codes = codes_of("ACCOUNT foo MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);", ["isis", "is", "a"])
        self.assertEqual(replay(codes, 1), replay(codes, 1))
        self.assertNotEqual(replay(codes, 1), replay(codes, 2))
        self.assertEqual(20_000, DRAWN)

    def test_strength(self) -> None:
        """The figures of a target are those of the separate functions."""
        text = "ACCOUNT foo ALIASED joe MATCHES %alias%-%alpha%-%code% WITH CHAR(1,-), CHARS();"
        target, words = target_of(text), Words(["ab", "ac", "b"])
        codes = Codes(target, words, folding(False))
        found = strength(target, words, False, 1)
        self.assertEqual(3, found.combinations)
        self.assertEqual(blind(codes, 1), (found.form, found.blind))
        self.assertEqual((constant(codes, 1), replay(codes, 1)), (found.constant, found.replay))

    def test_no_words(self) -> None:
        """Without a word for an identifier there are no figures."""
        target = target_of("ACCOUNT foo MATCHES %fqdn%-%code% WITH LABELS();")
        self.assertRaises(NoWords, strength, target, Words(["ab"]), False, 1)


class AdvanceTests(SynchronousTestCase):
    """The progress of a measurement."""

    def test_parts(self) -> None:
        """The parts of the work are reported, and together are 1; those of a search for rules are small."""
        for items, largest in (("CHAR(1,-), CHARS()", 0.3), ("CHAR(1,-), CHARS(), CHAR(2,x), VOWELS()", 0.7)):
            target = target_of(f"ACCOUNT foo MATCHES %account%.%alpha%.%code% WITH {items};")
            parts: list[float] = []
            module.strength(target, Words(FEW), False, 1, parts.append)
            self.assertLess(max(parts), largest + 1e-9)
            self.assertAlmostEqual(1.0, sum(parts))
