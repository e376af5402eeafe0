"""The names and expressions that several statements have, by which a statement's addresses can be ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from trualias.language.domain_groups import ALL, DomainGroups
from trualias.language.domains import fold_domain
from trualias.language.memo import BoundedMemo
from trualias.language.name_list import Name
from trualias.language.tree import Account, NameField, expression_text


class OtherStatements:
    """The statements of a configuration, as far as the checks of one need the others.

    ``pause`` is called at each statement and each alias.
    """

    def __init__(self, statements: Sequence[Account], fold: Callable[[str], str], pause: Callable[[], None]) -> None:
        self._fold = fold
        # Of the aliases, and of the expressions without names, only those of several statements matter.
        self._accounts_of_alias: dict[str, DomainGroups[set[str]]] = {}
        self._without_names: dict[str, DomainGroups[list[Account]]] = {}
        self._domains: BoundedMemo[tuple[str, ...], frozenset[str]] = BoundedMemo()
        first_with_alias: dict[str, Account] = {}
        first_with_expression: dict[str, Account] = {}
        for statement in statements:
            pause()
            if statement.retired:
                continue  # its successor usually has the same expression
            if not any(isinstance(token, NameField) for token in statement.expression):
                text = fold(expression_text(statement.expression))
                before = first_with_expression.setdefault(text, statement)
                if before is not statement:
                    if text not in self._without_names:
                        self._without_names[text] = DomainGroups(list)
                        self._enter_expression(text, before)
                    self._enter_expression(text, statement)
            for alias in map(fold, statement.aliases.texts):
                pause()
                before = first_with_alias.setdefault(alias, statement)
                if before is not statement:
                    if alias not in self._accounts_of_alias:
                        self._accounts_of_alias[alias] = DomainGroups(set)
                        self._enter_alias(alias, before)
                    self._enter_alias(alias, statement)

    def _enter_expression(self, text: str, statement: Account) -> None:
        self._without_names[text].of(self.domains(statement)).append(statement)

    def _enter_alias(self, alias: str, statement: Account) -> None:
        accounts = map(self._fold, statement.accounts.texts)
        self._accounts_of_alias[alias].of(self.domains(statement)).update(accounts)

    def domains(self, statement: Account) -> frozenset[str]:
        """Return the domains of a statement, folded; none for all."""
        if not statement.domains:
            return ALL
        key = statement.domains.texts
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = frozenset(map(fold_domain, key))
        return found

    def same_expression(self, statement: Account) -> Account | None:
        """Return another statement with the same expression that shares a domain, for one that shows no name.

        It is the first in the file.
        """
        others: list[Account] = []
        groups = self._without_names.get(self._fold(expression_text(statement.expression)))
        if groups is None:
            return None
        for same in groups.sharing(self.domains(statement)):
            others += islice((one for one in same if one is not statement), 1)
        return min(others, key=lambda one: one.offset, default=None)

    def has_other_account(self, statement: Account, alias: Name) -> bool:
        """Return whether an alias of a statement with one account is also another account's, where both hold."""
        groups = self._accounts_of_alias.get(self._fold(alias.text))
        if groups is None:
            return False
        account = set(map(self._fold, statement.accounts.texts))
        return any(accounts != account for accounts in groups.sharing(self.domains(statement)))
