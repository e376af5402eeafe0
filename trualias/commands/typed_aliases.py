"""The aliases that a person types: their keys, whether they exist, and what else decides about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from attrs import frozen

from trualias.commands.memory import Memory, Refused
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain
from trualias.lookup import Ambiguous, Found, Snapshot
from trualias.lookup.alias_states import AliasKey, AliasState, alias_key
from trualias.messages import quoted
from trualias.store.interface import Store
from trualias.store.records import Change, Entry

_MOST_NEIGHBOURS = 500
"""Addresses before and after a misspelled one that it is compared with: a comparison takes some 10 microseconds."""


@frozen
class Alias:
    """An alias that a person typed: its key, its address as looked up, and what there is to say about it."""

    key: AliasKey
    address: str
    remark: str = ""

    @property
    def in_brackets(self) -> str:
        """The remark in brackets after a space; empty without one."""
        return f" ({self.remark})" if self.remark else ""


def typed_key(snapshot: Snapshot, typed: str) -> tuple[str, str]:
    """Return the local part and the folded domain that a person typed; raise `Refused` for a foreign domain.

    The domain is that of ALIAS DOMAINS if none was typed and there is just one, otherwise empty.
    """
    local_part, at, given = typed.rpartition("@")
    if not at:
        local_part, given = typed, ""
    domains = snapshot.configuration.settings.alias_domains
    domain = fold_domain(given) or (next(iter(domains)) if len(domains) == 1 else "")
    if domain and domain not in domains:
        raise Refused(f"the domain {quoted(given)} is not one of ALIAS DOMAINS")
    return local_part, domain


def looked_up(snapshot: Snapshot, typed: str) -> Alias:
    """Return the alias that a person typed, after ``preprocess``; raise `Refused` for a text that is none."""
    local_part, domain = typed_key(snapshot, typed)
    remark = ""
    if snapshot.hooks is not None:
        hooked = snapshot.hooks.preprocess(local_part, domain or None)
        if hooked is None:
            raise Refused(f"preprocess() of the PROCESSOR module refuses {quoted(typed)} already")
        changed = (hooked[0], fold_domain(hooked[1] or "") if domain else "")
        if changed != (local_part, domain):
            local_part, domain = changed
            remark = f"{typed} is looked up as {local_part}{'@' + domain if domain else ''}"
    if not local_part.isprintable() or not local_part or " " in local_part:
        raise Refused(f"{quoted(typed)} is not an address")
    if local_part in snapshot.mailboxes:
        raise Refused(f"{quoted(local_part)} is a mailbox, not an alias: all mail of its owner goes there")
    return Alias(alias_key(local_part, domain), f"{local_part}@{domain}" if domain else local_part, remark)


def resolve(snapshot: Snapshot, store: Store, typed: str, *, force: bool = False) -> Alias:
    """Return the alias that a person typed, as the store spells it; raise `Refused` for a text that is none.

    ``force``: it need not be known to the store, nor found by the tables.
    """
    alias = looked_up(snapshot, typed)
    entry = store.entry(alias.key)
    if entry is not None:
        return Alias(alias.key, entry.address, alias.remark)
    local_part, domain = typed_key(snapshot, typed)
    if force or is_found(snapshot, f"{local_part}@{domain}" if domain else local_part):
        return alias
    near = get_close_matches(alias.address, store.neighbours(alias.key, _MOST_NEIGHBOURS), n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Refused(
        f"{quoted(typed)} is no alias that the configuration accepts or the store knows{hint} (--force does it)"
    )


def unchanged(alias: Alias, before: Entry | None) -> Change:
    """Return the change that leaves an alias as its entry has it, for others to be made from."""
    if before is None:
        return Change(alias.key, alias.address, AliasState.ACTIVE)
    return Change(alias.key, alias.address, before.state, None, before.expires, before.resumes)


def is_found(snapshot: Snapshot, key: str) -> bool:
    """Return whether the configuration accepts an address, or a local part; the store is not consulted."""
    table = Table.VIRTUAL if "@" in key else Table.LOCAL_PART
    return isinstance(snapshot.tables[table](key), Found | Ambiguous)


def other_entries(memory: Memory, alias: Alias) -> Iterator[tuple[str, Entry]]:
    """Yield the entry of the other kind, with or without a domain, where it decides about the alias as well."""
    local_part, _, domain = alias.key.rpartition("@")
    others = ("",) if domain else sorted(memory.snapshot.configuration.settings.alias_domains)
    for other in others:
        entry = memory.store.entry(f"{local_part}@{other}")
        if entry is not None and (entry.state is not AliasState.ACTIVE or entry.lock is not None):
            yield other or "all alias domains", entry


def typed_addresses(given: Iterable[str], lines: Iterable[bytes]) -> list[str]:
    """Return the addresses of the arguments, or of the lines where the only argument is ``-``."""
    words = list(given)
    if words != ["-"]:
        return words
    return [text for line in lines if (text := line.decode("utf-8", "replace").strip())]
