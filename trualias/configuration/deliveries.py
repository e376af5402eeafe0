"""The checks of ``DELIVER`` statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from trualias.configuration.addresses import Domains, Error, domain_errors, is_foreign
from trualias.language.addresses import split_address
from trualias.language.domains import LONGEST_DOMAIN, fold_domain, is_domain
from trualias.language.fields import fits
from trualias.language.tree import Deliver, FieldClass
from trualias.matching.policy import LONGEST
from trualias.messages import did_you_mean, quoted

LONGEST_ANSWER = 4_000
"""Bytes of an answer as ``tcp_table`` encodes it. A reply of more than 4,096 is refused by Postfix: tcp_table(5)."""

_ENCODED = re.compile(r"[^!-$&-~]")
_MOST_NAMES = 100
"""Accounts among which a likely spelling is searched: a comparison with thousands takes seconds."""


class DeliveryContext(NamedTuple):
    """What the checks of ``DELIVER`` statements need of the others.

    ``accounts`` are by folded name all accounts, as the file spells them, and the domains of their statements.
    ``alias_domains`` is None if they are unknown. ``line`` returns ``line 3`` for an offset. ``has_store``: an account
    without other statements can have aliases that the store keeps.
    """

    accounts: Mapping[str, tuple[str, Domains]]
    debug_account: str | None
    alias_domains: Domains
    fold: Callable[[str], str]
    line: Callable[[int], str]
    has_store: bool = False


def delivery_errors(
    deliveries: Iterable[Deliver], context: DeliveryContext, pause: Callable[[], None] = lambda: None
) -> Iterator[Error]:
    """Yield the errors of all ``DELIVER`` statements; ``pause`` is called at each target."""
    first: dict[tuple[str, str | None], int] = {}
    for delivery in deliveries:
        yield from _account_errors(delivery, context)
        yield from _domain_errors(delivery, context, first)
        valid = True
        for target in delivery.targets:
            pause()
            problem = _target_problem(target.text)
            if problem:
                valid = False
                yield target.offset, problem
        length = _longest_answer(delivery, context.alias_domains or frozenset()) if valid else 0
        if length > LONGEST_ANSWER:
            yield (
                delivery.targets[0].offset,
                f"the answer would have up to {length} bytes; at most {LONGEST_ANSWER} are safe, since Postfix takes "
                "4096",
            )


def _account_errors(delivery: Deliver, context: DeliveryContext) -> Iterator[Error]:
    account = delivery.account
    folded = context.fold(account.text)
    if context.debug_account is not None and folded == context.fold(context.debug_account):
        return
    if folded not in context.accounts:
        if context.has_store:
            return
        known = [spelled for spelled, _ in context.accounts.values()]
        suggestion = did_you_mean(account.text, known) if len(known) <= _MOST_NAMES else ""
        yield account.offset, f"no statement has the account {quoted(account.text)}{suggestion}"
        return
    _, domains = context.accounts[folded]
    for domain in delivery.domains:
        if is_foreign(domain.text, domains) and not is_foreign(domain.text, context.alias_domains):
            yield domain.offset, f"no statement has the account {quoted(account.text)} in {quoted(domain.text)}"


def _domain_errors(
    delivery: Deliver, context: DeliveryContext, first: dict[tuple[str, str | None], int]
) -> Iterator[Error]:
    """Yield the errors of the domains; ``first`` has the offsets of the accounts and domains before."""
    account = context.fold(delivery.account.text)
    yield from domain_errors(delivery.domains, context.alias_domains)
    for place in delivery.domains or (None,):
        key = account, None if place is None else fold_domain(place.text)
        offset = delivery.account.offset if place is None else place.offset
        before = first.setdefault(key, offset)
        if before != offset:
            where = "" if place is None else f" in {place.text}"
            yield offset, f"DELIVER for {delivery.account.text}{where} already stands in {context.line(before)}"


def _target_problem(text: str) -> str:
    """Describe what is wrong with a target; return an empty text if nothing is."""
    local_part, domain = split_address(text)
    if not fits(FieldClass.MAILBOX, local_part) or len(local_part) > LONGEST:
        return (
            f"{quoted(local_part)} is not a local part without quotes (a dot-atom of RFC 5322, section 3.2.3), of at "
            f"most {LONGEST} characters"
        )
    if domain is not None and not is_domain(fold_domain(domain)):
        return f"{quoted(domain)} is not a domain name"
    return ""


def _longest_answer(delivery: Deliver, alias_domains: frozenset[str]) -> int:
    """Return the most bytes that the answer to a key may have, with commas and spaces, as ``tcp_table`` encodes it."""
    domains = [fold_domain(domain.text) for domain in delivery.domains] or alias_domains
    # A key may spell an internationalized domain with characters outside ASCII, of which each byte becomes three.
    spelled = max((3 * LONGEST_DOMAIN if "xn--" in domain else len(domain) for domain in domains), default=0)
    length = -len(",%20")
    for target in delivery.targets:
        local_part, domain = split_address(target.text)
        length += len(",%20") + len(local_part) + 2 * len(_ENCODED.findall(local_part)) + len("@")
        length += spelled if domain is None else len(fold_domain(domain))
    return length
