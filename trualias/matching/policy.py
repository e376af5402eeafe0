"""The account statements of a configuration, compiled for lookups."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from trualias.language.pauses import with_pauses
from trualias.language.rule import Rule, folding
from trualias.matching.candidate import Candidate
from trualias.matching.domain_indexes import DomainIndexes
from trualias.matching.index import Comparable, Index
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.pairs import NamePairs
from trualias.matching.skeleton import Division, SkeletonGroup, TooManyDivisions
from trualias.messages import number_of

LONGEST = 64
"""Octets that a local part may have (RFC 5321, section 4.5.3.1.1)."""

_LOCAL_PART = re.compile(rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~.]{{1,{LONGEST}}}").fullmatch
_NO_MATCH = NotFound(NotFoundReason.NO_MATCH)


def is_local_part(text: str) -> bool:
    """Return whether a text can be an alias: at most 64 characters of atext and dots."""
    return _LOCAL_PART(text) is not None


class Policy:
    """The account statements of a configuration, which decide to whom local parts belong.

    ``rules`` are the statements in the order of the file. The ``retired`` ones are a policy of their own, None for
    none, which lookups consult for known aliases alone. ``all_rules`` are both; ``accounts`` and ``aliases`` all their
    names as spelled, and ``statements_at`` the number of those with ``AT``. ``pause`` is called at each statement, each
    name of a list and each key of an index.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        case_sensitive: bool,
        pause: Callable[[], None] = lambda: None,
        retired: Policy | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self.retired = retired
        self.all_rules = self.rules if retired is None else self.rules + retired.rules
        self.case_sensitive = case_sensitive
        self.accounts = _all_names((rule.accounts for rule in self.all_rules), pause)
        self.aliases = _all_names((rule.aliases for rule in self.all_rules), pause)
        self.statements_at = sum(rule.domains is not None for rule in with_pauses(self.all_rules, pause))
        self._fold = folding(case_sensitive)
        self._indexes = DomainIndexes(self.rules, self._fold, LONGEST, pause)

    def resolve(self, local_part: str, domain: str | None = None, taken: int = 0) -> PolicyOutcome:
        """Return which account a local part belongs to in a folded domain; None is the local-part table.

        Any text is allowed: one that is longer than 64 octets or holds other characters than atext and '.' matches
        nothing. ``taken`` are the steps that the lookup took before, of the same budget.
        """
        if not _LOCAL_PART(local_part):
            return _NO_MATCH
        text = self._fold(local_part)
        try:
            comparables = self._find(text, domain)
            return self._choose(comparables, LookupRecord(text, taken)) if comparables else _NO_MATCH
        except StepBudgetExceeded:
            return BudgetExceeded()

    def resolve_counting(self, local_part: str, domain: str | None = None) -> tuple[PolicyOutcome, int]:
        """Resolve a local part; return the outcome and the steps that it took."""
        if not _LOCAL_PART(local_part):
            return _NO_MATCH, 0
        record = LookupRecord(self._fold(local_part))
        try:
            return self._choose(self._find(record.text, domain), record), record.steps
        except StepBudgetExceeded:
            return BudgetExceeded(), max(record.steps, BUDGET + 1)

    def accepting(self, local_part: str, domain: str | None = None) -> frozenset[Rule]:
        """Return the statements that accept a local part in a folded domain; none if that takes too many steps."""
        if not _LOCAL_PART(local_part):
            return frozenset()
        record = LookupRecord(self._fold(local_part))
        try:
            return frozenset(
                candidate.matcher.rule
                for candidate in self.candidates(local_part, domain)
                if candidate.matcher.count(record, candidate.account, candidate.alias)
            )
        except StepBudgetExceeded:
            return frozenset()

    @property
    def size(self) -> str:
        """The number of statements and accounts, in words."""
        return f"{number_of(len(self.all_rules), 'statement')}, {number_of(len(self.accounts), 'account')}"

    def fold(self, text: str) -> str:
        """Make a text comparable: lower case where ``CASE SENSITIVE`` is no."""
        return self._fold(text)

    def candidates(self, local_part: str, domain: str | None = None) -> Sequence[Candidate]:
        """Return the statements and names to compare with a local part; all others cannot match it in the domain."""
        text = self._fold(local_part)
        return [candidate for index in self._indexes.at(domain) for candidate in index.candidates(text)]

    @property
    def domains(self) -> frozenset[str]:
        """The domains that statements name after ``AT``, folded."""
        retired = frozenset[str]() if self.retired is None else self.retired.domains
        return self._indexes.domains | retired

    def _find(self, text: str, domain: str | None) -> Sequence[Comparable]:
        """Return what to compare with a folded text.

        Raises:
            StepBudgetExceeded: several keys occur in it, with too many candidates.
        """
        indexes = self._indexes.general if domain is None else self._indexes.at(domain)
        if len(indexes) == 1:
            return indexes[0].find(text)
        return [comparable for index in indexes for comparable in index.find(text)]

    @property
    def indexes(self) -> Sequence[Index]:
        """The indexes that lookups search, without those of the retired statements.

        Only the policy's own methods search them, so that they are out of use once the policy is freed.
        """
        return self._indexes.all

    def _choose(self, comparables: Sequence[Comparable], record: LookupRecord) -> PolicyOutcome:
        """Compare a text with statements.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        groups: Sequence[_Divided] = ()
        if self._indexes.has_several:
            candidates, groups = _divided(comparables, record)
        else:
            candidates = comparables  # type: ignore[assignment]  # all of them
            if len(candidates) == 1:
                return _outcome_of_one(candidates[0], record)
        record.step(len(candidates))
        owners: dict[str, str] = {}
        readings = 0
        near_misses: list[str] = []
        for candidate in candidates:
            count = candidate.matcher.count(record, candidate.account, candidate.alias)
            if count:
                owners.setdefault(candidate.account, candidate.spelled)
                readings += count
            elif record.shape_matches:
                near_misses.append(candidate.spelled)
        for group, divisions in groups:
            for candidate in group.verified(record, divisions):
                owners.setdefault(candidate.account, candidate.spelled)
                readings += 1
        if not owners:
            for group, divisions in groups:
                near_misses += group.near_misses(record, divisions)
            return NotFound(NotFoundReason.WRONG_CODE, tuple(dict.fromkeys(near_misses))) if near_misses else _NO_MATCH
        if len(owners) > 1:
            return Ambiguous(tuple(sorted(owners.values())))
        (spelled,) = owners.values()
        return Found(spelled, spelled, readings if readings < 2 else 2)


def _all_names(lists: Iterable[Sequence[str]], pause: Callable[[], None]) -> frozenset[str]:
    names = chain.from_iterable(with_pauses(lists, pause))  # a list can be empty, or have a million
    return frozenset(with_pauses(names, pause))


def _outcome_of_one(candidate: Candidate, record: LookupRecord) -> PolicyOutcome:
    """Compare a text with the only candidate: a short way for most lookups."""
    if count := candidate.matcher.count(record, candidate.account, candidate.alias):
        return Found(candidate.spelled, candidate.spelled, count)
    return NotFound(NotFoundReason.WRONG_CODE, (candidate.spelled,)) if record.shape_matches else _NO_MATCH


_Divided = tuple[SkeletonGroup, list[Division]]


def _divided(comparables: Sequence[Comparable], record: LookupRecord) -> tuple[list[Candidate], list[_Divided]]:
    """Return the candidates to compare with a text one by one, and the groups with the ways to divide it.

    Raises:
        StepBudgetExceeded: too many steps were needed.
    """
    record.step(len(comparables))
    candidates: list[Candidate] = []
    groups: list[_Divided] = []
    for one in comparables:
        if isinstance(one, Candidate):
            candidates.append(one)
            continue
        if isinstance(one, NamePairs):
            candidates += one.possible(record)
            continue
        try:
            groups.append((one, one.divide(record)))
        except TooManyDivisions:
            candidates += one.candidates
    return candidates, groups
