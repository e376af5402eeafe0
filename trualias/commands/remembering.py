"""The addresses that were composed, in the store of the configuration."""

from __future__ import annotations

import time
from collections.abc import Sequence

from trualias.commands.compose_text import TargetResult
from trualias.commands.memory import Refused, open_to_change
from trualias.commands.terminal import Terminal
from trualias.commands.typed_aliases import looked_up
from trualias.lookup import Snapshot
from trualias.lookup.alias_words import words_of
from trualias.lookup.answers import describe_hook_exception
from trualias.messages import escaped
from trualias.store.interface import StoreUnusable
from trualias.store.records import Composed

BUSY_SECONDS = 0.1
"""The longest wait for another process that writes: an address that is not remembered is right as well."""


def remember(snapshot: Snapshot, path: str, results: Sequence[TargetResult], terminal: Terminal) -> None:
    """Record the addresses among some results in a store; where that cannot be done, write why."""
    composed = [(result.address, result.target.account) for result in results if result.value]
    if not composed:
        return
    try:
        aliases = [_composed(snapshot, address, account) for address, account in composed]
        store = open_to_change(None, path, BUSY_SECONDS)
        try:
            store.add_composed(aliases, time.time())
        finally:
            store.close()
    except (Refused, StoreUnusable) as reason:
        terminal.errors.write(f"not remembered: {escaped(str(reason))}\n")


def _composed(snapshot: Snapshot, address: str, account: str) -> Composed:
    try:
        alias = looked_up(snapshot, address)
    except Refused:
        raise
    except Exception as error:  # of a hook
        raise Refused(describe_hook_exception(error)) from error
    return Composed(alias.key, alias.address, account, words_of(snapshot, alias.address))
