"""The search for addresses of two accounts, with its product automaton."""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis import overlap as overlap_module
from trualias.analysis.overlap import STEPS, Limit, Search, find_overlaps, work_of
from trualias.configuration import parse_configuration
from trualias.language.tree import Account, unparse
from trualias.matching.outcome import Ambiguous, PolicyOutcome
from trualias.matching.policy import Policy
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, hit
from trualias.test.naive import naive_lookup
from trualias.test.strategies import policies, tangles

trialprofile.load()


def policy_of(text: str) -> Policy:
    """Return the policy of a configuration's text."""
    return parse_configuration(text, "policy.conf").policy


class OverlapTests(SynchronousTestCase):
    """Overlaps of statements of certain kinds."""

    def search(self, text: str, steps: int = STEPS, most: int = 100) -> Search:
        """Search, and assert that each address is ambiguous."""
        policy = policy_of(text)
        found = find_overlaps(policy, steps, most)
        for overlap in found.overlaps:
            outcome = policy.resolve(overlap.local_part)
            self.assertIsInstance(outcome, Ambiguous)
            assert isinstance(outcome, Ambiguous)
            self.assertLessEqual({overlap.one.account, overlap.other.account}, set(outcome.accounts))
        return found

    def found(self, text: str) -> list[tuple[str, str, str]]:
        """Return the addresses and accounts that are found."""
        return [(o.local_part, o.one.account, o.other.account) for o in self.search(text).overlaps]

    def test_two_classes(self) -> None:
        """Statements that differ in the classes of their identifiers share the words that both accept."""
        self.assertEqual(
            [("b-b-1", "foo", "baz")],
            self.found(
                """
                ACCOUNT foo MATCHES %alpha%-%alnum%-%code% WITH CHARS(1);
                ACCOUNT bar MATCHES %alpha%-%alnum%.%code% WITH CHARS(1);
                ACCOUNT baz MATCHES %alnum%-%alpha%-%code% WITH CHARS(2);
                """
            ),
        )

    def test_literal_in_a_word(self) -> None:
        """A literal of one statement is part of a word of the other."""
        self.assertEqual(
            [("bwantsb.1-", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alpha%wants%alpha%.%code% WITH CHARS(1), -;
                ACCOUNT bar MATCHES %alpha%.%code% WITH CHAR(12,1), CHAR(12,-);
                """
            ),
        )

    def test_code_before_its_words(self) -> None:
        """A code before its words is compared with them."""
        self.assertEqual(
            [("20-22", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %code%-%alnum% WITH CHARS(), VOWELS();
                ACCOUNT bar MATCHES %alnum%-%code% WITH CHARS(), DIGITS();
                """
            ),
        )

    def test_numbers_of_two_digits(self) -> None:
        """A count may have two digits, also before its word."""
        self.assertEqual(
            [("10-bbbbbbbbbb", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %code%-%alpha% WITH CHARS();
                ACCOUNT bar MATCHES 10-%code% WITH bbbbbbbbb, CHAR(account,1,-);
                """
            ),
        )
        self.assertEqual(
            [("bbbbbbbbbb-10", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alpha%-%code% WITH CHARS();
                ACCOUNT bar MATCHES %alnum%-%code% WITH 1, DIGITS();
                """
            ),
        )

    def test_code_that_is_a_word(self) -> None:
        """A character of a word is a literal, or a digit of the code, of the other statement."""
        self.assertEqual(
            [("x-x1", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alnum%-%code% WITH CHAR(1,-), CHARS();
                ACCOUNT bar MATCHES %ident%-%code% WITH x, CHARS();
                """
            ),
        )
        self.assertEqual(
            [("2b-22", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alnum%-%code% WITH CHARS(), CHAR(1,-);
                ACCOUNT bar MATCHES %ident%-%code% WITH 2, CHARS();
                """
            ),
        )

    def test_labels(self) -> None:
        """A domain name has as many labels as the codes require."""
        self.assertEqual(
            [("b.b+1", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alpha%.%alpha%+%code% WITH CHARS(1);
                ACCOUNT bar MATCHES %fqdn%+%code% WITH CHAR(1,2,1);
                """
            ),
        )

    def test_one_of_several_characters(self) -> None:
        """A character is chosen that both codes may have."""
        self.assertEqual(
            [("b-a1", "foo", "bar")],
            self.found(
                """
                ACCOUNT foo MATCHES %alnum%-%code% WITH NONE(), CHARS();
                ACCOUNT bar MATCHES %ident%-%code% WITH ANY(account), CHARS();
                """
            ),
        )

    def test_one_statement(self) -> None:
        """Two accounts of one statement may share an address."""
        self.assertEqual(
            [("axbxbxb", "a", "axb")], self.found("ACCOUNT a, axb MATCHES %account%x%alnum%x%code% WITH CHAR(-1,-);")
        )

    def test_without_regard_to_case(self) -> None:
        """If case does not matter, literals match in any case, and no address has a capital."""
        statements = """
            ACCOUNT foo MATCHES %alnum%-IS-%code% WITH CHARS(), X;
            ACCOUNT bar MATCHES %ident%-is-%code% WITH CHARS(), x;
        """
        self.assertEqual([], self.found(statements))
        self.assertEqual([("b-is-1x", "foo", "bar")], self.found("CASE SENSITIVE: no\n" + statements))

    def test_none(self) -> None:
        """Statements whose expressions exclude a common address are decided."""
        for statements in (
            "ACCOUNT foo MATCHES a-%alnum%-%code% WITH CHARS(); ACCOUNT bar MATCHES b-%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %alnum%-%code%-a WITH CHARS(); ACCOUNT bar MATCHES %alnum%-%code%-b WITH CHARS();",
            "ACCOUNT foo MATCHES %alpha%-%code% WITH CHARS(); ACCOUNT bar MATCHES %number%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %alnum%-%code% WITH x; ACCOUNT bar MATCHES %ident%-%code% WITH CHARS();",
            "ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH CHARS();",
            f"ACCOUNT foo MATCHES {40 * 'x'}%alpha%+%code% WITH x;ACCOUNT bar MATCHES %alpha%{40 * 'y'}+%code% WITH x;",
        ):
            self.assertEqual(Search((), (), {}), self.search(statements), statements)

    def test_none_by_search(self) -> None:
        """The search is decided without a result if every text that matches both expressions has a wrong code."""
        statements = "ACCOUNT foo MATCHES %fqdn%+%code% WITH CHARS(); ACCOUNT bar MATCHES %code%+%fqdn% WITH LABELS();"
        self.assertEqual(Search((), (), {}), self.search(statements))

    def test_same_account(self) -> None:
        """Two statements of one account are not compared."""
        statements = "ACCOUNT foo MATCHES %alnum%-%code% WITH CHARS(); ACCOUNT foo MATCHES %ident%-%code% WITH CHARS();"
        self.assertEqual(Search((), (), {}), self.search(statements))

    def test_undecided(self) -> None:
        """A pair of statements for which the search reached its limit is undecided."""
        statements = """
            ACCOUNT foo MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
            ACCOUNT bar MATCHES %alpha%wants%alpha%.%code% WITH CHARS(1), CHARS(2);
        """
        found = self.search(statements, steps=2000)
        lines = [tuple(rule.accounts[0] for rule in pair) for pair in found.undecided]
        self.assertEqual(((), [("foo", "bar")], True), (found.overlaps, lines, found.complete))

    def test_incomplete(self) -> None:
        """A search that ends before it examined all statements is incomplete."""
        one = "ACCOUNT n{0} MATCHES %alpha%.{0}%alpha%.{0}.%code% WITH VOWELS(1), VOWELS(2);"
        text = "\n".join(one.format(number) for number in range(100))
        found = self.search(text, steps=2000)
        self.assertFalse(found.complete)
        # Of 4,950 pairs those were compared that take the first half of the steps.
        left = found.unexamined[Limit.STEPS]
        self.assertEqual([Limit.STEPS], list(found.unexamined))
        self.assertTrue(0 < 4950 - left < 2000, left)

    def test_most(self) -> None:
        """The search ends after the given number of addresses, and finds one for each pair of statements."""
        text = "".join(
            f"ACCOUNT n{number} MATCHES %{field_class}%-%code% WITH CHARS();\n"
            for number, field_class in enumerate(("alpha", "alnum", "ident"))
        )
        self.assertEqual(3, len(self.search(text).overlaps))
        found = self.search(text, most=2)
        self.assertEqual((2, False), (len(found.overlaps), found.complete))
        self.assertEqual({Limit.ADDRESSES: 1}, found.unexamined)

    def test_comparisons(self) -> None:
        """Pairs beyond the most that are compared are counted; statements without a common start are no pairs."""
        one = "ACCOUNT n{0} MATCHES x{0}.%alpha%.%code% WITH CHARS();"
        text = "\n".join(one.format(number) for number in range(20))
        self.assertEqual({}, self.search(text).unexamined)
        self.patch(overlap_module, "COMPARED", 100)
        text = "\n".join(
            f"ACCOUNT n{number} MATCHES %alpha%.x{number}.%code% WITH {number};" for number in range(10, 30)
        )
        self.assertEqual({Limit.COMPARISONS: 90}, self.search(text).unexamined)

    def test_names(self) -> None:
        """Of too many names, the first of each statement are examined; the pairs with the others are counted."""
        names = ", ".join(f"m{number}" for number in range(40))
        text = f"ACCOUNT {names} MATCHES %account%.%code% WITH x; ACCOUNT foo MATCHES m0.%code% WITH x;"
        self.patch(overlap_module, "NAMES", 10)
        found = self.search(text)
        self.assertEqual(
            [("m0.x", "m0", "foo")], [(o.local_part, o.one.account, o.other.account) for o in found.overlaps]
        )
        self.assertEqual({Limit.NAMES: 41 * 40 // 2 - 10 * 9 // 2}, found.unexamined)

    def test_steps_of_lookups(self) -> None:
        """The steps of lookups count: 1,024 statements with the same addresses leave pairs that are not searched."""
        text = "".join(
            f"ACCOUNT n{number} MATCHES {'.'.join(f'%{name}%' for name in names)}.%code% WITH CHARS(1), CHARS(2);"
            for number, names in enumerate(product(("alpha", "number", "alnum", "ident"), repeat=5))
        )
        policy = policy_of(text)
        steps = 0
        resolve = policy.resolve_counting

        def counting(local_part: str, domain: str | None = None) -> tuple[PolicyOutcome, int]:
            nonlocal steps
            outcome, taken = resolve(local_part, domain)
            steps += taken
            return outcome, taken

        self.patch(policy, "resolve_counting", counting)
        taken: list[float] = []
        found = find_overlaps(policy, 10_000, advance=taken.append)
        self.assertGreater(steps, 5_000)
        self.assertLess(steps, 60_000)
        self.assertEqual(work_of(policy, 10_000), sum(taken))
        self.assertGreater(found.unexamined[Limit.STEPS], 500_000)

    def test_advance(self) -> None:
        """The search tells the steps that it takes."""
        taken: list[float] = []
        policy = policy_of("ACCOUNT foo MATCHES %alpha%-%code% WITH x; ACCOUNT bar MATCHES %alnum%-%code% WITH x;")
        find_overlaps(policy, advance=taken.append)
        self.assertGreaterEqual(len(taken), 2)
        self.assertGreaterEqual(sum(taken), 5)

    def test_pause(self) -> None:
        """The search calls ``pause`` while it runs."""
        paused: list[None] = []
        policy = policy_of("ACCOUNT foo MATCHES %alpha%-%code% WITH x; ACCOUNT bar MATCHES %alnum%-%code% WITH x;")
        find_overlaps(policy, pause=lambda: paused.append(None))
        self.assertGreaterEqual(len(paused), 2)


class CompletenessTests(SynchronousTestCase):
    """The search finds overlaps that exist."""

    def test_random_addresses(self) -> None:
        """If a few random addresses include one of two accounts, the search finds one.

        The addresses that it finds are of two accounts also by the reference.
        """
        seen: Counter[str] = Counter()

        @settings(max_examples=100)
        @given(st.one_of(tangles(), policies()), st.booleans(), RANDOMS)
        def search(statements: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
            setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
            policy = policy_of(setting + "\n".join(map(unparse, statements)))
            drawn = (hit(random, random.choice(statements), case_sensitive) for _ in range(12))
            there = next((one for one in drawn if isinstance(policy.resolve(one), Ambiguous)), None)
            if there is None:
                return
            overlaps = find_overlaps(policy).overlaps
            self.assertNotEqual((there, ()), (there, overlaps))
            for overlap in overlaps:
                accounts = naive_lookup(statements, overlap.local_part, case_sensitive).accounts
                self.assertGreater(len(accounts), 1, overlap.local_part)
            seen["there"] += 1

        search()
        self.assertGreater(seen["there"], 10, seen)

    def test_small_universe(self) -> None:
        """An overlap is found wherever a text of at most five of three characters is ambiguous."""
        classes = ("alpha", "number", "alnum", "ident")
        codes = ("CHARS()", "VOWELS()", "CHAR(-1,1)", "ANY()", "1", "a")
        seen: Counter[bool] = Counter()
        for one, other, code, other_code in list(product(classes, classes, codes, codes))[::7]:
            if one == other:
                continue
            text = f"ACCOUNT foo MATCHES %{one}%1%code% WITH {code};"
            text += f"ACCOUNT bar MATCHES %{other}%1%code% WITH {other_code};"
            policy = policy_of(text)
            universe = ("".join(characters) for n in range(3, 6) for characters in product("1ab", repeat=n))
            there = any(isinstance(policy.resolve(address), Ambiguous) for address in universe)
            found = bool(find_overlaps(policy, steps=5_000).overlaps)
            self.assertLessEqual(there, found, text)
            seen[found] += 1
        self.assertGreater(min(seen[True], seen[False]), 15, seen)
