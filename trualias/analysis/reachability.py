"""A search for accounts that no address reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from attrs import frozen

from trualias.analysis.composition import ComposedAddress, Target, compose, targets_of
from trualias.language.fields import fits
from trualias.language.tree import FieldClass
from trualias.matching.outcome import Ambiguous
from trualias.matching.policy import Policy

_ACCOUNTS = 10_000
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


def find_unreached(policy: Policy, pause: Callable[[], None] = lambda: None) -> Iterator[Unreached]:
    """Compose addresses for each account, and yield the accounts that none of them reaches.

    An account is a name in a domain: of statements with different domains, each has to reach its account. Only the
    first 10,000 accounts are examined.
    """
    targets: dict[tuple[str, frozenset[str] | None], list[Target]] = {}
    for rule in policy.rules:
        for target in targets_of(rule, policy.fold, sorted(rule.aliases, key=len)[:_ALIASES]):
            targets.setdefault((policy.fold(target.account), rule.domains), []).append(target)
    everywhere: dict[str, bool] = {}
    # Statements for all domains first: where they reach an account, they do so in each domain.
    ordered = sorted(targets.items(), key=lambda item: item[0][1] is not None)
    for (account, _), of_account in islice(ordered, _ACCOUNTS):
        pause()
        if everywhere.get(account):
            continue
        unreached = _examine(policy, of_account)
        everywhere.setdefault(account, of_account[0].rule.domains is None and unreached is None)
        if unreached:
            yield unreached


def _examine(policy: Policy, targets: list[Target]) -> Unreached | None:
    """Return None if an address reaches the account, or if not enough aliases were tried to decide."""
    reasons: dict[str, None] = {}
    shared: set[str] = set()
    tried = 0
    for target in targets:
        words = product(*(_words(field_class) for field_class in target.rule.identifiers))
        for number, chosen in enumerate(islice(words, _ADDRESSES)):
            composed = compose(policy, target, chosen, attempts=_CODES)
            if isinstance(composed, ComposedAddress):
                tried += 1
                if not isinstance(composed.outcome, Ambiguous):
                    return None
                shared.update(composed.outcome.accounts)
            elif number == 0:
                # The shortest words: longer ones make a longer address, and leave no more characters to choose from.
                reasons[composed.reason] = None
    if not tried and any(len(target.rule.aliases) > _ALIASES for target in targets):
        return None
    others = {name for name in shared if policy.fold(name) != policy.fold(targets[0].account)}
    return Unreached(targets[0], () if tried else tuple(reasons), tuple(sorted(others)), tried)


def _words(field_class: FieldClass) -> list[str]:
    return [word for word in _WORDS if fits(field_class, word)]
