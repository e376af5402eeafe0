"""The indexes of a policy's statements by their domains.

Statements without ``AT`` have one index. Those with the same domains share another one, so that a statement with many
names and many domains is entered once. A domain that is in many such sets has an index of its own instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trualias.language.pauses import with_pauses
from trualias.language.rule import Rule
from trualias.matching.index import Index
from trualias.matching.matcher import Matcher

FEW = 4
"""Sets of domains with which a domain needs no index of its own: each set takes one more pass over a local part."""


class DomainIndexes:
    """The indexes to search for each domain.

    ``longest`` is the number of characters of the longest local part. ``pause`` is called at each statement, each name
    of a list and each key of an index. ``has_several``: what an index finds may be groups or pairs of names.
    """

    def __init__(
        self, rules: Sequence[Rule], fold: Callable[[str], str], longest: int, pause: Callable[[], None]
    ) -> None:
        self._fold = fold
        self._longest = longest
        self._pause = pause
        # How the file first spells an account, by its folded name: the same in all indexes.
        self._spelled: dict[str, str] = {}
        self._general = Index(fold, longest, self._spelled)
        by_set: dict[frozenset[str], list[Matcher]] = {}
        for rule in rules:
            pause()
            matcher = Matcher(rule, fold)
            for name in with_pauses(rule.accounts, pause):
                self._spelled.setdefault(fold(name), name)
            if rule.domains is None:
                self._general.add(matcher, pause)
            else:
                by_set.setdefault(rule.domains, []).append(matcher)
        self._general.finish(pause)
        self._indexes = [self._general]
        self.general = (self._general,)
        self._by_domain: dict[str, tuple[Index, ...]] = {}
        self._build(by_set)
        self._spelled = {}
        self.has_several = any(index.has_several for index in self._indexes)

    def _build(self, by_set: dict[frozenset[str], list[Matcher]]) -> None:
        sets_of_domain: dict[str, list[frozenset[str]]] = {}
        for domains in by_set:
            for domain in domains:
                sets_of_domain.setdefault(domain, []).append(domains)
        shared: dict[frozenset[str], Index] = {}
        for domain, sets in sets_of_domain.items():
            if len(sets) > FEW:
                own = self._make([matcher for domains in sets for matcher in by_set[domains]])
                found: tuple[Index, ...] = (own,)
            else:
                for domains in sets:
                    if domains not in shared:
                        shared[domains] = self._make(by_set[domains])
                found = tuple([shared[domains] for domains in sets])
            self._by_domain[domain] = found if self._general.is_empty else self.general + found

    def _make(self, matchers: Sequence[Matcher]) -> Index:
        index = Index(self._fold, self._longest, self._spelled)
        for matcher in matchers:
            self._pause()
            index.add(matcher, self._pause)
        index.finish(self._pause)
        self._indexes.append(index)
        return index

    @property
    def domains(self) -> frozenset[str]:
        """The domains that statements name after ``AT``, folded."""
        return frozenset(self._by_domain)

    def at(self, domain: str | None) -> tuple[Index, ...]:
        """Return the indexes of the statements for a folded domain; None is the local-part table, with ``general``."""
        return self.general if domain is None else self._by_domain.get(domain, self.general)

    @property
    def all(self) -> Sequence[Index]:
        """The indexes, each once."""
        return self._indexes
