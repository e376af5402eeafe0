"""Collections by sets of domains."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.domain_groups import ALL, NARROW, DomainGroups
from trualias.test import trialprofile

trialprofile.load()

_DOMAINS = [f"d{number}.example" for number in range(NARROW + 4)]
SETS = st.one_of(st.just(ALL), st.frozensets(st.sampled_from(_DOMAINS[:6]), max_size=3), st.just(frozenset(_DOMAINS)))
"""No domains for all, few domains, and more than are found one by one."""


class DomainGroupsTests(SynchronousTestCase):
    """The collections of the sets that share a domain."""

    @given(st.lists(SETS, max_size=8), SETS)
    def test_sharing(self, entered: list[frozenset[str]], domains: frozenset[str]) -> None:
        """Each set that has a domain in common is found once, whatever the sizes; a set for all has one with any."""
        groups: DomainGroups[list[int]] = DomainGroups(list)
        for number, at in enumerate(entered):
            groups.of(at).append(number)
        expected = [number for number, at in enumerate(entered) if not at or not domains or at & domains]
        self.assertEqual(expected, sorted(number for group in groups.sharing(domains) for number in group))

    def test_few_compared(self) -> None:
        """Of many sets with one domain each, only those with the domain are looked at."""
        made: list[list[int]] = []

        def make() -> list[int]:
            made.append([])
            return made[-1]

        groups = DomainGroups(make)
        for number in range(1000):
            groups.of(frozenset([f"d{number}.example"])).append(number)
        self.assertEqual([[7]], list(groups.sharing(frozenset(["d7.example"]))))
        self.assertEqual(1000, len(made))
