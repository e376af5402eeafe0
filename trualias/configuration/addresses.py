"""The checks of domains after ``AT`` and of addresses in ``REFUSE``, and the names that cannot be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.name_list import Name
from trualias.language.tree import Account, Deliver, Refuse
from trualias.matching.policy import LONGEST, is_local_part
from trualias.messages import quoted

Error = tuple[int, str]
"""An offset in the text, and a message."""

Domains = frozenset[str] | None
"""Some alias domains, folded; None for all."""


class KeptNames:
    """The names whose mail must not be refused as a whole, without regard to case."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[tuple[Domains, str]]] = {}

    def add(self, name: str, domains: Domains, description: str) -> None:
        """Enter a name; the description says what it is in these domains."""
        self._by_name.setdefault(name.lower(), []).append((domains, description))

    def refusal_problem(self, address: str, local_part: str, domain: str | None) -> str:
        """Return the message for an address to refuse that is kept; an empty text if it is not.

        ``domain`` is folded; None for every domain. The message quotes ``address``.
        """
        for domains, description in self._by_name.get(local_part.lower(), ()):
            if domain is None or domains is None or domain in domains:
                return f"{quoted(address)} is {description}, and all its mail would be refused"
        return ""


def account_domains(
    statements: Iterable[Account], fold: Callable[[str], str], pause: Callable[[], None] = lambda: None
) -> dict[str, tuple[str, Domains]]:
    """Return by folded name each account as first spelled, and the domains of its statements.

    ``pause`` is called at each statement and each of its accounts.
    """
    found: dict[str, tuple[str, Domains]] = {}
    for statement in statements:
        pause()
        domains = named_domains(statement.domains)
        for name in statement.accounts:
            pause()
            spelled, before = found.get(fold(name.text), (name.text, frozenset()))
            found[fold(name.text)] = spelled, None if domains is None or before is None else before | domains
    return found


def named_domains(names: Iterable[Name]) -> Domains:
    """Return the domains after ``AT``, folded; None without any."""
    return frozenset([fold_domain(name.text) for name in names]) or None


def domain_errors(names: Iterable[Name], alias_domains: Domains) -> Iterator[Error]:
    """Yield the errors of the domains after ``AT``; ``alias_domains`` is None if they are unknown."""
    for name in names:
        if is_foreign(name.text, alias_domains):
            yield name.offset, foreign_domain(name.text)


def kept_names(
    accounts: Iterable[tuple[str, Domains]],
    debug_account: str | None,
    deliveries: Iterable[Deliver],
    alias_domains: Domains,
    line: Callable[[int], str],
    pause: Callable[[], None] = lambda: None,
) -> KeptNames:
    """Return the accounts in their domains, the debug account, and the targets of ``DELIVER`` in alias domains.

    An account can have a ``DELIVER`` statement and no other: that of aliases that a store keeps.

    ``alias_domains`` is None if they are unknown; ``line`` returns ``line 3`` for an offset. ``pause`` is called at
    each account and each statement.
    """
    kept = KeptNames()
    with_statements = set()
    for account, domains in accounts:
        pause()
        with_statements.add(account.lower())
        kept.add(account, domains, f"the account {account}")
    if debug_account is not None:
        kept.add(debug_account, None, f"the DEBUG ACCOUNT {debug_account}")
    for delivery in deliveries:
        pause()
        name = delivery.account.text
        if name.lower() not in with_statements:
            kept.add(name, named_domains(delivery.domains), f"the account {name}")
        description = f"a target of DELIVER in {line(delivery.offset)}"
        for target in delivery.targets:
            local_part, domain = split_address(target.text)
            if domain is None:
                kept.add(local_part, named_domains(delivery.domains), description)
            elif not is_foreign(domain, alias_domains):
                kept.add(local_part, frozenset([fold_domain(domain)]), description)
    return kept


def refusal_errors(
    refusals: Iterable[Refuse],
    alias_domains: Domains,
    kept: KeptNames,
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Error]:
    """Yield the errors of the refused addresses.

    ``alias_domains`` is None if the setting has an error, so that they are unknown. ``pause`` is called at each
    address.
    """
    for refusal in refusals:
        for address in refusal.addresses:
            pause()
            local_part, domain = split_address(address.text)
            if not is_local_part(local_part):
                yield (
                    address.offset,
                    f"{quoted(local_part)} is not a local part: 1 to {LONGEST} letters, digits, dots and "
                    "!#$%&'*+-/=?^_`{|}~ (RFC 5321, RFC 5322)",
                )
            elif domain is not None and is_foreign(domain, alias_domains):
                yield address.offset + len(local_part) + 1, foreign_domain(domain)
            else:
                folded = None if domain is None else fold_domain(domain)
                if problem := kept.refusal_problem(address.text, local_part, folded):
                    yield address.offset, problem


def is_foreign(domain: str, alias_domains: Domains) -> bool:
    """Return whether a domain is none of the alias domains; False if they are unknown."""
    return alias_domains is not None and fold_domain(domain) not in alias_domains


def foreign_domain(domain: str) -> str:
    """Return the message for a domain that is none of the alias domains."""
    return f"the domain {quoted(domain)} is not one of ALIAS DOMAINS"
