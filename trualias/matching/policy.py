"""The account statements of a configuration, compiled for lookups."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from trualias.language.rule import Rule, folding
from trualias.matching.index import Candidate, Index
from trualias.matching.lookup_record import LookupRecord, StepBudgetExceeded
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
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

    ``rules`` are the statements in the order of the file; ``accounts`` and ``aliases`` all their names as spelled.
    ``pause`` is called at each statement, each name of a list and each key of the index.
    """

    def __init__(self, rules: Sequence[Rule], case_sensitive: bool, pause: Callable[[], None] = lambda: None) -> None:
        self.rules = tuple(rules)
        self.case_sensitive = case_sensitive
        self.accounts = frozenset(name for rule in rules for name in rule.accounts)
        self.aliases = frozenset(name for rule in rules for name in rule.aliases)
        self._fold = folding(case_sensitive)
        self._index = Index(self._fold)
        for rule in self.rules:
            pause()
            self._index.add(Matcher(rule, self._fold), pause)
        self._index.finish(pause)

    def resolve(self, local_part: str) -> PolicyOutcome:
        """Return which account a local part belongs to.

        Any text is allowed: one that is longer than 64 octets or holds other characters than atext and '.' matches
        nothing.
        """
        if not _LOCAL_PART(local_part):
            return _NO_MATCH
        text = self._fold(local_part)
        candidates = self._index.candidates(text)
        return self._choose(candidates, LookupRecord(text)) if candidates else _NO_MATCH

    def resolve_counting(self, local_part: str) -> tuple[PolicyOutcome, int]:
        """Resolve a local part; return the outcome and the steps that it took."""
        if not _LOCAL_PART(local_part):
            return _NO_MATCH, 0
        record = LookupRecord(self._fold(local_part))
        return self._choose(self._index.candidates(record.text), record), record.steps

    @property
    def size(self) -> str:
        """The number of statements and accounts, in words."""
        return f"{number_of(len(self.rules), 'statement')}, {number_of(len(self.accounts), 'account')}"

    def fold(self, text: str) -> str:
        """Make a text comparable: lower case where ``CASE SENSITIVE`` is no."""
        return self._fold(text)

    def candidates(self, local_part: str) -> Sequence[Candidate]:
        """Return the statements and names to compare with a local part; all others cannot match it."""
        return self._index.candidates(self._fold(local_part))

    def parts(self) -> list[object]:
        """Return the parts of the policy, for releasing a large one a few parts at a time."""
        return [*self.rules, *self._index.parts()]

    def _choose(self, candidates: Sequence[Candidate], record: LookupRecord) -> PolicyOutcome:
        account: str | None = None
        spelled = ""
        readings = 0
        others: dict[str, str] = {}
        near_misses: list[str] = []
        try:
            for candidate in candidates:
                count = candidate.matcher.count(record, candidate.account, candidate.alias)
                if not count:
                    if record.shape_matches:
                        near_misses.append(candidate.spelled)
                elif account is None or account == candidate.account:
                    account = candidate.account
                    spelled = spelled or candidate.spelled
                    readings += count
                else:
                    others.setdefault(candidate.account, candidate.spelled)
        except StepBudgetExceeded:
            return BudgetExceeded()
        if account is None:
            if not near_misses:
                return _NO_MATCH
            return NotFound(NotFoundReason.WRONG_CODE, tuple(dict.fromkeys(near_misses)))
        if others:
            return Ambiguous(tuple(sorted([spelled, *others.values()])))
        return Found(spelled, spelled, readings if readings < 2 else 2)
