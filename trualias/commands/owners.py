"""The accounts that own aliases, for the commands that take ``--account``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from attrs import evolve

from trualias.commands.memory import Memory, Refused
from trualias.language.domains import fold_domain
from trualias.lookup import Found, Snapshot
from trualias.messages import did_you_mean, quoted
from trualias.store.records import ALL, Entry, Selection


def add_account(command: ArgumentParser, text: str = "only what is of the aliases of this account") -> None:
    """Declare ``--account ACCOUNT``, and what it does."""
    command.add_argument(
        "--account",
        metavar="ACCOUNT",
        help=f"{text}, such as ann, or in one domain, such as ann@example.com",
    )


def owner(snapshot: Snapshot, account: str | None) -> Selection:
    """Return the selection of the aliases of an account that a person typed, None for all; raise `Refused`."""
    if account is None:
        return ALL
    name, at, given = account.rpartition("@")
    domain = fold_domain(given) if at else None
    if domain is not None and domain not in snapshot.configuration.settings.alias_domains:
        raise Refused(f"the domain {quoted(given)} is not one of ALIAS DOMAINS")
    policy = snapshot.configuration.policy
    name = name if at else given
    folded = policy.fold(name)
    # The store has accounts as the configuration spells them.
    spelled = next((one for one in sorted(policy.accounts) if policy.fold(one) == folded), name)
    return Selection(account=spelled, domain=domain)


def known_owner(memory: Memory, account: str | None) -> Selection:
    """Return the selection of the aliases of an account, as `owner` does; raise `Refused` if there is no such account.

    An account that the configuration no longer has may still have aliases in the store.
    """
    selection = owner(memory.snapshot, account)
    name = selection.account
    if name is not None and name not in memory.snapshot.configuration.policy.accounts:
        entries = memory.store.entries(selection)
        if all(with_account(memory.snapshot, entry).account != name for entry in entries):
            raise no_account(memory.snapshot, name)
    return selection


def entries_of(memory: Memory, selection: Selection) -> Iterator[Entry]:
    """Yield the wanted entries, with their accounts."""
    for entry in memory.store.entries(selection):
        found = with_account(memory.snapshot, entry)
        if selection.account in (None, found.account):
            yield found


def no_account(snapshot: Snapshot, name: str) -> Refused:
    """Return the refusal of an account that neither the configuration nor the store knows."""
    suggestion = did_you_mean(name, sorted(snapshot.configuration.policy.accounts))
    return Refused(f"there is no account {quoted(name)}{suggestion}")


def with_account(snapshot: Snapshot, entry: Entry) -> Entry:
    """Return an entry with its account; one that no mail was counted for has that of the account statements."""
    if entry.account:
        return entry
    local_part, _, domain = entry.key.rpartition("@")
    spelled = entry.address[: len(local_part)]  # its case counts with CASE SENSITIVE
    outcome = snapshot.configuration.policy.resolve(spelled, domain or None)
    return evolve(entry, account=outcome.account) if isinstance(outcome, Found) else entry
