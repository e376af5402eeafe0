"""Property tests: drawn statements are valid, and the matcher gives the answers of the naive one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import assert_never

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.language.checks import check
from trualias.language.name_list import Name
from trualias.language.parser import parse
from trualias.language.rule import folding
from trualias.language.source import Source
from trualias.language.tree import ATEXT_AND_DOT, Account, End, Statement, unparse
from trualias.matching.lookup_record import LookupRecord
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy
from trualias.test import naive, trialprofile
from trualias.test.addresses import RANDOMS, hit, local_part
from trualias.test.crowds import copies, crowds, overlapping_names
from trualias.test.naive import Verdict, naive_lookup
from trualias.test.strategies import (
    accounts,
    deliveries,
    expectations,
    fit_together,
    policies,
    refusals,
    settings_lines,
    tangles,
)

trialprofile.load()

TRIES = 1_000_000
"""Attempts enough that no readings are counted."""

ADDRESSES = 16
"""Addresses to resolve for each policy."""


def load(statements: Sequence[Account], case_sensitive: bool) -> Policy:
    """Return the policy of the text of some statements."""
    source = Source("\n".join(map(unparse, statements)), "drawn.conf")
    parsed = parse(source)
    found = [statement for statement in parsed.statements if isinstance(statement, Account)]
    rules, errors = check(source, found, case_sensitive)
    complaints = "\n".join(map(str, (*parsed.errors, *errors)))
    assert not complaints, complaints
    return Policy(rules, case_sensitive)


def verdict(outcome: PolicyOutcome) -> Verdict:
    """Return an outcome as a verdict of the naive matcher."""
    match outcome:
        case Found(_, account, readings):
            return Verdict(frozenset([account]), readings > 1)
        case Ambiguous(names):
            assert len(set(names)) == len(names) > 1, names
            return Verdict(frozenset(names), True)
        case NotFound(reason, near_misses):
            assert (reason is NotFoundReason.WRONG_CODE) == bool(near_misses), outcome
            assert len(set(near_misses)) == len(near_misses), near_misses
            return Verdict(near_misses=frozenset(near_misses))
        case BudgetExceeded():
            raise AssertionError("the budget of steps is for hostile policies, not for these")
        case _:
            assert_never(outcome)


def tried_or_counted(policy: Policy, local_part: str, few: int) -> Verdict:
    """Compare every statement of a policy, without an index; ``few`` decides whether readings are tried or counted."""
    if not set(local_part) <= ATEXT_AND_DOT or len(local_part) > naive.LONGEST:
        return Verdict()
    fold = folding(policy.case_sensitive)
    spellings: dict[str, str] = {}
    readings: Counter[str] = Counter()
    near_misses: set[str] = set()
    for rule in policy.rules:
        for account in rule.accounts:
            first = spellings.setdefault(fold(account), account)
            for alias in rule.aliases or ("",):
                record = LookupRecord(fold(local_part))
                count = Matcher(rule, fold, few).count(record, fold(account), fold(alias))
                readings[first] += count
                if not count and record.shape_matches:
                    near_misses.add(first)
    if not readings.total():
        return Verdict(near_misses=frozenset(near_misses))
    return Verdict(frozenset(name for name in readings if readings[name]), readings.total() > 1)


def kind(found: Verdict) -> str:
    """Return the name of a verdict's kind."""
    if len(found.accounts) > 1:
        return "several accounts"
    if found.accounts:
        return "several readings" if found.several_readings else "hit"
    return "near miss" if found.near_misses else "miss"


def together(statements: Sequence[Account]) -> list[Account]:
    """Return the statements that may stand in one file with those before them."""
    chosen: list[Account] = []
    for statement in statements:
        if all(fit_together(statement, other) for other in chosen):
            chosen.append(statement)
    return chosen


def located() -> st.SearchStrategy[Account]:
    """Draw an account statement with ``AT``."""
    domains = st.lists(st.sampled_from(["example.com", "Example.ORG", "bücher.example"]).map(Name), min_size=1)
    return st.tuples(accounts(), domains).map(lambda drawn: evolve(drawn[0], domains=tuple(drawn[1])))


class TextTests(SynchronousTestCase):
    """Drawn statements survive unparsing, and are valid."""

    @given(
        st.lists(
            st.one_of(accounts(), located(), settings_lines(), refusals(), deliveries(), expectations()), max_size=4
        ),
        st.booleans(),
    )
    def test_round_trip(self, statements: list[Statement], ended: bool) -> None:
        """Parsing what was unparsed gives the same tree."""
        if ended:
            statements = [*statements, End()]
        parsed = parse(Source("\n".join(map(unparse, statements)) + "\n", "drawn.conf"))
        self.assertEqual((list(parsed.statements), parsed.errors), (statements, ()))

    @given(st.one_of(policies(), tangles()), st.booleans())
    def test_accepted(self, policy: tuple[Account, ...], case_sensitive: bool) -> None:
        """Every statement of a drawn policy is valid."""
        self.assertEqual([rule.statement for rule in load(policy, case_sensitive).rules], list(policy))


class AgreementTests(SynchronousTestCase):
    """The matcher gives the answers of the naive one, which enumerates readings as the reference defines them."""

    def compare(
        self, drawn: st.SearchStrategy[tuple[Account, ...]], case_sensitive: bool, examples: int
    ) -> Counter[str]:
        """Compare both matchers for several addresses of each policy; count the addresses by verdict."""
        seen: dict[tuple[tuple[Account, ...], str], str] = {}

        @settings(max_examples=trialprofile.scaled(examples))
        @given(drawn, RANDOMS)
        def agree(policy: tuple[Account, ...], random: Random) -> None:
            fast = load(policy, case_sensitive)
            for address in [local_part(random, policy, case_sensitive) for _ in range(ADDRESSES)]:
                right = naive_lookup(policy, address, case_sensitive)
                answers = [verdict(fast.resolve(address))]
                answers += [tried_or_counted(fast, address, few) for few in (0, TRIES)]
                self.assertEqual((address, answers), (address, [right] * 3))
                seen[policy, address] = kind(right)

        agree()
        return Counter(seen.values())

    def assert_often(self, counts: Counter[str], *, scaled: bool = True, **least: int) -> None:
        """Assert that each kind of verdict occurred at least so many times."""
        if scaled:
            least = {name: trialprofile.least(n) for name, n in least.items()}
        missed = {name: n for name, n in least.items() if counts[name.replace("_", " ")] < n}
        self.assertEqual(missed, {}, counts)

    def test_policies(self) -> None:
        """They agree for statements over the whole language, alone and together."""
        counts = self.compare(policies(), True, 160)
        self.assert_often(counts, hit=400, miss=200, near_miss=200, several_readings=30)

    def test_policies_without_regard_to_case(self) -> None:
        """The same, with ``CASE SENSITIVE: no``."""
        counts = self.compare(policies(), False, 160)
        self.assert_often(counts, hit=400, miss=200, near_miss=200, several_readings=30)

    def test_tangles(self) -> None:
        """They agree for statements of different accounts whose addresses have many readings."""
        counts = self.compare(tangles(), True, 130)
        self.assert_often(counts, hit=40, miss=200, near_miss=200, several_readings=100, several_accounts=200)

    def test_tangles_without_regard_to_case(self) -> None:
        """The same, with ``CASE SENSITIVE: no``."""
        counts = self.compare(tangles(), False, 130)
        self.assert_often(counts, hit=40, miss=200, near_miss=200, several_readings=100, several_accounts=200)

    def test_crowds(self) -> None:
        """They agree for many statements with the same names and literals, and other classes and codes."""
        counts = self.compare(crowds(), True, 130)
        self.assert_often(counts, hit=100, miss=100, near_miss=100, several_readings=100, several_accounts=100)

    def test_crowds_without_regard_to_case(self) -> None:
        """The same, with ``CASE SENSITIVE: no``."""
        counts = self.compare(crowds(), False, 130)
        self.assert_often(counts, hit=100, miss=100, near_miss=100, several_readings=100, several_accounts=100)

    def test_overlapping_names(self) -> None:
        """They agree for a statement whose accounts and aliases are parts of each other."""
        counts = self.compare(overlapping_names(), True, 130)
        self.assert_often(counts, hit=100, miss=100, near_miss=100, several_readings=5, several_accounts=25)

    def test_thousands_of_statements(self) -> None:
        """The answers do not change with thousands of other statements in the same file."""
        seen: Counter[str] = Counter()
        sizes: list[int] = []

        @settings(max_examples=3)
        @given(st.lists(accounts(), min_size=20, max_size=20), st.booleans(), RANDOMS)
        def agree(drawn: list[Account], case_sensitive: bool, random: Random) -> None:
            people = [person for statement in together(drawn) for person in copies(statement)]
            fast = load(people, case_sensitive)
            sizes.append(len(people))
            found = [hit(random, random.choice(people), case_sensitive) for _ in range(3)]
            for address in [text for drawn in found for text in (drawn, drawn[:-1], drawn[:3] + drawn[4:])]:
                right = naive_lookup(people, address, case_sensitive)
                self.assertEqual((address, verdict(fast.resolve(address))), (address, right))
                seen[kind(right)] += 1

        agree()
        self.assertGreater(max(sizes), 2000)
        self.assert_often(seen, scaled=False, hit=6, near_miss=1)
        self.assertGreaterEqual(seen["miss"] + seen["near miss"], 6, seen)


class NearMissTests(SynchronousTestCase):
    """An address with the shape of a statement and a wrong code is a near miss of its account."""

    def policy(self, statements: str) -> Policy:
        """Load statements."""
        return parse_configuration(statements, "test.conf").policy

    def assert_near_misses(self, statements: str, table: dict[str, tuple[str, ...]]) -> None:
        """Assert the near misses of addresses, whether readings are tried or counted."""
        policy = self.policy(statements)
        for address, owners in table.items():
            reason = NotFoundReason.WRONG_CODE if owners else NotFoundReason.NO_MATCH
            self.assertEqual((address, NotFound(reason, owners)), (address, policy.resolve(address)))
            for few in (0, TRIES):
                wanted = Verdict(near_misses=frozenset(owners))
                self.assertEqual((address, few, wanted), (address, few, tried_or_counted(policy, address, few)))

    def test_counted(self) -> None:
        """Addresses whose readings are counted have near misses, like those whose readings are tried."""
        policy = self.policy("ACCOUNT foo MATCHES %alnum%x%alpha%.%code% WITH CHARS(2);")
        near_miss = NotFound(NotFoundReason.WRONG_CODE, ("foo",))
        self.assertEqual(near_miss, policy.resolve("abcxword.9"))
        self.assertEqual(near_miss, policy.resolve("1x" * 12 + "abc.9"))
        keys = {
            f"{'1x' * repeats}{'abcdefghij'[:length]}.{code}"
            for repeats in range(12, 22)
            for length in range(1, 11)
            for code in range(11, 21)
        }
        self.assertEqual(1000, len(keys))
        self.assertEqual([], [key for key in sorted(keys) if policy.resolve(key) != near_miss])
        self.assertEqual(Found("foo", "foo"), policy.resolve("1x" * 12 + "abc.3"))

    def test_any_code(self) -> None:
        """The code may be any text, also one that holds the literal after it."""
        self.assert_near_misses(
            "ACCOUNT foo MATCHES %account%-%code%--%alpha% WITH CHARS();",
            {
                "foo-x--abc": ("foo",),
                "foo-3-2--abc": ("foo",),
                "foo-3--2--abc": ("foo",),
                "foo-3---abc": ("foo",),
                "foo---abc": (),
                "foo----abc": ("foo",),
                "foo-3--": (),
                "foo-3--a1": (),
                "foo-3--a1--b": ("foo",),
            },
        )

    def test_of_the_same_account(self) -> None:
        """An account is a near miss once, however many of its statements and aliases have the shape."""
        self.assert_near_misses(
            "ACCOUNT foo ALIASED a, b MATCHES %alpha%%number%-%alias%.%code% WITH CHARS(1);"
            "ACCOUNT bar MATCHES %alnum%-%alnum%.%code% WITH CHARS(1);"
            "ACCOUNT foo MATCHES %alnum%-%ident%.%code% WITH CHARS(1);",
            {"c1-a.9": ("bar", "foo"), "c1-c.9": ("bar", "foo"), "c1-c_c.9": ("foo",), "c1-_.9": ()},
        )

    def test_no_shape(self) -> None:
        """An address in which an identifier is not of its class, or that has no code, is no near miss."""
        repeated = "1x" * 12
        self.assert_near_misses(
            "ACCOUNT foo MATCHES %alnum%x%alpha%.%code% WITH CHARS(2);",
            {f"{repeated}ab1.9": (), f"{repeated}abc.": (), f"{repeated}abc": (), f"{repeated}.9": ()},
        )
