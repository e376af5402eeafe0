"""The mailboxes of a configuration: the names of its accounts, which are no aliases."""

from __future__ import annotations

from trualias.matching.policy import Policy


class Mailboxes:
    """The accounts of a policy by their names, without regard to ASCII case."""

    def __init__(self, policy: Policy) -> None:
        self._exact = policy.accounts
        self._by_lower: dict[str, str | None] = {}
        for account in sorted(policy.accounts):
            lower = account.lower()
            # Names that differ in case alone are two accounts with CASE SENSITIVE, else the same one.
            first = self._by_lower.setdefault(lower, account)
            if policy.case_sensitive and first != account:
                self._by_lower[lower] = None

    def __contains__(self, local_part: str) -> bool:
        """Return whether a local part is the name of an account in any case."""
        return local_part.lower() in self._by_lower

    def account(self, local_part: str) -> str | None:
        """Return the account of this name; None if there is none, or several in another case."""
        return local_part if local_part in self._exact else self._by_lower.get(local_part.lower())
