"""The checks of the addresses in ``REFUSE`` statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from trualias.configuration.settings import Settings
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.tree import Refuse
from trualias.matching.policy import LONGEST, is_local_part
from trualias.messages import quoted

Error = tuple[int, str]
"""An offset in the text, and a message."""


def kept_names(accounts: Iterable[str], settings: Settings) -> dict[str, str]:
    """Return the names whose mail must not be refused as a whole, in lower case, and what each of them is."""
    found = {account.lower(): f"the account {account}" for account in accounts}
    if settings.debug_account is not None:
        found.setdefault(settings.debug_account.lower(), f"the DEBUG ACCOUNT {settings.debug_account}")
    return found


def refusal_errors(
    refusals: Iterable[Refuse],
    alias_domains: frozenset[str] | None,
    kept: Mapping[str, str],
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Error]:
    """Yield the errors of the refused addresses.

    ``alias_domains`` is None if the setting has an error, so that they are unknown; ``kept`` are the ``kept_names``.
    ``pause`` is called at each address.
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
                yield address.offset + len(local_part) + 1, f"the domain {quoted(domain)} is not one of ALIAS DOMAINS"
            elif local_part.lower() in kept:
                yield address.offset, refuses_all(address.text, kept[local_part.lower()])


def is_foreign(domain: str, alias_domains: frozenset[str] | None) -> bool:
    """Return whether a domain is none of the alias domains; False if they are unknown."""
    return alias_domains is not None and fold_domain(domain) not in alias_domains


def refuses_all(address: str, mailbox: str) -> str:
    """Return the message for an address that is a mailbox, described by ``mailbox``."""
    return f"{quoted(address)} is {mailbox}, and all its mail would be refused"
