"""Tests of groups: statements that differ only in classes and codes, compared with an address together."""

from __future__ import annotations

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.matching.lookup_record import BUDGET
from trualias.matching.outcome import Ambiguous, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy


def policy_of(*statements: str) -> Policy:
    """Return the policy of statements."""
    return parse_configuration("\n".join(statements), "test.conf").policy


def near_miss(*accounts: str) -> NotFound:
    """Return the outcome for a wrong code."""
    return NotFound(NotFoundReason.WRONG_CODE, accounts)


def of_all_classes(separator: str, identifiers: int, code: str) -> Policy:
    """Return a policy with an account for each combination of four classes; ``#`` in the code is its number."""
    return policy_of(
        *[
            f"ACCOUNT u{number} MATCHES {''.join(f'%{name}%{separator}' for name in names)}%code% "
            f"WITH {code.replace('#', str(number))};"
            for number, names in enumerate(product(("alpha", "number", "alnum", "ident"), repeat=identifiers))
        ]
    )


class GroupTests(SynchronousTestCase):
    """The outcomes and steps of addresses that find many statements."""

    def assert_outcomes(self, policy: Policy, table: dict[str, PolicyOutcome]) -> None:
        """Assert the outcomes, each with at most a tenth of the budget."""
        for address, outcome in table.items():
            found, steps = policy.resolve_counting(address)
            self.assertEqual((address, outcome), (address, found))
            self.assertEqual((address, outcome), (address, policy.resolve(address)))
            self.assertLess(steps, BUDGET // 10, address)

    def test_classes(self) -> None:
        """The classes of the parts of an address decide among accounts with one code."""
        self.assert_outcomes(
            of_all_classes(".", 2, "CHARS(1), VOWELS(2)"),
            {
                "ab.1_a.21": Ambiguous(("u11", "u15", "u3")),
                "ab.1_a.20": near_miss("u3", "u11", "u15"),
                "1_1.a_b.31": Found("u15", "u15"),
                "1_1.a_b.30": near_miss("u15"),
                "_1.a_b.20": NotFound(NotFoundReason.NO_MATCH),
                "a-b.c.10": NotFound(NotFoundReason.NO_MATCH),
                "a.b.": NotFound(NotFoundReason.NO_MATCH),
            },
        )

    def test_literals_of_codes(self) -> None:
        """The literal in a code leads to the statement, however many there are."""
        statements = [
            f"ACCOUNT shop MATCHES %account%-%alpha%-%code% WITH x{number}, CHARS(1);" for number in range(3000)
        ]
        other = "ACCOUNT shop MATCHES %account%-%alpha%-%code% WITH CHARS(1), CHARS(account), -, NONE(1), ANY(alias);"
        self.assert_outcomes(
            policy_of(*statements, other.replace("alias", "account")),
            {
                "shop-abc-x29993": Found("shop", "shop"),
                "shop-abc-x29994": near_miss("shop"),
                "shop-abc-34-zo": Found("shop", "shop"),
                "shop-abc-34-az": near_miss("shop"),
                "shop-abc-x103": Found("shop", "shop"),
                "shop-a1-x11": NotFound(NotFoundReason.NO_MATCH),
                "shop-abc": NotFound(NotFoundReason.NO_MATCH),
            },
        )

    def test_class_decides_on_the_code(self) -> None:
        """``NONE`` allows other characters for other classes."""
        policy = of_all_classes("-", 2, "NONE(1)")
        self.assert_outcomes(
            policy,
            {
                "a1-1-b": Ambiguous(("u10", "u11", "u13", "u14", "u15", "u9")),
                "a1-1-_": Ambiguous(("u13", "u14", "u15")),
                "a1-1-a": near_miss("u9", "u10", "u11", "u13", "u14", "u15"),
            },
        )

    def test_several_divisions(self) -> None:
        """Each way to divide an address counts."""
        policy = policy_of(
            *[f"ACCOUNT foo MATCHES %account%x%alnum%x%ident%x%code% WITH CHARS(1), {code};" for code in "abcdefghi"],
        )
        self.assert_outcomes(
            policy,
            {
                "fooxaxbx1a": Found("foo", "foo"),
                "fooxaxbxcx3i": Found("foo", "foo"),
                "fooxaxbxcx2i": near_miss("foo"),
                "fooxaxbx1z": near_miss("foo"),
                "fooxax1a": NotFound(NotFoundReason.NO_MATCH),
            },
        )

    def test_many_divisions(self) -> None:
        """Where an address can be divided in too many ways, the readings of each statement are counted."""
        names = "".join(f"%{name}%x" for name in ("alnum",) * 5)
        policy = policy_of(*[f"ACCOUNT foo MATCHES %account%-{names}%code% WITH CHARS(1), {c};" for c in "abcdefgh"])
        self.assertEqual(Found("foo", "foo", 2), policy.resolve(f"foo-{'x' * 40}x1a"))
        self.assertEqual(near_miss("foo"), policy.resolve(f"foo-{'x' * 40}x1z"))

    def test_code_first(self) -> None:
        """The code may be before the identifiers, between two of them, or before a literal at the end."""
        classes = ("alpha", "number", "alnum", "ident")
        for expression, address in (
            ("%code%.%{}%.%{}%", "21y.ab.1_a"),
            ("%{}%.%code%.%{}%", "ab.21y.1_a"),
            ("%{}%.%{}%.%code%-list", "ab.1_a.21y-list"),
        ):
            statements = [
                f"ACCOUNT u{number} MATCHES {expression.format(*names)} "
                f"WITH CHARS(1), VOWELS(2), {'y' if number == 3 else 'x'};"
                for number, names in enumerate(product(classes, repeat=2))
            ]
            self.assert_outcomes(policy_of(*statements), {address: Found("u3", "u3")})

    def test_thousands(self) -> None:
        """An ordinary address of 4,096 statements with the same literals takes less than a tenth of the budget."""
        policy = of_all_classes(".", 6, "CHARS(1), VOWELS(2)")
        outcome, steps = policy.resolve_counting("abc.1.de.f.3a.g.31")
        self.assertIsInstance(outcome, NotFound)
        self.assertLess(steps, BUDGET // 10)
        outcome, steps = policy.resolve_counting("abc.1.de.f.3a.g.30")
        self.assertIsInstance(outcome, Ambiguous)
        self.assertLess(steps, BUDGET // 10)


class CrowdedKeyTests(SynchronousTestCase):
    """Statements that share their longest literal are found by another text of their addresses."""

    def test_other_key(self) -> None:
        """The account leads to its statement although the literal is longer."""
        policy = policy_of(
            *[
                f"ACCOUNT u{number} MATCHES %account%-%alpha%-for-example-%code% WITH CHARS(1);"
                for number in range(1000)
            ]
        )
        self.assertEqual((Found("u77", "u77"), 2), policy.resolve_counting("u77-abc-for-example-3"))
        self.assertEqual([], list(policy.candidates("u-abc-for-example-3")))
        (candidate,) = policy.candidates("u999-abc-for-example-3")
        self.assertEqual("u999", candidate.account)
