"""The codes of a statement over a list of words."""

from collections.abc import Sequence
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.composition import Target, targets_of
from trualias.analysis.word_classes import NoWords, Words
from trualias.configuration import parse_configuration
from trualias.language.rule import Rule, folding
from trualias.language.tree import Account, FieldClass, unparse
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.strategies import accounts

trialprofile.load()

WORDS = ["a", "x8", "isx", "macys", "Google7", "7", "80", "a.b", "x-1.co", "isis.axis", "b_b"]


def rule_of(text: str) -> Rule:
    """Return the only statement of a configuration."""
    (rule,) = parse_configuration(text, "test.conf").policy.rules
    return rule


def target_of(text: str, case_sensitive: bool = False) -> Target:
    """Return the first target of a configuration's only statement."""
    return next(targets_of(rule_of(text), folding(case_sensitive)))


def codes_of(text: str, words: Sequence[str] = WORDS, case_sensitive: bool = False) -> Codes:
    """Return the codes of a configuration's only statement, for its first account and alias."""
    return Codes(target_of(text, case_sensitive), Words(words), folding(case_sensitive))


def written(codes: Codes, values: Sequence[str]) -> set[str]:
    """Return all codes that are right for the values of the identifiers."""
    return {"".join(texts) for texts in product(*(texts_of(codes.contribution(item, values)) for item in codes.items))}


class WordsTests(SynchronousTestCase):
    """The words of a class."""

    def test_classes(self) -> None:
        """The words of a class are those that it accepts."""
        words = Words(WORDS)
        self.assertEqual(("a", "isx", "macys"), words.of(FieldClass.ALPHA, True))
        self.assertEqual(("a.b", "x-1.co", "isis.axis"), words.of(FieldClass.FQDN, True))

    def test_case(self) -> None:
        """If case does not matter, words are in lower case and distinct."""
        words = Words(["Google", "google", "GOOGLE"])
        self.assertEqual(("google",), words.of(FieldClass.ALPHA, False))
        self.assertEqual(("Google", "google", "GOOGLE"), words.of(FieldClass.ALPHA, True))

    def test_numbers(self) -> None:
        """The numbers from 1 to 9999 take the place of fewer than ten numbers in the list."""
        self.assertEqual(tuple(map(str, range(1, 10_000))), Words(WORDS).of(FieldClass.NUMBER, True))
        ten = list(map(str, range(100, 110)))
        self.assertEqual(tuple(ten), Words(ten).of(FieldClass.NUMBER, True))

    def test_none(self) -> None:
        """A class without words raises an error that names it."""
        error = self.assertRaises(NoWords, Words(["a.b"]).of, FieldClass.IDENT, True)
        self.assertEqual("ident", str(error))


class ReadingTests(SynchronousTestCase):
    """The check that every address has one reading only."""

    def assert_one_way(self, expression: str, expected: bool) -> None:
        """Assert whether every address of an expression has one reading only."""
        self.assertEqual(expected, codes_of(f"ACCOUNT foo MATCHES {expression} WITH CHARS(1);").has_one_reading)

    def test_separators(self) -> None:
        """A separator that occurs in no word leaves one reading."""
        self.assert_one_way("%account%-%alnum%-%code%", True)
        self.assert_one_way("%code%.%alnum%-%account%", True)
        self.assert_one_way("%alpha%%number%-%code%", True)
        self.assert_one_way("%account%-%fqdn%+%code%", True)

    def test_separators_in_words(self) -> None:
        """A separator that occurs in words leaves several readings."""
        self.assert_one_way("%alpha%is%alpha%.%code%", False)
        self.assert_one_way("%account%-%fqdn%-%code%", False)
        self.assert_one_way("%account%-%ident%_%code%", False)
        self.assert_one_way("%code%-%number%8%number%", False)


class CodesTests(SynchronousTestCase):
    """Figures about codes agree with the codes themselves."""

    def test_address(self) -> None:
        """An address has the names of the target and the given words and code."""
        codes = codes_of("ACCOUNT Foo ALIASED Joe MATCHES %account%.%alias%-%alpha%-%code% WITH CHARS();")
        self.assertEqual("foo.joe-macys-5", codes.address(["macys"], "5"))
        self.assertTrue(codes.accepts(["macys"], "5"))
        self.assertFalse(codes.accepts(["macys"], "6"))

    def test_too_long(self) -> None:
        """An address longer than a local part is not accepted."""
        codes = codes_of("ACCOUNT f MATCHES %account%-%alpha%-%code% WITH CHARS();")
        longest = LONGEST - len("f--59")
        self.assertTrue(codes.accepts(["a" * longest], str(longest)))
        self.assertFalse(codes.accepts(["a" * (longest + 1)], str(longest + 1)))

    @given(accounts(), st.booleans(), st.integers(0, 1000))
    def test_every_statement(self, statement: Account, case_sensitive: bool, seed: int) -> None:
        """Each code that is drawn for some words is accepted with them, and counted."""
        codes = codes_of(f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n{unparse(statement)}", WORDS)
        values = codes.draw_words(Random(seed))
        code = codes.draw_code(values, Random(seed))
        self.assertIn(code, written(codes, values))
        self.assertTrue(codes.is_right(values, code))
        if len(codes.address(values, code)) <= LONGEST:
            self.assertTrue(codes.accepts(values, code))
        if codes.combinations <= 200:
            every = [choice for choice in product(*codes.words) if codes.is_right(choice, code)]
            self.assertEqual(len(every), codes.count_accepting(code))
        if codes.has_one_reading:
            other = codes.draw_words(Random(seed + 1))
            if len(codes.address(other, code)) <= LONGEST:
                self.assertEqual(codes.is_right(other, code), codes.accepts(other, code))
