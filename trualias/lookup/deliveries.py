"""The addresses that ``DELIVER`` gives in place of an account's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trualias.configuration import Configuration
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.tree import Deliver


class Deliveries:
    """The targets of accounts, by account and alias domain.

    A statement with ``AT`` decides for its domains, one without for all others. ``pause`` is called at each.
    """

    def __init__(
        self, statements: Iterable[Deliver], fold: Callable[[str], str], pause: Callable[[], None] = lambda: None
    ) -> None:
        self._fold = fold
        # A target that gets the alias's domain ends with its ``@``.
        self._targets: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self._offsets: dict[tuple[str, str | None], int] = {}
        for statement in statements:
            pause()
            targets = tuple([_target(target.text) for target in statement.targets])
            account = fold(statement.account.text)
            domains: list[str | None] = [fold_domain(domain.text) for domain in statement.domains]
            for domain in domains or [None]:
                self._targets[account, domain] = targets
                self._offsets[account, domain] = statement.offset

    def _key(self, account: str, domain: str) -> tuple[str, str | None]:
        account = self._fold(account)
        key = account, fold_domain(domain)
        return key if key in self._targets else (account, None)

    def value(self, account: str, domain: str) -> str:
        """Return the addresses for an account and the alias's domain as a key spells it, joined by commas."""
        targets = self._targets.get(self._key(account, domain))
        if targets is None:
            return f"{account}@{domain}"
        return ", ".join([target + domain if target[-1] == "@" else target for target in targets])

    def offset(self, account: str, domain: str) -> int | None:
        """Return the offset of the statement that decides for an account and a domain; None if there is none."""
        return self._offsets.get(self._key(account, domain))


def deliveries_of(configuration: Configuration, pause: Callable[[], None] = lambda: None) -> Deliveries | None:
    """Return the targets that a configuration has, None for none; ``pause`` is called at each statement."""
    if not configuration.deliveries:
        return None
    return Deliveries(configuration.deliveries, configuration.policy.fold, pause)


def _target(text: str) -> str:
    """Return a target with its domain's A-labels, which every host takes; without a domain, with its ``@``."""
    local_part, domain = split_address(text)
    return f"{local_part}@{'' if domain is None else fold_domain(domain)}"
