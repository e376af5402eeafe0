"""The mailboxes of a configuration, which are no aliases: the names of its accounts, and some others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from trualias.configuration import Configuration
from trualias.configuration.addresses import Domains, named_domains
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.pauses import with_pauses
from trualias.matching.policy import Policy


class Mailboxes:
    """The accounts of a policy by their names, without regard to ASCII case; ``others`` are more names of mailboxes.

    ``further`` are accounts that no statement has, and the domains of each. ``pause`` is called often.
    """

    def __init__(
        self,
        policy: Policy,
        others: Iterable[str] = (),
        further: Iterable[tuple[str, Domains]] = (),
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._others = frozenset(name.lower() for name in others)
        self._fold = policy.fold
        self._is_case_sensitive = policy.case_sensitive
        further = list(further)
        self._exact = policy.accounts.union([name for name, _ in further]) if further else policy.accounts
        # Of most accounts nothing more is kept than that: a million would take 300 MB otherwise.
        self._variants = _variants(chain(_names(policy), (name for name, _ in further)), pause)
        self._domains = _restricted_domains(policy, further, pause)

    def __contains__(self, local_part: object) -> bool:
        """Return whether a local part is the name of an account, or one of the others, in any case."""
        lower = str(local_part).lower()
        return lower in self._exact or lower in self._variants or lower in self._others

    def account(self, local_part: str, domain: str | None = None) -> str | None:
        """Return the account of this name in a folded domain, or in any if it is None, as the file first spells it.

        It is None if there is none there, or there are several in another case.
        """
        account = self._spelled(local_part)
        if account is None or domain is None:
            return account
        domains = self._domains.get(self._fold(account))
        return account if domains is None or domain in domains else None

    def _spelled(self, local_part: str) -> str | None:
        lower = local_part.lower()
        variants = self._variants.get(lower)
        if variants is None:
            return lower if lower in self._exact else None
        if not self._is_case_sensitive:
            return variants[0]
        # Names that differ in case alone are two accounts.
        return local_part if local_part in variants else variants[0] if len(variants) == 1 else None


def _names(policy: Policy) -> Iterator[str]:
    """Yield the accounts in the order of the file."""
    for rule in policy.all_rules:
        yield from rule.accounts


def _variants(names: Iterable[str], pause: Callable[[], None]) -> dict[str, tuple[str, ...]]:
    """Return by lower case the spellings of the names that have another one, in the order of the names."""
    names = list(with_pauses(names, pause))
    found: dict[str, dict[str, None]] = {
        lower: {} for name in with_pauses(names, pause) if (lower := name.lower()) != name
    }
    for name in with_pauses(names if found else (), pause):
        lower = name.lower()
        if lower in found:
            found[lower][name] = None
    return {lower: tuple(spellings) for lower, spellings in found.items()}


def _restricted_domains(
    policy: Policy, further: Iterable[tuple[str, Domains]], pause: Callable[[], None]
) -> dict[str, frozenset[str]]:
    """Return by folded name the domains of the accounts that all their statements restrict to some."""
    fold = policy.fold
    given = [(rule.accounts, rule.domains) for rule in with_pauses(policy.all_rules, pause)]
    given += [((name,), domains) for name, domains in further]
    found: dict[str, frozenset[str]] = {}
    for names, domains in with_pauses(given, pause):
        if domains is not None:
            for name in with_pauses(map(fold, names), pause):
                found[name] = found.get(name, frozenset()) | domains
    for names, domains in with_pauses(given if found else (), pause):
        if domains is None:
            for name in with_pauses(map(fold, names), pause):
                found.pop(name, None)
    return found


def mailboxes_of(configuration: Configuration, pause: Callable[[], None] = lambda: None) -> Mailboxes:
    """Return the mailboxes of a configuration; ``pause`` is called often.

    An account that has a ``DELIVER`` statement and no other is one of kept aliases alone. Further mailboxes are the
    debug account, and the targets of ``DELIVER`` in alias domains.
    """
    policy, debug_account = configuration.policy, configuration.settings.debug_account
    delivered = {policy.fold(delivery.account.text) for delivery in with_pauses(configuration.deliveries, pause)}
    known = chain(policy.accounts, () if debug_account is None else (debug_account,))
    names = with_pauses(map(policy.fold, known if delivered else ()), pause)
    with_statements = {name for name in names if name in delivered}
    others = [] if debug_account is None else [debug_account]
    further = []
    for delivery in configuration.deliveries:
        pause()
        if policy.fold(delivery.account.text) not in with_statements:
            further.append((delivery.account.text, named_domains(delivery.domains)))
        for target in delivery.targets:
            local_part, domain = split_address(target.text)
            if domain is None or fold_domain(domain) in configuration.settings.alias_domains:
                others.append(local_part)
    return Mailboxes(policy, others, further, pause)
