"""Tests of trualias.analysis.strength."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import product
from string import ascii_lowercase, ascii_uppercase, digits

from hypothesis import assume, given
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis import strength as module
from trualias.analysis.code_distribution import Codes, NoWords, Words
from trualias.analysis.strength import (
    DRAWN,
    ConstantShare,
    ConstantShares,
    Proportion,
    blind,
    constant,
    replay,
    strength,
)
from trualias.language.rule import folding
from trualias.language.tree import Account, unparse
from trualias.test import trialprofile
from trualias.test.strategies import accounts
from trualias.test.test_code_distribution import codes_of, rule_of, written

trialprofile.load()

FEW = ["a", "x8", "isx", "macys", "Google7", "a.b", "isis.axis", *map(str, range(20, 31))]
SIZES = {"a": ascii_lowercase, "A": ascii_uppercase, "0": digits}


def combinations(codes: Codes) -> list[tuple[str, ...]]:
    """All choices of words."""
    return list(product(*codes.texts))


class ProportionTests(SynchronousTestCase):
    """Shares with their bounds."""

    def test_counted(self) -> None:
        """What was counted has no other bounds than itself."""
        self.assertEqual((0.25, 0.25, 0.25, True), (*as_tuple(Proportion.counted(0.25)), True))
        self.assertTrue(Proportion.counted(0.25).exact)

    def test_drawn(self) -> None:
        """Wilson's interval around 10 of 100; the part that is known is not in doubt."""
        drawn = Proportion.drawn(10, 100)
        self.assertEqual((0.1, 0.0552, 0.1744), tuple(round(bound, 4) for bound in as_tuple(drawn)))
        self.assertFalse(drawn.exact)
        partly = Proportion.drawn(10, 100, 0.5)
        self.assertEqual((0.6, 0.5552, 0.6744), tuple(round(bound, 4) for bound in as_tuple(partly)))

    def test_nothing_drawn(self) -> None:
        """No hit leaves a bound above, and none below but what is known."""
        drawn = Proportion.drawn(0, 100, 0.01)
        self.assertEqual((0.01, 0.01, 0.047), tuple(round(bound, 4) for bound in as_tuple(drawn)))


def as_tuple(proportion: Proportion) -> tuple[float, float, float]:
    """The share and its bounds."""
    return proportion.share, proportion.low, proportion.high


class CountedTests(SynchronousTestCase):
    """The figures of arbitrary statements, against counting one by one."""

    def drawn_codes(self, statement: Account, words: Sequence[str] = FEW) -> Codes:
        """The codes of a drawn statement; few enough to count one by one."""
        codes = codes_of(f"CASE SENSITIVE: no\n{unparse(statement)}", words)
        assume(codes.combinations <= 400)
        assume(sum(group.work for group in codes.groups) <= 3_000)
        return codes

    @given(accounts())
    def test_constant(self, statement: Account) -> None:
        """The best constant is right for as many combinations of words as is said, and no code for more."""
        codes = self.drawn_codes(statement)
        counts = Counter(code for values in combinations(codes) for code in written(codes, values))
        found = constant(codes, 1, 300)
        self.assertEqual(max(counts.values()), counts[found.code])
        self.assertTrue(found.best)
        share = counts[found.code] / codes.combinations
        if codes.reads_one_way:
            self.assertEqual(Proportion.counted(share), found.passes)
        else:
            through = sum(codes.passes(values, found.code) for values in combinations(codes)) / codes.combinations
            self.assertLessEqual(share, found.passes.low)
            # The interval holds most times, not always.
            self.assertTrue(found.passes.low - 0.03 <= through <= found.passes.high + 0.03, (through, found.passes))

    @given(accounts())
    def test_replay(self, statement: Account) -> None:
        """The code of a leaked address is as often right for other words as is said."""
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
        if codes.reads_one_way:
            self.assertAlmostEqual(share, found.share)
            self.assertTrue(found.exact)
        else:
            self.assertAlmostEqual(share, min(share, found.low))

    @given(accounts())
    def test_blind(self, statement: Account) -> None:
        """The form is that of most codes; of all codes of this form as many are right as is said."""
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
        if codes.reads_one_way:
            self.assertAlmostEqual(share, found.share)
            self.assertTrue(found.exact)
        else:
            self.assertAlmostEqual(share, min(share, found.low))


def written_lists(codes: Codes, values: tuple[str, ...]) -> list[str]:
    """The codes that are right for some words, each as often as it can be chosen."""
    return sorted(written(codes, values))


def form_of(code: str) -> str:
    """The form of a code."""
    return "".join(next((kind for kind, texts in SIZES.items() if c in texts), c) for c in code)


def size_of(form: str) -> int:
    """How many codes have a form."""
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
        self.assertEqual(("a2", Proportion.counted(0.5), True), (found.code, found.passes, found.best))
        self.assertEqual(Proportion.counted(2 / 12), replay(codes, 1))
        self.assertEqual(("a0", Proportion.counted(3 / 4 / 260)), blind(codes, 1))

    def test_capitals(self) -> None:
        """Where case matters, capitals are of a form of their own."""
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%code% WITH CHAR(1,-);", ["Ab", "Ac", "b"], case_sensitive=True)
        self.assertEqual(("A", Proportion.counted(2 / 3 / 26)), blind(codes, 1))

    def test_no_identifier(self) -> None:
        """Without an identifier there are no other words: the one code always gets through."""
        codes = codes_of("ACCOUNT foo MATCHES %account%-%code% WITH CHARS(account);")
        self.assertEqual(("3", 1.0), (constant(codes, 1).code, constant(codes, 1).passes.share))
        self.assertEqual(Proportion.counted(1.0), replay(codes, 1))

    def test_same_code_cut_in_two_ways(self) -> None:
        """Lengths 1 and 11 and lengths 11 and 1 are the same code, 111, and both count."""
        words = ["a", "abcdefghijk"]
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%alpha%.%code% WITH CHARS(1), CHARS(2);", words)
        found = constant(codes, 1)
        self.assertEqual(("111", Proportion.counted(0.5)), (found.code, found.passes))
        self.assertEqual(2, codes.accepting("111"))

    def test_too_many_to_count(self) -> None:
        """With more codes than are gone through, the constant's share is still counted; replay is drawn."""
        words = [f"{first}{second}{third}" for first in "abcdefgh" for second in "ijklmnop" for third in "qrs"]
        codes = codes_of("ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH NONE(), NONE(), NONE();", words)
        self.assertGreater(sum(group.work for group in codes.groups), module.ENUMERATED)
        found = constant(codes, 1)
        self.assertEqual((1.0, True, False), (found.passes.share, found.passes.exact, found.best))
        # Of the 23 letters that a word lacks, another word lacks 7/8 of 7, 7/8 of 7, 2/3 of 2, and 7 more.
        again = replay(codes, 1)
        lacking = (7 * 7 / 8 + 7 * 7 / 8 + 2 * 2 / 3 + 7) / 23
        self.assertFalse(again.exact)
        self.assertTrue(again.low < lacking**3 < again.high, (lacking**3, again))

    def test_seed(self) -> None:
        """The same seed draws the same, another one something else."""
        codes = codes_of("ACCOUNT foo MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);", ["isis", "is", "a"])
        self.assertEqual(replay(codes, 1), replay(codes, 1))
        self.assertNotEqual(replay(codes, 1), replay(codes, 2))
        self.assertEqual(20_000, DRAWN)

    def test_strength(self) -> None:
        """All figures of a statement together are those that each function gives."""
        text = "ACCOUNT foo ALIASED joe MATCHES %alias%-%alpha%-%code% WITH CHAR(1,-), CHARS();"
        rule, words = rule_of(text), Words(["ab", "ac", "b"])
        codes = Codes(rule, ("foo", "joe"), words, folding(False))
        found = strength(rule, ("foo", "joe"), words, False, 1)
        self.assertEqual(("foo", "joe", 3), (found.account, found.alias, found.combinations))
        self.assertEqual(blind(codes, 1), (found.form, found.blind))
        self.assertEqual((constant(codes, 1), replay(codes, 1)), (found.constant, found.replay))

    def test_no_words(self) -> None:
        """Where no word fits there are no figures."""
        rule = rule_of("ACCOUNT foo MATCHES %fqdn%-%code% WITH LABELS();")
        self.assertRaises(NoWords, strength, rule, ("foo", ""), Words(["ab"]), False, 1)


class ConstantSharesTests(SynchronousTestCase):
    """The best constants of many statements."""

    def shares(self, *statements: str) -> list[ConstantShare | None]:
        """The best constants of some statements."""
        shares = ConstantShares(Words(["ab", "ac", "b"]), case_sensitive=False)
        return [shares.of(rule_of(statement)) for statement in statements]

    def test_share(self) -> None:
        """Each statement has its own code and share."""
        self.assertEqual(
            [ConstantShare("a2", 2 / 3), ConstantShare("a", 2 / 3), ConstantShare("3x", 1.0)],
            self.shares(
                "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHAR(1,-), CHARS();",
                "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHAR(1,-);",
                "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS(account), x;",
            ),
        )

    def test_names(self) -> None:
        """Statements that differ in nothing but the length of a name have different codes."""
        self.assertEqual(
            [ConstantShare("32", 2 / 3), ConstantShare("52", 2 / 3), ConstantShare("32", 2 / 3)],
            self.shares(
                "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
                "ACCOUNT fooba MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
                "ACCOUNT bar MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
            ),
        )

    def test_no_words(self) -> None:
        """Where no word fits there is no share."""
        self.assertEqual([None], self.shares("ACCOUNT foo MATCHES %account%-%fqdn%-%code% WITH CHARS();"))
