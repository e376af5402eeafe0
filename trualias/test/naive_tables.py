"""Naive tables, written from the language's reference: slow, and simple enough to be obviously correct.

The tests compare the tables of a snapshot with them.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from trualias.language.tree import Account, Deliver, Refuse, Statement
from trualias.test.naive import naive_lookup


@frozen
class NaiveTables:
    """Answers keys by the statements of a configuration; ``domains`` are its alias domains in lower case."""

    statements: Sequence[Statement]
    domains: frozenset[str]
    case_sensitive: bool
    debug_account: str | None = None

    def local_part(self, key: str) -> str | None:
        """Return the value of a key in the local-part table, None if it is not found."""
        return None if self._is_refused(key, None) else self._account(key, None)

    def virtual(self, key: str) -> str | None:
        """Return the value of a key in the virtual table, None if it is not found."""
        local_part, at, domain = key.rpartition("@")
        if not at or domain.lower() not in self.domains or self._is_refused(local_part, domain):
            return None
        account = self._account(local_part, domain.lower())
        return None if account is None else ", ".join(self._targets(account, domain))

    def _targets(self, account: str, domain: str) -> list[str]:
        """Return the addresses to which mail for an account goes, for an alias in a domain."""
        fold = str if self.case_sensitive else str.lower
        for any_domain in (False, True):
            for statement in self.statements:
                if isinstance(statement, Deliver) and fold(statement.account.text) == fold(account):
                    domains = [name.text.lower() for name in statement.domains]
                    if not domains if any_domain else domain.lower() in domains:
                        texts = [target.text for target in statement.targets]
                        return [text if "@" in text else f"{text}@{domain}" for text in texts]
        return [f"{account}@{domain}"]

    def _is_refused(self, local_part: str, domain: str | None) -> bool:
        refused = {
            address.text.lower()
            for statement in self.statements
            if isinstance(statement, Refuse)
            for address in statement.addresses
        }
        return local_part.lower() in refused or (domain is not None and f"{local_part}@{domain}".lower() in refused)

    def _account(self, local_part: str, domain: str | None) -> str | None:
        """Return the account of a local part in a domain, or in the local-part table: of several, the debug account."""
        statements = [statement for statement in self.statements if isinstance(statement, Account)]
        here = [
            statement
            for statement in statements
            if not statement.domains or domain in {name.text.lower() for name in statement.domains}
        ]
        accounts = naive_lookup(here, local_part, self.case_sensitive).accounts
        if len(accounts) > 1:
            return self.debug_account
        return next((self._spelled(statements, account) for account in accounts), None)

    def _spelled(self, statements: Sequence[Account], account: str) -> str:
        """Return an account as the file first spells it, in whatever domain."""
        fold = str if self.case_sensitive else str.lower
        names = [name.text for statement in statements for name in statement.accounts]
        return next(name for name in names if fold(name) == fold(account))
