"""The search for rules that explain leaked codes, against one that tries all rules on texts."""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis import rule_search as module
from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.drawn_codes import DrawnCodes
from trualias.analysis.leaks import Runs
from trualias.analysis.rule_search import MOST_ITEMS, NEARLY, RuleSearch
from trualias.analysis.word_classes import NoWords
from trualias.language.functions import FUNCTIONS, BoundCall, Reference
from trualias.language.tree import Account, FieldClass, NameKind, unparse
from trualias.test import trialprofile
from trualias.test.strategies import accounts
from trualias.test.test_code_distribution import codes_of

trialprofile.load()

UNKNOWN = "?"
"""Stands for a default that no leak shows; no character of a code here."""

WORDS = ["a", "ab", "b2", "2b", "aaa", "c1", "cd2e", "a.b"]

Element = BoundCall | str
"""A call with its default, or a literal."""

Leak = tuple[Sequence[str], str]
"""The values of the identifiers, and the code or the rest of it."""


class PlainSearch:
    """A search that tries all rules on the leaked codes, element by element."""

    def __init__(self, codes: Codes, leaks: Sequence[Leak]) -> None:
        self.names = codes.target.names
        self.leaks = leaks
        self.calls = list(calls_of(codes))
        self.unexplained = cache(self._unexplained)
        self.is_explained = cache(self._is_explained)

    def needed(self, numbers: Sequence[int]) -> tuple[int | None, int | None]:
        """Return the leaks after which the rule is nearly known, and after which it is the only one left."""
        nearly, only = (
            next(
                (
                    count
                    for count in range(1, len(numbers) + 1)
                    if not self.is_explained(limit, *sorted(numbers[:count]))
                ),
                None,
            )
            for limit in (int((1 - NEARLY) * len(self.leaks)), 0)
        )
        return nearly, only

    def _is_explained(self, limit: int, *numbers: int) -> bool:
        """Return whether a rule explains some leaks, but not more than ``limit`` of all."""
        return any(
            self.unexplained(rule) > limit for rule in self.rules([self.leaks[at] for at in numbers], MOST_ITEMS)
        )

    def rules(self, leaks: Sequence[Leak], left: int) -> Iterator[tuple[Element, ...]]:
        """Yield the rules of at most that number of elements that explain all of some leaks."""
        if not any(code for _, code in leaks):
            yield ()
        elif left:
            for element in self.elements([code for _, code in leaks]):
                rests = [(values, self.rest(element, values, code)) for values, code in leaks]
                known = [(values, rest) for values, rest in rests if rest is not None]
                if len(known) == len(leaks):
                    for others in self.rules(known, left - 1):
                        yield (element, *others)

    def elements(self, codes: Sequence[str]) -> Iterator[Element]:
        """Yield what may be the next element for some rests of codes."""
        for call in self.calls:
            if not call.function.takes_index:
                yield call
                continue
            for default in {UNKNOWN, *(code[:1] for code in codes)} - {""}:
                yield BoundCall(call.function, call.reads, call.field_class, call.label, call.index, default)
        yield from (codes[0][:end] for end in range(1, len(codes[0]) + 1))

    def rest(self, element: Element, values: Sequence[str], code: str) -> str | None:
        """Return the rest of a code after an element, None if the code does not go on with it."""
        if isinstance(element, BoundCall):
            text = self.names[element.reads] if isinstance(element.reads, NameKind) else values[element.reads]
            texts = texts_of(element.evaluate(text))
        else:
            texts = (element,)
        return next((code[len(text) :] for text in texts if code.startswith(text)), None)

    def _unexplained(self, rule: tuple[Element, ...]) -> int:
        """Count the codes that a rule does not explain."""
        number = 0
        for values, code in self.leaks:
            rest: str | None = code
            for element in rule:
                rest = None if rest is None else self.rest(element, values, rest)
            number += rest != ""
        return number


def calls_of(codes: Codes) -> Iterator[BoundCall]:
    """Yield all calls of the searched rules, those that take an index without their default."""
    using = codes.target.rule.statement.using
    reads: list[tuple[Reference, FieldClass]] = [*enumerate(codes.target.rule.identifiers), (NameKind.ACCOUNT, using)]
    if codes.target.alias:
        reads.append((NameKind.ALIAS, using))
    for read, field_class in reads:
        dotted = field_class is FieldClass.FQDN
        for function in FUNCTIONS.values():
            if (isinstance(read, NameKind) and not function.is_choice) or (function.needs_labels and not dotted):
                continue
            if not function.takes_index:
                yield BoundCall(function, read, field_class)
                continue
            assert isinstance(read, int)
            longest = max(map(len, codes.words[read]))
            for label in (1, -1, 2, -2) if dotted else (None,):
                for index in range(1, longest + 1):
                    yield BoundCall(function, read, field_class, label, index)
                    yield BoundCall(function, read, field_class, label, -index)


ONE = (
    "CHARS()",
    "DIGITS()",
    "VOWELS()",
    "CHAR(1,-)",
    "CHAR(2,x)",
    "CHAR(-2,1)",
    "CHAR(-1,-)",
    "CHAR(9,2)",
    "ANY()",
    "a",
    "12",
)
TWO = ("CHARS(1)", "CHARS(2)", "VOWELS(2)", "CHAR(1,1,-)", "CHAR(2,2,1)", "ANY(1)", "ANY(2)", "NONE(account)", "2")


def items(texts: Sequence[str]) -> st.SearchStrategy[str]:
    """Draw the items of a code."""
    return st.lists(st.sampled_from(texts), min_size=1, max_size=3).map(", ".join)


class RuleSearchTests(SynchronousTestCase):
    """The fast search finds what the plain one finds."""

    def assert_plain(self, expression: str, items: str, words: Sequence[str], runs: int) -> None:
        """Assert that the first runs need as many leaks as they do in a search on texts."""
        codes = codes_of(f"ACCOUNT foo MATCHES {expression} WITH {items};", words)
        trials = codes.trials(module.COMBINATIONS, 1)
        random = trials.random()
        plain = PlainSearch(codes, [(values, codes.draw_code(values, random)) for values in trials.values])
        search = RuleSearch(codes, 1)
        found = list(zip(search.nearly(), search.only(), strict=True))
        for numbers, needed in list(zip(trials.runs.leaks, found, strict=True))[:runs]:
            self.assertEqual(plain.needed(numbers), needed, (items, numbers))

    @given(items(ONE), st.permutations(WORDS[:7]), st.integers(1, 6))
    def test_one_identifier(self, items: str, words: Sequence[str], number: int) -> None:
        """All words of an identifier leak."""
        self.assert_plain("%account%-%ident%.%code%", items, words[:number], 3)

    def test_wide_counts(self) -> None:
        """Numbers of two digits move what follows."""
        for items in ("CHARS(), CHARS()", "CHARS(), CHAR(2,1), DIGITS()"):
            self.assert_plain("%account%-%ident%.%code%", items, ["1", "1b345678901", "bb"], 2)

    def test_default_that_a_leak_shows(self) -> None:
        """A rule whose default is unknown at first is tried again when a leak has shown it."""
        self.assert_plain("%account%-%ident%.%code%", "CHAR(1,-)", ["a", "ab", "b2", "cd2e"], 20)

    @given(items(TWO), st.permutations(WORDS[:7]))
    def test_two_identifiers(self, items: str, words: Sequence[str]) -> None:
        """Drawn combinations leak, some of them several times."""
        self.patch(module, "COMBINATIONS", 5)
        self.assert_plain("%account%.%alnum%-%alnum%.%code%", items, words[:3], 3)


class DrawnCodesTests(SynchronousTestCase):
    """The codes of the trials."""

    @given(accounts())
    def test_drawn_one_by_one(self, statement: Account) -> None:
        """They are drawn trial by trial and item by item, after the leaks; the sets agree with the texts."""
        try:
            codes = codes_of(f"CASE SENSITIVE: no\n{unparse(statement)}", WORDS)
        except NoWords:
            assume(False)
        trials = codes.trials(20, 3)
        assume(trials.runs.count_trials(trials.runs.every) <= 20)
        drawn = DrawnCodes(codes, trials)
        random = trials.random()
        expected = [codes.draw_code(values, random) for values in trials.values]
        for bit, number in enumerate(trials.runs.numbers):
            code = "" if number is None else expected[number]
            for position, column in enumerate(drawn.columns):
                having = {character for character, members in column.characters.items() if members >> bit & 1}
                self.assertEqual(set(code[position : position + 1]), having)
                self.assertEqual(position < len(code), bool(column.every >> bit & 1))
            ends = {length for length, members in drawn.ended.items() if members >> bit & 1}
            self.assertEqual(set() if number is None else {len(code)}, ends)
            if number is not None:
                self.assertTrue(drawn.with_text(code[1:], 1) >> bit & 1)
                self.assertFalse(drawn.with_text(f"{code}-", 0) >> bit & 1)

    def test_words_of_one_identifier(self) -> None:
        """The words of one identifier are all tried, and none is drawn before the leaks."""
        codes = codes_of("ACCOUNT foo MATCHES %account%-%ident%.%code% WITH ANY();", WORDS)
        trials = codes.trials(2, 5)
        self.assertEqual([(word,) for word in codes.words[0]], list(trials.values))
        self.assertEqual(Runs(Random(5), len(codes.words[0])).leaks, trials.runs.leaks)
