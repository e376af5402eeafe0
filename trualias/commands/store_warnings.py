"""Warnings about a configuration and what its store keeps."""

from __future__ import annotations

from collections.abc import Iterator

from trualias.analysis.lint_warning import LintWarning
from trualias.configuration import Configuration
from trualias.lookup.mailboxes import mailboxes_of
from trualias.messages import number_of, quoted
from trualias.store.interface import StoreUnusable
from trualias.store.sqlite import SqliteStore


def store_warnings(configuration: Configuration, path: str) -> Iterator[LintWarning]:
    """Yield the warnings about the aliases that a store keeps; none if it cannot be read."""
    try:
        store = SqliteStore(path)
        try:
            kept = store.kept_accounts()
        finally:
            store.close()
    except StoreUnusable:
        return
    mailboxes = mailboxes_of(configuration)
    for account, domain, number in kept:
        domains: list[str | None] = [domain] if domain else [*sorted(configuration.settings.alias_domains)] or [None]
        missing = [one for one in domains if mailboxes.account(account, one) is None]
        if missing:
            where = f" in {', '.join(one for one in missing if one)}" if missing[0] else ""
            aliases = number_of(number, "alias", "aliases")
            yield LintWarning(
                "kept-without-account",
                configuration.offset("STORE"),
                f"the store keeps {aliases} for {quoted(account)}, which is no account{where}",
                "their mail gets a temporary error, and comes back to its senders after some days",
                "write a statement for the account, or import the aliases for another one with --take",
            )
