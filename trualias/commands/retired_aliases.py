"""Notes of ``trualias check`` on retired statements: the aliases that the store keeps of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trualias.commands.check_text import Note
from trualias.commands.dates import local_time
from trualias.configuration import Configuration
from trualias.language.rule import Rule
from trualias.matching.policy import Policy
from trualias.messages import number_of

_IMPORT = "trualias alias import --from-log LOG adds the addresses that received mail before"


def retired_notes(configuration: Configuration) -> tuple[Note, ...]:
    """Return a note for each retired statement: how many aliases the store keeps of it, and since when it counts."""
    if configuration.policy.retired is None:
        return ()
    return tuple(_notes(configuration, configuration.policy.retired))


def _notes(configuration: Configuration, retired: Policy) -> Iterator[Note]:
    # Without a store, nothing of it is imported.
    from trualias.store.interface import StoreUnusable
    from trualias.store.sqlite import SqliteStore

    path = configuration.store_path
    assert path is not None  # RETIRED needs it
    try:
        store = SqliteStore(path)
        try:
            kept = _kept(retired, (key for _, key, is_known in store.known() if is_known))
            since = store.counts_since()
        finally:
            store.close()
    except StoreUnusable as problem:
        yield Note(
            "retired",
            f"what is kept of {number_of(len(retired.rules), 'retired statement')} is not known: {problem}",
            "only addresses that the store knows work any more",
            "let a server with this configuration make the store, or run the check as its user",
        )
        return
    counted = "the store has not counted any mail yet" if since is None else f"it counts since {local_time(since)}"
    for rule in retired.rules:
        yield Note(
            "retired",
            f"{configuration.line_text(rule.statement.offset)} is RETIRED; the store keeps "
            f"{number_of(kept[rule], 'alias', 'aliases', zero='no')} of it",
            f"{counted}; an address that was given out, but never received mail, is not found",
            _IMPORT,
        )


def _kept(retired: Policy, keys: Iterator[str]) -> Counter[Rule]:
    """Return the number of aliases of each statement; one of several counts for each."""
    kept: Counter[Rule] = Counter()
    for key in keys:
        local_part, _, domain = key.rpartition("@")
        kept.update(retired.accepting(local_part, domain or None))
    return kept
