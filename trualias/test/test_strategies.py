"""Tests of the strategies for the policy language and for addresses."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.tree import (
    IDENTIFIER_CLASSES,
    Account,
    Call,
    CodeField,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
    unparse,
)
from trualias.test import naive, trialprofile
from trualias.test.addresses import RANDOMS, hits, local_part
from trualias.test.naive import naive_lookup
from trualias.test.strategies import accounts, fit_together, policies, tangles, words

trialprofile.load()


class StrategyTests(SynchronousTestCase):
    """The strategies draw what they promise."""

    @given(st.sampled_from(FieldClass).flatmap(lambda field_class: st.tuples(st.just(field_class), words(field_class))))
    def test_words(self, drawn: tuple[FieldClass, str]) -> None:
        """A drawn word is of its class."""
        field_class, word = drawn
        self.assertTrue(naive.belongs(word, field_class), drawn)

    @given(accounts())
    def test_statements(self, statement: Account) -> None:
        """A drawn statement keeps the rules about single statements."""
        text = unparse(statement)
        self.assertTrue(text.startswith("ACCOUNT ") and text.endswith(";"), text)
        for name in (*statement.accounts, *statement.aliases):
            self.assertTrue(naive.belongs(name.text, statement.using), name)
        self.assertEqual([type(token) for token in statement.expression].count(CodeField), 1)
        for one, other in pairwise(statement.expression):
            if isinstance(one, Identifier) and isinstance(other, Identifier):
                self.assertEqual({one.field_class, other.field_class}, {FieldClass.ALPHA, FieldClass.NUMBER})
            else:
                self.assertEqual([type(one), type(other)].count(Literal), 1)
        shown = {token.kind for token in statement.expression if isinstance(token, NameField)}
        match len(statement.accounts), len(statement.aliases):
            case (1, 0 | 1):
                pass
            case (1, _):
                self.assertIn(NameKind.ALIAS, shown)
            case (_, 0):
                self.assertNotEqual(shown, set())
            case _:
                self.assertEqual(shown, set(NameKind))

    def test_variety(self) -> None:
        """Statements of every class, function and number of arguments are drawn."""
        seen: Counter[object] = Counter()

        @settings(max_examples=500)
        @given(accounts())
        def look(statement: Account) -> None:
            seen.update({("using", statement.using), ("accounts", len(statement.accounts))})
            seen.update({("aliases", len(statement.aliases))})
            seen.update({token for token in statement.expression if not isinstance(token, Literal)})
            for item in statement.items:
                if isinstance(item, Call):
                    first = item.arguments[0].text if item.arguments else ""
                    seen.update({(item.function, len(item.arguments)), (item.function, first.isalpha() and first)})

        look()
        wanted: set[object] = {("using", field_class) for field_class in FieldClass}
        wanted |= {("accounts", n) for n in (1, 2, 3)} | {("aliases", n) for n in (0, 1, 2, 3)}
        wanted |= {Identifier(field_class) for field_class in IDENTIFIER_CLASSES} | {
            NameField(kind) for kind in NameKind
        }
        counting = ("DIGITS", "ALPHAS", "VOWELS", "CHARS", "ANY", "NONE")
        wanted |= {(function, n) for function in (*counting, "LABELS") for n in (0, 1)}
        wanted |= {("CHAR", n) for n in (2, 3, 4)}
        wanted |= {(function, name) for function in (*counting, "CHAR") for name in ("account", "alias")}
        self.assertEqual(wanted - set(seen), set())

    @given(st.one_of(policies(), tangles()))
    def test_policies(self, policy: tuple[Account, ...]) -> None:
        """Statements drawn together may stand in one file."""
        for position, statement in enumerate(policy):
            self.assertTrue(all(fit_together(statement, other) for other in policy[:position]))

    @given(accounts(), st.booleans(), st.data())
    def test_hits(self, statement: Account, case_sensitive: bool, data: st.DataObject) -> None:
        """A hit verifies, unless it is too long or the words allow no code."""
        hit = data.draw(hits(statement, case_sensitive))
        verdict = naive_lookup([statement], hit, case_sensitive)
        self.assertEqual(bool(verdict.accounts), 0 < len(hit) <= naive.LONGEST)

    def test_hits_and_misses(self) -> None:
        """The drawn addresses are hits and misses, and some have several readings."""
        seen: Counter[str] = Counter()

        @settings(max_examples=100)
        @given(policies(), st.booleans(), RANDOMS)
        def look(policy: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
            for _ in range(10):
                verdict = naive_lookup(policy, local_part(random, policy, case_sensitive), case_sensitive)
                seen["hits" if verdict.accounts else "misses"] += 1
                seen["readings"] += verdict.several_readings

        look()
        self.assertGreater(seen["hits"], 200)
        self.assertGreater(seen["misses"], 200)
        self.assertGreater(seen["readings"], 30)
