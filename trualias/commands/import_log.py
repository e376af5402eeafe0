"""The addresses in mail logs that received mail, and the accounts that it reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import Factory, define

from trualias.commands.import_plan import Candidate
from trualias.commands.maillog import Recipients
from trualias.commands.recipient_counts import RecipientCounts
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.lookup import Snapshot


@define
class _Address:
    """An address in all the cases that the logs have it in, spelled as at first, with what its mail reached."""

    text: str
    counts: RecipientCounts = Factory(RecipientCounts)
    reached: set[str] = Factory(set)


def candidates_of(recipients: Recipients, snapshot: Snapshot) -> Iterator[Candidate]:
    """Yield the addresses that received mail, each with the accounts that it reached, as far as the logs show them."""
    addresses: dict[str, _Address] = {}
    for text, counts in recipients.counts.items():
        if counts.received:
            address = addresses.setdefault(text.lower(), _Address(text))
            reached = (recipients.reached or {}).get(text, {})
            ends = {end: of_end.received for end, of_end in reached.items() if of_end.received}
            address.reached |= ends.keys()
            _add(address.counts, counts)
            # A mail that goes to several places has a line for each.
            address.counts.received -= sum(ends.values()) - max(ends.values(), default=0)
    owners = _Owners(snapshot)
    for address in addresses.values():
        yield Candidate(
            address.text,
            tuple(owners.of_all(address.reached, fold_domain(split_address(address.text)[1] or ""))),
            _seconds(address.counts.first),
            _seconds(address.counts.last),
            address.counts.received,
        )


def _add(sum_of: RecipientCounts, counts: RecipientCounts) -> None:
    sum_of.received += counts.received
    sum_of.last = max(sum_of.last, counts.last)
    sum_of.first = min(sum_of.first or counts.first, counts.first or sum_of.first)


def _seconds(time: int) -> int | None:
    """Return the seconds since 1970 of a number YYYYMMDDhhmmss in local time; None for none, and for no such time."""
    try:
        return int(datetime.strptime(f"{time:014}", "%Y%m%d%H%M%S").timestamp())
    except (ValueError, OverflowError):
        return None


class _Owners:
    """The accounts to which addresses and mailboxes belong: by their own names, or by ``DELIVER``."""

    def __init__(self, snapshot: Snapshot) -> None:
        configuration = snapshot.configuration
        self._mailboxes = snapshot.mailboxes
        self._domains = configuration.settings.alias_domains
        self._by_target: dict[str, set[str]] = {}
        for delivery in configuration.deliveries:
            named = [fold_domain(domain.text) for domain in delivery.domains] or self._domains
            for target in delivery.targets:
                local_part, domain = split_address(target.text)
                for one in named if domain is None else [fold_domain(domain)]:
                    owners = self._by_target.setdefault(f"{local_part}@{one}".lower(), set())
                    owners.add(delivery.account.text)

    def of_all(self, reached: Iterable[str], domain: str) -> list[str]:
        """Return the account to which all addresses and mailboxes belong; if there is none, those of each.

        ``domain`` is that of a mailbox without one.
        """
        owners = [found for one in reached if (found := self._of(one, domain))]
        if not owners:
            return []
        return sorted(set.intersection(*owners) or set.union(*owners))

    def _of(self, reached: str, domain: str) -> set[str]:
        local_part, where = split_address(reached)
        found = set(self._by_target.get(f"{local_part}@{where or domain}".lower(), ()))
        if where is None or where in self._domains:
            account = self._mailboxes.account(local_part, where or domain)
            if account is not None:
                found.add(account)
        return found
