"""A search for accounts that no address reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import islice, product

from attrs import frozen

from trualias.analysis.composition import ComposedAddress, Target, compose, targets_of
from trualias.analysis.step_limit import LOOKUP_STEPS, StepLimitReached, Steps
from trualias.language.fields import fits
from trualias.language.rule import Rule
from trualias.language.tree import FieldClass
from trualias.matching.outcome import Ambiguous, PolicyOutcome
from trualias.matching.policy import Policy

STEPS = 300_000
"""The default limit of steps, about three seconds."""

_EASY = 90
"""Steps for each account in the first round, which reach nearly any account: a few hard ones cannot use up all."""

_ADDRESS = 6
"""Steps to compose an address, beside its lookup."""

_ALIASES = 5
_ADDRESSES = 60
_CODES = 40

_WORDS = (
    "b",
    "1",
    "a",
    "x.y",
    "bcd",
    "b2",
    "42",
    "aeiou",
    "xyz.bc",
    "b_c",
    "google",
    "12345",
    "ab.cd.ef",
    "zzzzzzzzzzzz",
)
"""Words of all classes, the shortest of each class first."""


@frozen
class Unreached:
    """An account for which no address was found.

    If no address can be composed at all, ``reasons`` are the distinct reasons of its statements. Otherwise ``shared``
    are the other accounts that all ``tried`` addresses belong to.
    """

    target: Target
    reasons: tuple[str, ...]
    shared: tuple[str, ...]
    tried: int


@frozen
class Reachability:
    """The accounts that no address reaches, and how many of all accounts were not examined."""

    unreached: tuple[Unreached, ...]
    unexamined: int
    accounts: int


def find_unreached(
    policy: Policy,
    limit: int = STEPS,
    pause: Callable[[], None] = lambda: None,
    advance: Callable[[float], None] = lambda part: None,
) -> Reachability:
    """Compose addresses for each account, and find the accounts that none of them reaches.

    An account is a name in a domain: of statements with different domains, each has to reach its account. The first
    round, which has two thirds of the steps, examines all accounts for which few steps are enough, the second one the
    others, until ``limit`` steps are taken. ``advance`` is called with the number of steps each time that some are
    taken, ``pause`` at each account.
    """
    accounts: dict[tuple[str, frozenset[str] | None], list[tuple[Rule, str]]] = {}
    for rule in policy.rules:
        for account in rule.accounts:
            accounts.setdefault((policy.fold(account), rule.domains), []).append((rule, account))
    steps = Steps(limit, advance)
    everywhere: set[str] = set()
    found: dict[tuple[str, frozenset[str] | None], Unreached] = {}
    # Statements for all domains first: where they reach an account, they do so in each domain.
    open_accounts = sorted(accounts, key=lambda key: key[1] is not None)
    for share, reserve in ((_EASY, limit // 3), (limit, 0)):
        undecided = []
        for key in open_accounts:
            pause()
            account, domains = key
            if account in everywhere:
                continue
            if steps.left <= reserve:
                undecided.append(key)
                continue
            search = _Search(policy, accounts[key], min(share, steps.left), steps)
            try:
                unreached = search.run()
            except StepLimitReached:
                undecided.append(key)
                continue
            if unreached:
                found[key] = unreached
            elif domains is None:
                everywhere.add(account)
        open_accounts = undecided
    steps.finish()
    return Reachability(tuple([found[key] for key in accounts if key in found]), len(open_accounts), len(accounts))


class _Search:
    """A search for an address that reaches an account, by statements with a spelling of it each."""

    def __init__(self, policy: Policy, statements: Sequence[tuple[Rule, str]], share: int, steps: Steps) -> None:
        self._policy = policy
        self._statements = statements
        self._steps = steps
        self._end = steps.left - share

    def run(self) -> Unreached | None:
        """Return None if an address reaches the account, or if not enough aliases were tried to decide.

        Raises:
            StepLimitReached: more steps are needed.
        """
        reasons: dict[str, None] = {}
        shared: set[str] = set()
        tried = 0
        for target in self._targets():
            resolve = partial(self._resolve, target.rule.any_domain)
            words = product(*map(_words, target.rule.identifiers))
            for number, chosen in enumerate(islice(words, _ADDRESSES)):
                self._take(_ADDRESS)
                composed = compose(self._policy, target, chosen, resolve=resolve, attempts=_CODES)
                if isinstance(composed, ComposedAddress):
                    tried += 1
                    if not isinstance(composed.outcome, Ambiguous):
                        return None
                    shared.update(composed.outcome.accounts)
                elif number == 0:
                    # The shortest words: longer ones make a longer address, and leave no more choice of characters.
                    reasons[composed.reason] = None
        if not tried and any(len(rule.aliases) > _ALIASES for rule, _ in self._statements):
            return None
        fold = self._policy.fold
        first = next(self._targets())
        others = {name for name in shared if fold(name) != fold(first.account)}
        return Unreached(first, () if tried else tuple(reasons), tuple(sorted(others)), tried)

    def _targets(self) -> Iterator[Target]:
        for rule, account in self._statements:
            shortest = sorted(rule.aliases, key=len)[:_ALIASES]
            yield from targets_of(rule, self._policy.fold, shortest, [account])

    def _resolve(self, domain: str | None, local_part: str) -> PolicyOutcome:
        outcome, taken = self._policy.resolve_counting(local_part, domain)
        self._take(taken // LOOKUP_STEPS)
        return outcome

    def _take(self, number: int) -> None:
        self._steps.take(number)
        if self._steps.left < self._end:
            raise StepLimitReached


@cache
def _words(field_class: FieldClass) -> list[str]:
    return [word for word in _WORDS if fits(field_class, word)]
