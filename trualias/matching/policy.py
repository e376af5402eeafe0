"""All account statements of a configuration, ready to answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from trualias.language.memo import BoundedMemo
from trualias.language.rule import Rule, folding
from trualias.language.spans import Spans, StepBudgetExceeded
from trualias.matching.index import Candidate, Index
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.messages import number_of

LONGEST = 64
"""Octets that a local part may have (RFC 5321, section 4.5.3.1.1)."""

_LOCAL_PART = re.compile(rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~.]{{1,{LONGEST}}}").fullmatch
_NO_MATCH = NotFound(NotFoundReason.NO_MATCH)


class Policy:
    """What a configuration says of local parts.

    ``rules`` are the statements in the order of the file; ``accounts`` and ``aliases`` all their names as spelled.
    """

    def __init__(self, rules: Sequence[Rule], case_sensitive: bool, pause: Callable[[], None] = lambda: None) -> None:
        self.rules = tuple(rules)
        self.case_sensitive = case_sensitive
        self.accounts = frozenset(name for rule in rules for name in rule.accounts)
        self.aliases = frozenset(name for rule in rules for name in rule.aliases)
        self._fold = folding(case_sensitive)
        self._index = Index(self._fold)
        # The checks make one object of most equal expressions or items.
        matchers: BoundedMemo[tuple[int, int], Matcher] = BoundedMemo()
        for number, rule in enumerate(self.rules):
            if number % 50 == 0:
                pause()
            key = id(rule.expression), id(rule.items)
            matcher = matchers[key] = Matcher(rule, self._fold, twin=matchers.get(key))
            self._index.add(matcher, pause)
        self._index.finish(pause)

    def resolve(self, local_part: str) -> PolicyOutcome:
        """Say which account a local part belongs to.

        Anything may be asked: what is longer than 64 octets or holds other characters than atext and '.' matches
        nothing.
        """
        return self._resolve(local_part)[0]

    def resolve_counting(self, local_part: str) -> tuple[PolicyOutcome, int]:
        """Resolve, and tell the steps that it took."""
        return self._resolve(local_part)

    @property
    def size(self) -> str:
        """How much it has, in words."""
        return f"{number_of(len(self.rules), 'statement')}, {number_of(len(self.accounts), 'account')}"

    def fold(self, text: str) -> str:
        """Make a text comparable: lower case where ``CASE SENSITIVE`` is no."""
        return self._fold(text)

    def candidates(self, local_part: str) -> Sequence[Candidate]:
        """The statements and names that have to be compared with a local part; all others cannot match it."""
        return self._index.candidates(self._fold(local_part))

    def parts(self) -> list[object]:
        """What the policy is made of: who drops one can let go of it a few parts at a time, since it may be large."""
        return [*self.rules, *self._index.parts()]

    def _resolve(self, local_part: str) -> tuple[PolicyOutcome, int]:
        if not _LOCAL_PART(local_part):
            return _NO_MATCH, 0
        text = self._fold(local_part)
        candidates = self._index.candidates(text)
        if not candidates:
            return _NO_MATCH, 0
        spans = Spans(text)
        try:
            return self._choose(candidates, spans), spans.steps
        except StepBudgetExceeded:
            return BudgetExceeded(), spans.steps

    def _choose(self, candidates: Sequence[Candidate], spans: Spans) -> PolicyOutcome:
        account: str | None = None
        spelled = ""
        readings = 0
        others: dict[str, str] = {}
        near: list[str] = []
        for candidate in candidates:
            spans.shaped = False
            count = candidate.matcher.count(spans, candidate.account, candidate.alias)
            if not count:
                if spans.shaped:
                    near.append(candidate.spelled)
            elif account is None or account == candidate.account:
                account = candidate.account
                spelled = spelled or candidate.spelled
                readings += count
            else:
                others.setdefault(candidate.account, candidate.spelled)
        if account is None:
            return NotFound(NotFoundReason.WRONG_CODE, tuple(dict.fromkeys(near))) if near else _NO_MATCH
        if others:
            return Ambiguous(tuple(sorted([spelled, *others.values()])))
        return Found(spelled, spelled, readings if readings < 2 else 2)
