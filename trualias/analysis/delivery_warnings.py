"""Warnings about the targets of ``DELIVER`` statements in alias domains, which a mail server looks up again."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from trualias.analysis.lint_warning import LintWarning
from trualias.configuration import Configuration
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.name_list import Name
from trualias.language.tree import Deliver
from trualias.matching.outcome import Ambiguous, Found, NotFound
from trualias.messages import one_of, quoted


@frozen(eq=False, repr=False)
class _Target:
    """A target in an alias domain; ``domain`` is folded, None for the alias's own."""

    name: Name
    local_part: str
    domain: str | None


class DeliveryWarnings:
    """The warnings about the ``DELIVER`` statements of a configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._policy = configuration.policy
        self._accounts = frozenset(map(str.lower, self._policy.accounts))
        self._targets = {id(statement): list(self._find_targets(statement)) for statement in configuration.deliveries}
        # By folded account and domain; None for all domains that no other statement of the account names.
        self._statements: dict[tuple[str, str | None], Deliver] = {}
        for statement in configuration.deliveries:
            domains: list[str | None] = [fold_domain(domain.text) for domain in statement.domains]
            for domain in domains or [None]:
                self._statements[self._policy.fold(statement.account.text), domain] = statement
        named = self._policy.domains | {domain for _, domain in self._statements if domain is not None}
        self._all_domains: list[str | None] = [None, *sorted(named)]

    def find(self) -> Iterator[LintWarning]:
        """Yield the warnings."""
        yield from self._without_statements()
        for statement in self._configuration.deliveries:
            for target in self._targets[id(statement)]:
                yield from self._wrong_code(statement, target)
        yield from self._circles()

    def _without_statements(self) -> Iterator[LintWarning]:
        """Yield a warning for each account that no other statement has, which is no error where there is a STORE."""
        debug_account = self._configuration.settings.debug_account
        known = {self._policy.fold(name) for name in (*self._policy.accounts, debug_account or "")}
        for statement in self._configuration.deliveries:
            name = statement.account.text
            if self._policy.fold(name) not in known:
                yield LintWarning(
                    "delivery-imports-only",
                    statement.account.offset,
                    f"no other statement has the account {quoted(name)}",
                    "only aliases that trualias alias import kept for it reach it; if it is misspelled, mail goes "
                    "elsewhere",
                    "correct the name, or leave the statement as it is",
                )

    def _find_targets(self, statement: Deliver) -> Iterator[_Target]:
        for name in statement.targets:
            local_part, domain = split_address(name.text)
            folded = None if domain is None else fold_domain(domain)
            # An account's own name is a mailbox, and no alias.
            if local_part.lower() not in self._accounts and (
                folded is None or folded in self._configuration.settings.alias_domains
            ):
                yield _Target(name, local_part, folded)

    def _domains_of(self, statement: Deliver, target: _Target) -> list[str | None]:
        """Return the domains in which a target is looked up; None stands for those that no statement names."""
        if target.domain is not None:
            return [target.domain]
        account = self._policy.fold(statement.account.text)
        return [domain for domain in self._all_domains if self._deciding(account, domain) is statement]

    def _deciding(self, account: str, domain: str | None) -> Deliver | None:
        """Return the statement that decides for a folded account in a domain."""
        return self._statements.get((account, domain)) or self._statements.get((account, None))

    def _wrong_code(self, statement: Deliver, target: _Target) -> Iterator[LintWarning]:
        for domain in self._domains_of(statement, target):
            outcome = self._policy.resolve(target.local_part, domain)
            if isinstance(outcome, NotFound) and outcome.near_misses:
                accounts = one_of(sorted(outcome.near_misses))
                yield LintWarning(
                    "delivery-not-found",
                    target.name.offset,
                    f"{quoted(target.name.text)} has the shape of an alias of {accounts}, but its code is wrong",
                    "the mail server looks the target up again, finds nothing, and refuses or bounces the mail",
                    "correct the code, or name a mailbox",
                    target.local_part,
                )
                return

    def _next(self, statement: Deliver) -> Iterator[Deliver]:
        """Yield the statements that decide about the targets of another one."""
        for target in self._targets[id(statement)]:
            for domain in self._domains_of(statement, target):
                account = self._account(target.local_part, domain)
                following = None if account is None else self._deciding(self._policy.fold(account), domain)
                if following is not None:
                    yield following

    def _account(self, local_part: str, domain: str | None) -> str | None:
        match self._policy.resolve(local_part, domain):
            case Found(account):
                return account
            case Ambiguous():
                return self._configuration.settings.debug_account
            case _:
                return None

    def _circles(self) -> Iterator[LintWarning]:
        """Yield a warning for each statement whose targets lead back to it."""
        following = {id(statement): list(self._next(statement)) for statement in self._configuration.deliveries}
        for statement in self._configuration.deliveries:
            seen: set[int] = set()
            pending = list(following[id(statement)])
            while pending:
                here = pending.pop()
                if here is statement:
                    yield LintWarning(
                        "delivery-circle",
                        statement.offset,
                        f"the targets of {statement.account.text} are aliases that lead back to it",
                        "the mail server finds no mailbox among them: it defers the mail each time, or bounces it",
                        "name a mailbox that is no alias",
                    )
                    break
                if id(here) not in seen:
                    seen.add(id(here))
                    pending += following[id(here)]
