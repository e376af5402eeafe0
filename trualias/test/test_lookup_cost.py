"""Tests of the search for ordinary addresses whose lookups need many steps."""

from __future__ import annotations

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.lookup_cost import CostlyAddress, find_costly
from trualias.configuration import parse_configuration
from trualias.matching.lookup_record import BUDGET


def costly_address(text: str) -> CostlyAddress | None:
    """Return what is found in a configuration."""
    return find_costly(parse_configuration(text, "test.conf").policy).costly


class CostTests(SynchronousTestCase):
    """The first address that takes more than a tenth of the budget."""

    def test_nothing(self) -> None:
        """Most policies have none, however large, nor has one without statements or without addresses."""
        people = "".join(
            f"ACCOUNT u{number} MATCHES %account%-%alpha%-for-example-%code% WITH CHARS(1);" for number in range(2_500)
        )
        for text in ("PORT: 1", people, f"ACCOUNT {'x' * 63} MATCHES %account%-%code% WITH CHARS(account);"):
            self.assertIsNone(costly_address(text), text[:60])

    def test_many_statements(self) -> None:
        """Thousands of statements with the same literals have one where the literals may stand in identifiers."""
        statements = "".join(
            f"ACCOUNT u{number} MATCHES {'_'.join(f'%{name}%' for name in names)}_%code% WITH CHARS(1);"
            for number, names in enumerate(product(("alpha", "number", "alnum", "ident"), repeat=6))
        )
        found = costly_address(statements)
        assert found is not None
        self.assertEqual(("google_google_google_google_google_google_6", 665), (found.local_part, found.steps))
        self.assertEqual(("u0",), found.rule.accounts)
        self.assertEqual("takes 665 of the 2,500 steps that it may take", found.cost)

    def test_limit(self) -> None:
        """The search ends at its limit of steps, and counts the statements that it did not examine."""
        policy = parse_configuration(
            "".join(f"ACCOUNT u{number} MATCHES u{number}-%alpha%-%code% WITH x;" for number in range(50)), "test.conf"
        ).policy
        taken: list[float] = []
        found = find_costly(policy, 240, advance=taken.append)
        self.assertEqual((None, 30, 50), (found.costly, found.unexamined, found.statements))
        self.assertEqual(240, sum(taken))
        taken.clear()
        self.assertEqual(0, find_costly(policy, 1_000, advance=taken.append).unexamined)
        self.assertEqual(1_000, sum(taken))

    def test_domain(self) -> None:
        """An address of a statement with AT is looked up in its domain."""
        names = ",".join("x" * length for length in range(1, 23))
        statement = f"ACCOUNT {names} AT a.example ALIASED {names} MATCHES %alnum%x%account%x%alnum%x%alias%x%code%"
        text = f"ALIAS DOMAINS: a.example\n{statement} WITH CHARS(1);"
        found = costly_address(text.replace(f" AT a.example ALIASED {names}", f" ALIASED {names} AT a.example"))
        assert found is not None
        self.assertGreater(found.steps, BUDGET)

    def test_budget_exceeded(self) -> None:
        """An address whose lookup fails is found, too."""
        names = ",".join("x" * length for length in range(1, 23))
        found = costly_address(
            f"ACCOUNT {names} ALIASED {names} MATCHES %alnum%x%account%x%alnum%x%alias%x%code% WITH CHARS(1);"
        )
        assert found is not None
        self.assertGreater(found.steps, BUDGET)
        self.assertEqual("takes more than the 2,500 steps that it may take", found.cost)
