"""Naive tables, written from the language's reference: slow, and simple enough to be obviously correct.

The tests compare the tables of a snapshot with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, frozen

from trualias.language.tree import Account, Deliver, Refuse, Statement
from trualias.test.naive import naive_lookup

DEFERRED = "a temporary error"
"""Stands for the value of a key that gets a temporary error."""


@frozen
class NaiveTables:
    """Answers keys by the statements of a configuration; ``domains`` are its alias domains in lower case.

    ``kept`` are the accounts of kept aliases by their keys, such as ``shop@example.com``, or ``shop@`` in all domains.
    """

    statements: Sequence[Statement]
    domains: frozenset[str]
    case_sensitive: bool
    debug_account: str | None = None
    kept: Mapping[str, str] = Factory(dict)

    def local_part(self, key: str) -> str | None:
        """Return the value of a key in the local-part table, None if it is not found."""
        return None if self._is_refused(key, None) else self._kept(key, None) or self._account(key, None)

    def virtual(self, key: str) -> str | None:
        """Return the value of a key in the virtual table, None if it is not found."""
        local_part, at, domain = key.rpartition("@")
        if not at or domain.lower() not in self.domains or self._is_refused(local_part, domain):
            return None
        account = self._kept(local_part, domain.lower()) or self._account(local_part, domain.lower())
        return account if account in (None, DEFERRED) else ", ".join(self._targets(account, domain))

    def _kept(self, local_part: str, domain: str | None) -> str | None:
        """Return the account that an alias is kept for, `DEFERRED` if there is no such account there."""
        name = local_part.lower()
        account = self.kept.get(f"{name}@{domain}") or self.kept.get(f"{name}@")
        if account is None or name in self._mailboxes():
            return None
        fold = str if self.case_sensitive else str.lower
        statements = [statement for statement in self.statements if isinstance(statement, Account)]
        for statement in statements:
            is_here = domain is None or not statement.domains or domain in {at.text.lower() for at in statement.domains}
            if is_here and fold(account) in {fold(each.text) for each in statement.accounts}:
                return self._spelled(statements, account)
        return DEFERRED

    def _mailboxes(self) -> set[str]:
        """Return the local parts that are no aliases, in lower case."""
        names = [] if self.debug_account is None else [self.debug_account]
        for statement in self.statements:
            if isinstance(statement, Account):
                names += [name.text for name in statement.accounts]
            elif isinstance(statement, Deliver):
                targets = [target.text.rpartition("@") for target in statement.targets]
                names += [local or domain for local, at, domain in targets if not at or domain.lower() in self.domains]
        return {name.lower() for name in names}

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
