"""The mailboxes of a configuration, which are no aliases: the names of its accounts, and some others."""

from __future__ import annotations

from collections.abc import Iterable

from trualias.matching.policy import Policy


class Mailboxes:
    """The accounts of a policy by their names, without regard to ASCII case; ``others`` are more names of mailboxes."""

    def __init__(self, policy: Policy, others: Iterable[str] = ()) -> None:
        self._others = frozenset(name.lower() for name in others)
        self._exact = policy.accounts
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

    def account(self, local_part: str) -> str | None:
        """Return the account of this name; None if there is none, or several in another case."""
        return local_part if local_part in self._exact else self._by_lower.get(local_part.lower())
