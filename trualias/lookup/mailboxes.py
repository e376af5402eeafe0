"""The mailboxes of a configuration, which are no aliases: the names of its accounts, and some others."""

from __future__ import annotations

from collections.abc import Iterable

from trualias.matching.policy import Policy


class Mailboxes:
    """The accounts of a policy by their names, without regard to ASCII case; ``others`` are more names of mailboxes."""

    def __init__(self, policy: Policy, others: Iterable[str] = ()) -> None:
        self._others = frozenset(name.lower() for name in others)
        self._fold = policy.fold
        self._exact = policy.accounts
        # By folded name the domains of the account's statements; None for all.
        self._domains: dict[str, frozenset[str] | None] = {}
        for rule in policy.rules:
            for name in map(policy.fold, rule.accounts):
                before = self._domains.get(name, frozenset())
                self._domains[name] = None if rule.domains is None or before is None else before | rule.domains
        self._by_lower: dict[str, str | None] = {}
        for account in sorted(policy.accounts):
            lower = account.lower()
            # Names that differ in case alone are two accounts with CASE SENSITIVE, else the same one.
            first = self._by_lower.setdefault(lower, account)
            if policy.case_sensitive and first != account:
                self._by_lower[lower] = None

    def __contains__(self, local_part: object) -> bool:
        """Return whether a local part is the name of an account, or one of the others, in any case."""
        lower = str(local_part).lower()
        return lower in self._by_lower or lower in self._others

    def account(self, local_part: str, domain: str | None = None) -> str | None:
        """Return the account of this name in a folded domain, or in any if it is None.

        It is None if there is none there, or there are several in another case.
        """
        account = local_part if local_part in self._exact else self._by_lower.get(local_part.lower())
        if account is None or domain is None:
            return account
        domains = self._domains[self._fold(account)]
        return account if domains is None or domain in domains else None
