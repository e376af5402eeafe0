"""Collections of what statements have in common, by the domains of the statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

NARROW = 16
"""The most domains of a set that is found by each of them; larger ones are compared one by one."""

ALL: frozenset[str] = frozenset()
"""The domains of a statement without ``AT``: all."""


class DomainGroups(Generic[_Value]):
    """A collection for each set of domains, made when first needed.

    With thousands of sets of few domains, those that share a domain with another such set are found without comparing
    it with all.
    """

    __slots__ = ("_by_domain", "_groups", "_make", "_wide")

    def __init__(self, make: Callable[[], _Value]) -> None:
        self._make = make
        self._groups: dict[frozenset[str], _Value] = {}
        self._wide: list[frozenset[str]] = []
        self._by_domain: dict[str, list[frozenset[str]]] = {}

    def of(self, domains: frozenset[str]) -> _Value:
        """Return the collection of a set of domains; ``ALL`` is one."""
        group = self._groups.get(domains)
        if group is None:
            group = self._groups[domains] = self._make()
            if 0 < len(domains) <= NARROW:
                for domain in domains:
                    self._by_domain.setdefault(domain, []).append(domains)
            else:
                self._wide.append(domains)
        return group

    def sharing(self, domains: frozenset[str]) -> Iterator[_Value]:
        """Yield the collections of the sets that have a domain in common with a set."""
        if 0 < len(domains) <= NARROW:
            narrow = {others: None for domain in domains for others in self._by_domain.get(domain, ())}
            yield from (self._groups[others] for others in narrow)
            yield from (self._groups[others] for others in self._wide if _share(domains, others))
        else:
            yield from (group for others, group in self._groups.items() if _share(domains, others))


def _share(domains: frozenset[str], others: frozenset[str]) -> bool:
    return not domains or not others or not domains.isdisjoint(others)
