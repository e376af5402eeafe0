"""Finds accounts that no address reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from attrs import frozen

from trualias.analysis.composition import Composed, Target, compose
from trualias.language.fields import fits
from trualias.language.tree import FieldClass
from trualias.matching.matcher import Matcher
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
"""Words of all classes, the shortest of each before the others."""


@frozen
class Unreached:
    """An account to which no address was found.

    Where none can be written at all, ``reasons`` says why for each statement, without doubles. Otherwise ``shared``
    are the accounts to which every address that was tried belongs as well.
    """

    target: Target
    reasons: tuple[str, ...]
    shared: tuple[str, ...]
    tried: int


def find_unreached(policy: Policy, pause: Callable[[], None] = lambda: None) -> Iterator[Unreached]:
    """Try to write an address to each account, and give those to which none was found.

    Of a very long list of accounts only the first 10,000 are tried.
    """
    targets: dict[str, list[Target]] = {}
    for rule in policy.rules:
        matcher = Matcher(rule, policy.fold)
        aliases = sorted(rule.aliases, key=len)[:_ALIASES] or ("",)
        for account in rule.accounts:
            targets.setdefault(policy.fold(account), []).extend(Target(matcher, account, alias) for alias in aliases)
    for of_account in islice(targets.values(), _ACCOUNTS):
        pause()
        unreached = _try(policy, of_account)
        if unreached:
            yield unreached


def _try(policy: Policy, targets: list[Target]) -> Unreached | None:
    """None where an address reaches the account, or where nobody knows."""
    reasons: dict[str, None] = {}
    shared: set[str] = set()
    tried = 0
    for target in targets:
        words = product(*(_words(field_class) for field_class in target.rule.identifiers))
        for number, chosen in enumerate(islice(words, _ADDRESSES)):
            made = compose(policy, target, chosen, tried=_CODES)
            if isinstance(made, Composed):
                tried += 1
                if not isinstance(made.outcome, Ambiguous):
                    return None
                shared.update(made.outcome.accounts)
            elif number == 0:
                # The shortest words, and no longer ones are better, nor do these leave less of a choice.
                reasons[made.reason] = None
    if not tried and any(len(target.rule.aliases) > _ALIASES for target in targets):
        return None
    others = {name for name in shared if policy.fold(name) != policy.fold(targets[0].account)}
    return Unreached(targets[0], () if tried else tuple(reasons), tuple(sorted(others)), tried)


def _words(field_class: FieldClass) -> list[str]:
    return [word for word in _WORDS if fits(field_class, word)]
