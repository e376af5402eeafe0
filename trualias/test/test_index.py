"""Tests of the index: it leaves out statements, but never one that can match."""

from __future__ import annotations

import sys
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.language.rule import Rule, folding
from trualias.language.tree import Account, unparse
from trualias.matching import outcome
from trualias.matching.index import Index
from trualias.matching.matcher import Matcher
from trualias.matching.policy import LONGEST
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, local_part
from trualias.test.naive import lowered, readings
from trualias.test.strategies import policies

trialprofile.load()

Found = list[tuple[int, str, str, str]]
"""The number of a statement, counted from 0, the account and the alias to compare with, the account as spelled."""


def index_of(rules: tuple[Rule, ...], case_sensitive: bool = True) -> Index:
    """Return an index of statements."""
    fold = folding(case_sensitive)
    index = Index(fold, LONGEST)
    for rule in rules:
        index.add(Matcher(rule, fold))
    index.finish()
    return index


class IndexTests(SynchronousTestCase):
    """The statements and names that are compared with a text."""

    def assert_candidates(self, statements: str, table: dict[str, Found], case_sensitive: bool = True) -> None:
        """Assert the candidates for some texts, in any order."""
        rules = parse_configuration(
            f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n{statements}", "test.conf"
        ).policy.rules
        index = index_of(rules, case_sensitive)
        for text, wanted in table.items():
            found = [
                (rules.index(candidate.matcher.rule), candidate.account, candidate.alias, candidate.spelled)
                for candidate in index.candidates(text)
            ]
            self.assertEqual(wanted, sorted(found), text)

    def test_empty(self) -> None:
        """An empty index has no candidates."""
        self.assertEqual([], list(index_of(()).candidates("foo")))

    def test_literals(self) -> None:
        """A statement without names is found by its longest literal, at an end or in the middle."""
        self.assert_candidates(
            "ACCOUNT a MATCHES %alpha%wants%alpha%.%code% WITH x;"
            "ACCOUNT b MATCHES news-%alpha%-%code% WITH x;"
            "ACCOUNT c MATCHES %alpha%-%code%-list WITH x;",
            {
                "iwantit.x": [],
                "iwantsit": [(0, "a", "", "a")],
                "news-a-b": [(1, "b", "", "b")],
                "my-news-a-b": [],
                "a-b-list": [(2, "c", "", "c")],
                "a-b-lists": [],
                "news-wants-list": [(0, "a", "", "a"), (1, "b", "", "b"), (2, "c", "", "c")],
            },
        )

    def test_nothing_to_find(self) -> None:
        """A statement without names and literals is always a candidate."""
        both = [(0, "a", "", "a"), (1, "b", "", "b")]
        statements = "ACCOUNT a MATCHES %code% WITH x;ACCOUNT b MATCHES %alpha%%number%x%code% WITH x;"
        self.assert_candidates(statements, {"": [both[0]], "9": [both[0]], "x": both})

    def test_nothing_to_find_at_all(self) -> None:
        """It is one without other statements, too."""
        self.assert_candidates("ACCOUNT a MATCHES %code% WITH x;", {"": [(0, "a", "", "a")], "zz": [(0, "a", "", "a")]})

    def test_prefixes_of_each_other(self) -> None:
        """The literals beside a name distinguish it from longer names."""
        self.assert_candidates(
            "ACCOUNT a, ab, abc, bc, c MATCHES %account%-%code% WITH x;",
            {
                "abc-x": [(0, "abc", "", "abc")],
                "ab-x": [(0, "ab", "", "ab")],
                "a-x": [(0, "a", "", "a")],
                "bc-x": [(0, "bc", "", "bc")],
                "abcd-x": [],
                "x-abc-x": [],
            },
        )
        self.assert_candidates(
            "ACCOUNT a, ab, abc, bc, c MATCHES %code%.%alpha%-%account% WITH x;",
            {"x.x-abc": [(0, "abc", "", "abc")], "x.a-c": [(0, "c", "", "c")], "x.x-xbc": []},
        )

    def test_in_the_middle(self) -> None:
        """A name in the middle of an expression is found with the literals around it."""
        self.assert_candidates(
            "ACCOUNT a, ab, b MATCHES %alpha%-%account%.%code% WITH x;",
            {"x-ab.x": [(0, "ab", "", "ab")], "x-xab.x": [], "x-a.-b.": [(0, "a", "", "a"), (0, "b", "", "b")]},
        )

    def test_twice_in_a_text(self) -> None:
        """A key that occurs several times gives one candidate."""
        candidate = [(0, "a", "", "a")]
        for statement in (
            "ACCOUNT a MATCHES %alpha%-%code% WITH x;",
            "ACCOUNT a,b MATCHES %alpha%-%account%-%code% WITH x;",
        ):
            self.assert_candidates(f"{statement}ACCOUNT c MATCHES %alpha%+%code% WITH x;", {"a-a-a-a-a-a": candidate})

    def test_name_twice(self) -> None:
        """A name that the expression shows twice in one run is found where it occurs twice."""
        table: dict[str, Found] = {"a-a.x": [(0, "a", "", "a")], "a-b.x": [], "b-b.x": [(0, "b", "", "b")]}
        self.assert_candidates("ACCOUNT a, b MATCHES %account%-%account%.%code% WITH x;", table)
        table = {"c-c.x": [(0, "a", "c", "a")], "c-d.x": [], "d-c.x": []}
        self.assert_candidates("ACCOUNT a ALIASED c, d MATCHES %alias%-%alias%.%code% WITH x;", table)

    def test_name_in_two_runs(self) -> None:
        """Of two runs with a name the longer is the key."""
        self.assert_candidates(
            "ACCOUNT a, b MATCHES %account%.%alpha%-for-%account%.%code% WITH x;",
            {"b.x-for-a.x": [(0, "a", "", "a")], "a.x-by-a.x": []},
        )

    def test_two_kinds_of_names(self) -> None:
        """Several accounts with several aliases give the pairs of those that occur, within one statement."""
        statements = (
            "ACCOUNT a, b ALIASED x, y MATCHES %account%-%alias%.%code% WITH x;"
            "ACCOUNT c, d ALIASED x, y MATCHES %alias%+%alpha%-%account%.%code% WITH x;"
        )
        self.assert_candidates(
            statements,
            {
                "a-x.": [(0, "a", "x", "a")],
                "b-y.": [(0, "b", "y", "b")],
                "a-z.": [],
                "x-a.": [],
                "x+a-d.": [(1, "d", "x", "d")],
                "a-y+x-d.": [],
            },
        )

    def test_one_name_of_several_known(self) -> None:
        """A single account or alias is part of the keys of the others."""
        table: dict[str, Found] = {"a-x.": [(0, "a", "x", "a")], "b-x.": [], "a-z.": [], "a-y.": [(0, "a", "y", "a")]}
        self.assert_candidates("ACCOUNT a ALIASED x, y MATCHES %account%-%alias%.%code% WITH x;", table)
        table = {"a-x.": [(0, "a", "x", "a")], "b-x.": [(0, "b", "x", "b")], "a-y.": []}
        self.assert_candidates("ACCOUNT a, b ALIASED x MATCHES %account%-%alias%.%code% WITH x;", table)

    def test_case(self) -> None:
        """Without regard to case texts are folded; an account is spelled as the file first spells it."""
        self.assert_candidates(
            "ACCOUNT Foo MATCHES %account%-%code% WITH x;ACCOUNT FOO, Bar MATCHES NO-%account%-%code% WITH x;",
            {
                "foo-x": [(0, "foo", "", "Foo")],
                "no-foo-x": [(1, "foo", "", "Foo")],
                "no-bar-x": [(1, "bar", "", "Bar")],
            },
            case_sensitive=False,
        )
        table: dict[str, Found] = {"Foo-x": [(0, "Foo", "", "Foo")], "foo-x": []}
        self.assert_candidates("ACCOUNT Foo MATCHES %account%-%code% WITH x;", table)

    def test_many(self) -> None:
        """Thousands of accounts give no more candidates than one."""
        names = [f"user{number}" for number in range(2_000)]
        text = f"ACCOUNT {','.join(names)} MATCHES %account%-%code% WITH x;"
        self.assert_candidates(text, {"user1999-x": [(0, "user1999", "", "user1999")]})

    def test_long_keys(self) -> None:
        """A statement with a text that is longer than any address is no candidate, and takes no entry."""
        text = f"ACCOUNT a MATCHES {'x' * 30_000}%code% WITH x;\nACCOUNT b MATCHES {'x' * 63}%code% WITH x;\n"
        policy = parse_configuration(text, "test.conf").policy
        self.assertTrue(index_of(policy.rules[:1]).is_empty)
        self.assertFalse(index_of(policy.rules[1:]).is_empty)
        self.assertEqual(outcome.Found("b", "b"), policy.resolve("x" * 64))

    def test_pauses(self) -> None:
        """The index pauses at every name of a list, at every 256 of the keys with several entries, and at each."""
        names = ",".join(f"user{number}" for number in range(1_000))
        (rule,) = parse_configuration(f"ACCOUNT {names} MATCHES %account%-%code% WITH x;", "test.conf").policy.rules
        pauses: list[str] = []
        index = Index(str, LONGEST)
        index.add(Matcher(rule, str), lambda: pauses.append("add"))
        index.add(Matcher(rule, str), lambda: None)
        index.finish(lambda: pauses.append("finish"))
        self.assertEqual(["add"] * 1_000 + ["finish"] * (4 + 1_000), pauses)

    def test_emptied(self) -> None:
        """An index frees 200 entries before each pause, and in the end all."""
        names = ",".join(f"user{number}" for number in range(401))
        (rule,) = parse_configuration(f"ACCOUNT {names} MATCHES %account%-%code% WITH x;", "test.conf").policy.rules
        matcher = Matcher(rule, str)  # each entry refers to it
        before = sys.getrefcount(matcher)
        index = Index(str, LONGEST)
        index.add(matcher)
        index.finish()
        left = [sys.getrefcount(matcher) - before]
        index.empty(lambda: left.append(sys.getrefcount(matcher) - before))
        self.assertEqual([401, 201, 1, 0], left)
        self.assertTrue(index.is_empty)


class CompletenessTests(SynchronousTestCase):
    """No statement that can match is left out."""

    @settings(max_examples=trialprofile.scaled(60))
    @given(policies(), st.booleans(), RANDOMS)
    def test_nothing_is_missed(self, policy: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
        """Every statement and name with a reading of the text is a candidate, each once."""
        text = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n" + "\n".join(map(unparse, policy))
        rules = parse_configuration(text, "test.conf").policy.rules
        index = index_of(rules, case_sensitive)
        fold = folding(case_sensitive)
        statements = policy if case_sensitive else tuple(map(lowered, policy))
        for text in [fold(local_part(random, policy, case_sensitive)) for _ in range(5)]:
            wanted = {
                (number, reading.account, reading.alias if statement.aliases else "")
                for number, statement in enumerate(statements)
                for reading in readings(statement, text)
            }
            found = [
                (rules.index(candidate.matcher.rule), candidate.account, candidate.alias)
                for candidate in index.candidates(text)
            ]
            self.assertEqual(sorted(set(found)), sorted(found))
            self.assertEqual(set(), wanted - set(found), text)
