"""The search for the constant code that is accepted most often."""

from collections import Counter
from itertools import product

from hypothesis import assume, given
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.constant_code import CommonestCode, ConstantShare, ConstantShares, commonest
from trualias.analysis.word_classes import Words
from trualias.language.tree import Account, unparse
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.strategies import accounts
from trualias.test.test_code_distribution import codes_of, rule_of, written

trialprofile.load()

LENGTHS = ["a", "ab", "abc" * 9, "b" * 30, "x.y", "a.b.c", "x.y" * 10, "7", *map(str, range(20, 28))]
"""Words of which some make an address too long, and some do not."""


class CommonestCodeTests(SynchronousTestCase):
    """The best code of a statement."""

    @given(accounts())
    def test_counting_one_by_one(self, statement: Account) -> None:
        """It is the first in the alphabet of those accepted most often; longer addresses do not count."""
        codes = codes_of(f"CASE SENSITIVE: no\n{unparse(statement)}", LENGTHS)
        assume(codes.combinations <= 300)
        assume(sum(group.work for group in codes.groups) <= 3_000)
        counts: Counter[str] = Counter()
        for values in product(*codes.words):
            for code in written(codes, values):
                counts[code] += len(codes.address(values, code)) <= LONGEST
        best = min(counts, key=lambda code: (-counts[code], code))
        found = commonest(codes)
        assert found is not None
        self.assertEqual((counts[best], True), (found.accepted, found.is_best))
        if counts[best]:
            self.assertEqual(best, found.code)
        self.assertEqual(found if found.accepted > 1 else None, commonest(codes, 1))

    def test_too_long(self) -> None:
        """A word that makes the address too long does not count, and without any other no code is accepted."""
        text = f"ACCOUNT foo MATCHES {'x' * 50}-%alpha%-%code% WITH CHARS();"
        long, longer = "b" * 10, "c" * 11
        self.assertEqual(CommonestCode("10", 1, True), commonest(codes_of(text, [long, longer, longer + "c"])))
        self.assertEqual(CommonestCode("11", 0, True), commonest(codes_of(text, [longer])))
        self.assertIsNone(commonest(codes_of(text, [longer]), 0))

    def test_too_long_in_sum(self) -> None:
        """Of the combinations of two words those count that fit together."""
        words = ["a", "b" * 30, "c" * 28]
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%alpha%.foo%code% WITH x;", words)
        # Only twice 30 characters and the six of -.foox are more than 64.
        self.assertEqual(CommonestCode("x", 8, True), commonest(codes))

    def test_many_splits(self) -> None:
        """A code that can be split in several ways counts by all of them, though another has the best single split."""
        words = ["a"] + ["b" * 11, "c" * 11] + ["d" * 21] + [letter * 2 for letter in "ef"]
        codes = codes_of("ACCOUNT foo MATCHES %alpha%-%alpha%.%code% WITH CHARS(1), CHARS(2);", words)
        # 211 is 2, 11 for four combinations and 21, 1 for one.
        self.assertEqual(CommonestCode("211", 5, True), commonest(codes))
        self.assertEqual((4, 4, 5), tuple(map(codes.count_accepting, ("22", "1111", "211"))))

    def test_choices(self) -> None:
        """Items that choose are searched to the end, though their codes are too many to enumerate."""
        words = [f"{first}{second}{third}" for first in "abcdefgh" for second in "ijklmnop" for third in "qrs"]
        codes = codes_of("ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH NONE(), NONE(), NONE(), ANY();", words)
        self.assertEqual(CommonestCode("qqqr", 64, True), commonest(codes))

    def test_limit(self) -> None:
        """At its limit the search returns the best code so far, and says that another may be better."""
        words = [f"{first}{second}{third}" for first in "abcd" for second in "efgh" for third in "ijk"]
        codes = codes_of("ACCOUNT foo MATCHES %alpha%.%code% WITH CHAR(1,-), CHAR(2,-), CHAR(3,-);", words)
        self.assertEqual(CommonestCode("aei", 1, True), commonest(codes))
        found = commonest(codes, most_prefixes=12)
        assert found is not None
        self.assertEqual((1, False), (found.accepted, found.is_best))


class ConstantSharesTests(SynchronousTestCase):
    """The best constant codes of many statements."""

    def shares(self, *statements: str) -> list[ConstantShare | None]:
        """Return the best constant codes of some statements."""
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
        """Statements that differ only in the length of a name have different codes."""
        self.assertEqual(
            [ConstantShare("32", 2 / 3), ConstantShare("52", 2 / 3), ConstantShare("32", 2 / 3)],
            self.shares(
                "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
                "ACCOUNT fooba MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
                "ACCOUNT bar MATCHES %account%-%alpha%-%code% WITH CHARS(account), CHARS(1);",
            ),
        )

    def test_no_words(self) -> None:
        """Without a word for an identifier there is no share."""
        self.assertEqual([None], self.shares("ACCOUNT foo MATCHES %account%-%fqdn%-%code% WITH CHARS();"))
