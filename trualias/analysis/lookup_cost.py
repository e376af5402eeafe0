"""A search for ordinary addresses whose lookups need much of the budget of steps."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from trualias.analysis.composition import CannotCompose, compose, targets_of
from trualias.analysis.step_limit import LOOKUP_STEPS, Steps
from trualias.language.rule import Rule
from trualias.language.tree import FieldClass
from trualias.matching.lookup_record import BUDGET
from trualias.matching.outcome import PolicyOutcome
from trualias.matching.policy import Policy

LIMIT = BUDGET // 10
"""The steps that an ordinary address may take without a warning."""

STEPS = 50_000
"""The default limit of steps of the search, about half a second."""

_ADDRESS = 6
"""Steps to compose an address, beside its lookup."""

_STRIDE = 1_000
"""The number of statements, evenly spread over the policy, that are examined before those between them."""

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


@frozen(eq=False, repr=False)
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


@frozen
class LookupCost:
    """The first ordinary address found that takes more than ``LIMIT`` steps, if any; otherwise, how many of all
    statements were not examined."""

    costly: CostlyAddress | None
    unexamined: int
    statements: int


def find_costly(policy: Policy, limit: int = STEPS, advance: Callable[[float], None] = lambda part: None) -> LookupCost:
    """Look up ordinary addresses of each statement, until one is costly or ``limit`` steps are taken.

    ``advance`` is called with the number of steps each time that some are taken.
    """
    steps = Steps(limit, advance)
    number = len(policy.rules)
    stride = max(1, -(-number // _STRIDE))
    examined = 0
    costly = None
    for rule in (rule for first in range(stride) for rule in policy.rules[first::stride]):
        if steps.left <= 0 or costly:
            break
        costly = _costly_address(policy, rule, steps)
        examined += 1
    steps.finish()
    return LookupCost(costly, 0 if costly else number - examined, number)


def _costly_address(policy: Policy, rule: Rule, steps: Steps) -> CostlyAddress | None:
    """Look up addresses of a statement's longest names, which hold most of the others."""
    account = max(rule.accounts, key=len)
    alias = max(rule.aliases, key=len, default="")
    (target,) = targets_of(rule, policy.fold, [alias], [account])
    taken = 0

    def resolve(local_part: str) -> PolicyOutcome:
        nonlocal taken
        outcome, taken = policy.resolve_counting(local_part, rule.any_domain)
        return outcome

    for words in _WORDS:
        steps.take(_ADDRESS)
        chosen = [words[field_class] for field_class in rule.identifiers]
        composed = compose(policy, target, chosen, resolve=resolve, attempts=1)
        if isinstance(composed, CannotCompose):
            continue
        steps.take(taken // LOOKUP_STEPS)
        if taken > LIMIT:
            return CostlyAddress(rule, composed.local_part, taken)
    return None
