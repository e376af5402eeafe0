"""Warnings about the targets of ``DELIVER`` statements in alias domains, which a mail server looks up again."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from trualias.analysis.lint import LintWarning
from trualias.configuration import Configuration
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.tree import Deliver, Name
from trualias.matching.outcome import Ambiguous, Found, NotFound
from trualias.messages import one_of, quoted


@frozen(eq=False)
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
        self._statements: dict[str, list[Deliver]] = {}
        for statement in configuration.deliveries:
            self._statements.setdefault(self._policy.fold(statement.account.text), []).append(statement)

    def find(self) -> Iterator[LintWarning]:
        """Yield the warnings."""
        for statement in self._configuration.deliveries:
            for target in self._targets[id(statement)]:
                yield from self._wrong_code(target)
        yield from self._circles()

    def _find_targets(self, statement: Deliver) -> Iterator[_Target]:
        for name in statement.targets:
            local_part, domain = split_address(name.text)
            folded = None if domain is None else fold_domain(domain)
            # An account's own name is a mailbox, and no alias.
            if local_part.lower() not in self._accounts and (
                folded is None or folded in self._configuration.settings.alias_domains
            ):
                yield _Target(name, local_part, folded)

    def _wrong_code(self, target: _Target) -> Iterator[LintWarning]:
        outcome = self._policy.resolve(target.local_part)
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

    def _next(self, statement: Deliver) -> Iterator[Deliver]:
        """Yield the statements that decide about the targets of another one."""
        for target in self._targets[id(statement)]:
            account = self._account(target.local_part)
            if account is None:
                continue
            domains = [fold_domain(domain.text) for domain in statement.domains]
            at = domains if target.domain is None else [target.domain]
            for other in self._statements.get(self._policy.fold(account), ()):
                others = [fold_domain(domain.text) for domain in other.domains]
                if not at or (set(at) & set(others) if others else not self._all_decided(account, at)):
                    yield other

    def _all_decided(self, account: str, domains: list[str]) -> bool:
        """Return whether statements with ``AT`` decide for an account in each of some domains."""
        decided = {
            fold_domain(domain.text)
            for statement in self._statements[self._policy.fold(account)]
            for domain in statement.domains
        }
        return decided.issuperset(domains)

    def _account(self, local_part: str) -> str | None:
        match self._policy.resolve(local_part):
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
