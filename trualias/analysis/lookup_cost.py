"""A search for ordinary addresses whose lookups need much of the budget of steps."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from trualias.analysis.composition import CannotCompose, Target, compose
from trualias.language.rule import Rule
from trualias.language.tree import FieldClass, NameKind
from trualias.matching.lookup_record import BUDGET
from trualias.matching.matcher import Matcher
from trualias.matching.policy import Policy

LIMIT = BUDGET // 10
"""The steps that an ordinary address may take without a warning."""

MOST_STATEMENTS = 1_000
"""The number of statements of which addresses are looked up; of more, every nth."""

_WORDS = (
    {
        FieldClass.ALPHA: "google",
        FieldClass.NUMBER: "2024",
        FieldClass.ALNUM: "google",
        FieldClass.IDENT: "google",
        FieldClass.FQDN: "example.com",
    },
    {
        FieldClass.ALPHA: "x",
        FieldClass.NUMBER: "1",
        FieldClass.ALNUM: "web2",
        FieldClass.IDENT: "my_list",
        FieldClass.FQDN: "www.example.co.uk",
    },
)


@frozen(eq=False)
class CostlyAddress:
    """An ordinary address of a statement, and the steps of its lookup; these are more than ``BUDGET`` if it fails."""

    rule: Rule
    local_part: str
    steps: int

    @property
    def cost(self) -> str:
        """The cost in words, as the end of a sentence about the lookup."""
        if self.steps > BUDGET:
            return f"takes more than the {BUDGET:,} steps that it may take"
        return f"takes {self.steps:,} of the {BUDGET:,} steps that it may take"


def find_costly(policy: Policy) -> CostlyAddress | None:
    """Return the first ordinary address found that takes more than ``LIMIT`` steps."""
    number = len(policy.rules)
    stride = -(-number // MOST_STATEMENTS)
    for rule in policy.rules[:: max(1, stride)]:
        for local_part in _addresses(policy, rule):
            _, steps = policy.resolve_counting(local_part)
            if steps > LIMIT:
                return CostlyAddress(rule, local_part, steps)
    return None


def _addresses(policy: Policy, rule: Rule) -> Iterator[str]:
    """Yield addresses of a statement's longest names, which hold most of the others."""
    account = max(rule.accounts, key=len)
    alias = max(rule.aliases, key=len, default="")
    names = {NameKind.ACCOUNT: policy.fold(account), NameKind.ALIAS: policy.fold(alias)}
    matcher = Matcher(rule, policy.fold)
    target = Target(rule, account, alias, names, lambda: matcher)
    for words in _WORDS:
        composed = compose(policy, target, [words[field_class] for field_class in rule.identifiers], attempts=1)
        if not isinstance(composed, CannotCompose):
            yield composed.local_part
