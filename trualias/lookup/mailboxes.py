"""The mailboxes of a configuration, which are no aliases: the names of its accounts, and some others."""

from __future__ import annotations

from collections.abc import Iterable

from trualias.configuration import Configuration
from trualias.configuration.addresses import Domains, named_domains
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.matching.policy import Policy


class Mailboxes:
    """The accounts of a policy by their names, without regard to ASCII case; ``others`` are more names of mailboxes.

    ``further`` are accounts that no statement has, and the domains of each.
    """

    def __init__(self, policy: Policy, others: Iterable[str] = (), further: Iterable[tuple[str, Domains]] = ()) -> None:
        self._others = frozenset(name.lower() for name in others)
        self._fold = policy.fold
        further = list(further)
        self._exact = policy.accounts.union(name for name, _ in further)
        # By folded name the domains of the account's statements; None for all.
        self._domains: dict[str, Domains] = {}
        self._spelled: dict[str, str] = {}  # by folded name, as first spelled
        for rule in policy.all_rules:
            for name in rule.accounts:
                self._add(name, rule.domains)
        for name, domains in further:
            self._add(name, domains)
        self._by_lower: dict[str, str | None] = {}
        for account in sorted(self._exact):
            lower = account.lower()
            # Names that differ in case alone are two accounts with CASE SENSITIVE, else the same one.
            first = self._by_lower.setdefault(lower, account)
            if policy.case_sensitive and first != account:
                self._by_lower[lower] = None

    def _add(self, account: str, domains: Domains) -> None:
        name = self._fold(account)
        self._spelled.setdefault(name, account)
        before = self._domains.get(name, frozenset())
        self._domains[name] = None if domains is None or before is None else before | domains

    def __contains__(self, local_part: object) -> bool:
        """Return whether a local part is the name of an account, or one of the others, in any case."""
        lower = str(local_part).lower()
        return lower in self._by_lower or lower in self._others

    def account(self, local_part: str, domain: str | None = None) -> str | None:
        """Return the account of this name in a folded domain, or in any if it is None, as the file first spells it.

        It is None if there is none there, or there are several in another case.
        """
        account = local_part if local_part in self._exact else self._by_lower.get(local_part.lower())
        if account is None:
            return None
        name = self._fold(account)
        account = self._spelled[name]
        if domain is None:
            return account
        domains = self._domains[name]
        return account if domains is None or domain in domains else None


def mailboxes_of(configuration: Configuration) -> Mailboxes:
    """Return the mailboxes of a configuration.

    An account that has a ``DELIVER`` statement and no other is one of kept aliases alone. Further mailboxes are the
    debug account, and the targets of ``DELIVER`` in alias domains.
    """
    policy, debug_account = configuration.policy, configuration.settings.debug_account
    with_statements = set(map(policy.fold, (*policy.accounts, *([debug_account] if debug_account else ()))))
    others = [] if debug_account is None else [debug_account]
    further = []
    for delivery in configuration.deliveries:
        if policy.fold(delivery.account.text) not in with_statements:
            further.append((delivery.account.text, named_domains(delivery.domains)))
        for target in delivery.targets:
            local_part, domain = split_address(target.text)
            if domain is None or fold_domain(domain) in configuration.settings.alias_domains:
                others.append(local_part)
    return Mailboxes(policy, others, further)
