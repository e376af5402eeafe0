"""Tests of policies and keys made to be slow, found by ``python -m benchmarks.hostile``."""

import json
from importlib.resources import files

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.matching.lookup_record import BUDGET
from trualias.matching.outcome import BudgetExceeded, Found, NotFound


class HostileTests(SynchronousTestCase):
    """The steps of the worst known lookups, which are the same on every machine."""

    cases = json.loads(files("trualias.testing").joinpath("hostile_cases.json").read_text("utf-8"))

    def test_no_more_steps(self) -> None:
        """No case of ``hostile_cases.json`` takes more steps than recorded there."""
        self.assertGreaterEqual(len(self.cases), 20)
        for case in self.cases:
            _, steps = parse_configuration(case["policy"], "hostile.conf").policy.resolve_counting(case["key"])
            self.assertLessEqual(steps, case["steps"], f"{case['policy']}\n{case['key']}")

    def test_counted_instead_of_enumerated(self) -> None:
        """An address with tens of thousands of readings takes fewer than a thousand steps."""
        policy = parse_configuration(
            "ACCOUNT baz MATCHES %alpha%x%alpha%x%alpha%x%alpha%.%code% "
            "WITH VOWELS(1), VOWELS(2), VOWELS(3), VOWELS(4);",
            "hostile.conf",
        ).policy
        outcome, steps = policy.resolve_counting("x" * 57 + ".0000")
        self.assertEqual(Found("baz", "baz", readings=2), outcome)
        self.assertLess(steps, 1000)

    def test_pairs(self) -> None:
        """The pairs of the accounts and aliases in an address are steps."""
        names = ",".join("x" * length for length in range(1, 61))
        self.assert_exceeds(
            f"ACCOUNT {names} ALIASED {names} MATCHES %alnum%x%account%x%alnum%x%alias%x%code% WITH CHARS(1);", "x" * 64
        )

    def test_attempts(self) -> None:
        """The attempts to read an address are steps, also those after which the next statement is compared."""
        literals = [before + after for before in ("x", "y", "xy", "yx", "xx") for after in ("x", "y", "xy", "yx", "xx")]
        texts = [
            f"ACCOUNT u{number}n{other} MATCHES %alnum%{one}%alnum%{two}%code% WITH CHARS(1), CHARS(2);"
            for number, one in enumerate(dict.fromkeys(literals))
            for other, two in enumerate(dict.fromkeys(literals))
        ]
        self.assert_exceeds("\n".join(texts), "xy" * 16 + "yx" * 16)

    def assert_exceeds(self, text: str, key: str) -> None:
        """Assert that a lookup exceeds its budget, but not by more than the steps of one statement."""
        outcome, steps = parse_configuration(text, "hostile.conf").policy.resolve_counting(key)
        self.assertEqual(BudgetExceeded(), outcome)
        self.assertLess(BUDGET, steps)
        self.assertLess(steps, BUDGET + 500)

    def test_letter_after_a_digit(self) -> None:
        """A digit and a letter after it are no count of two digits, wherever the code may go on after them."""
        policy = parse_configuration(
            "ACCOUNT foo MATCHES %alnum%x%code%1%alpha% WITH ANY(2), VOWELS(1), ANY(1), ALPHAS(1);", "hostile.conf"
        ).policy
        key = "11x11xxx1x111111x11xxxxxxx11111xx111111xx11xx1001x1xxxx1xxx11111"
        self.assertIsInstance(policy.resolve(key), NotFound)
