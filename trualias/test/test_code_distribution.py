"""Tests of trualias.analysis.code_distribution."""

from collections.abc import Sequence
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.code_distribution import Codes, NoWords, Words, texts_of
from trualias.configuration import parse_configuration
from trualias.language.rule import Rule, folding
from trualias.language.tree import Account, FieldClass, unparse
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.strategies import accounts

trialprofile.load()

WORDS = ["a", "x8", "isx", "macys", "Google7", "7", "80", "a.b", "x-1.co", "isis.axis", "b_b"]


def rule_of(text: str) -> Rule:
    """The one statement of a configuration."""
    (rule,) = parse_configuration(text, "test.conf").policy.rules
    return rule


def codes_of(text: str, words: Sequence[str] = WORDS, case_sensitive: bool = False) -> Codes:
    """The codes of a statement for its first account and alias."""
    rule = rule_of(text)
    names = rule.accounts[0], next(iter(rule.aliases), "")
    return Codes(rule, names, Words(words), folding(case_sensitive))


def written(codes: Codes, values: Sequence[str]) -> set[str]:
    """All codes that are right for the values of the identifiers."""
    return {"".join(texts) for texts in product(*(texts_of(codes.wanted(item, values)) for item in codes.items))}


class WordsTests(SynchronousTestCase):
    """Which words an identifier can be."""

    def test_classes(self) -> None:
        """An identifier is one of the words of its class."""
        words = Words(WORDS)
        self.assertEqual(("a", "isx", "macys"), words.of(FieldClass.ALPHA, True))
        self.assertEqual(("a.b", "x-1.co", "isis.axis"), words.of(FieldClass.FQDN, True))

    def test_case(self) -> None:
        """Where case does not matter words are in lower case, and each is there once."""
        words = Words(["Google", "google", "GOOGLE"])
        self.assertEqual(("google",), words.of(FieldClass.ALPHA, False))
        self.assertEqual(("Google", "google", "GOOGLE"), words.of(FieldClass.ALPHA, True))

    def test_numbers(self) -> None:
        """With fewer than ten numbers in the list, a number is one from 1 to 9999; with ten it is one of these."""
        self.assertEqual(tuple(map(str, range(1, 10_000))), Words(WORDS).of(FieldClass.NUMBER, True))
        ten = list(map(str, range(100, 110)))
        self.assertEqual(tuple(ten), Words(ten).of(FieldClass.NUMBER, True))

    def test_none(self) -> None:
        """A class without words is an error that names it."""
        error = self.assertRaises(NoWords, Words(["a.b"]).of, FieldClass.IDENT, True)
        self.assertEqual("ident", str(error))


class ReadingTests(SynchronousTestCase):
    """Whether addresses can be read in one way only."""

    def assert_one_way(self, expression: str, expected: bool) -> None:
        """Assert that addresses of an expression do, or do not, have one reading only."""
        self.assertEqual(expected, codes_of(f"ACCOUNT foo MATCHES {expression} WITH CHARS(1);").reads_one_way)

    def test_separators(self) -> None:
        """A separator that the words cannot hold leaves one reading, and so does one that they could but do not."""
        self.assert_one_way("%account%-%alnum%-%code%", True)
        self.assert_one_way("%code%.%alnum%-%account%", True)
        self.assert_one_way("%alpha%%number%-%code%", True)
        self.assert_one_way("%account%-%fqdn%+%code%", True)

    def test_separators_in_words(self) -> None:
        """A separator that words do hold leaves several."""
        self.assert_one_way("%alpha%is%alpha%.%code%", False)
        self.assert_one_way("%account%-%fqdn%-%code%", False)
        self.assert_one_way("%account%-%ident%_%code%", False)
        self.assert_one_way("%code%-%number%8%number%", False)


class CodesTests(SynchronousTestCase):
    """What is known of the codes of a statement, against the codes themselves."""

    def test_address(self) -> None:
        """An address is written as the expression says, with the names that are asked for."""
        codes = codes_of("ACCOUNT Foo ALIASED Joe MATCHES %account%.%alias%-%alpha%-%code% WITH CHARS();")
        self.assertEqual("foo.joe-macys-5", codes.address(["macys"], "5"))
        self.assertTrue(codes.passes(["macys"], "5"))
        self.assertFalse(codes.passes(["macys"], "6"))

    def test_too_long(self) -> None:
        """An address that is longer than a local part may be does not pass."""
        codes = codes_of("ACCOUNT f MATCHES %account%-%alpha%-%code% WITH CHARS();")
        longest = LONGEST - len("f--59")
        self.assertTrue(codes.passes(["a" * longest], str(longest)))
        self.assertFalse(codes.passes(["a" * (longest + 1)], str(longest + 1)))

    @given(accounts(), st.booleans(), st.integers(0, 1000))
    def test_every_statement(self, statement: Account, case_sensitive: bool, seed: int) -> None:
        """Every code that is written for some words passes with them, and is counted for them."""
        codes = codes_of(f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n{unparse(statement)}", WORDS)
        values = codes.draw(Random(seed))
        code = codes.draw_code(values, Random(seed))
        self.assertIn(code, written(codes, values))
        self.assertTrue(codes.is_right(values, code))
        if len(codes.address(values, code)) <= LONGEST:
            self.assertTrue(codes.passes(values, code))
        if codes.combinations <= 200:
            every = [choice for choice in product(*codes.texts) if codes.is_right(choice, code)]
            self.assertEqual(len(every), codes.accepting(code))
        if codes.reads_one_way:
            other = codes.draw(Random(seed + 1))
            if len(codes.address(other, code)) <= LONGEST:
                self.assertEqual(codes.is_right(other, code), codes.passes(other, code))
