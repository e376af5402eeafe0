"""The states of aliases that a person has taken back or paused, as the tables consult them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from attrs import frozen

from trualias.lookup.known_aliases import KnownAliases
from trualias.lookup.locks import Lock
from trualias.lookup.mailboxes import Mailboxes


class AliasState(Enum):
    """The states of an alias, the stricter after the less strict. The value is its name in a store."""

    ACTIVE = "active"
    QUIET = "quiet"
    DEFER = "defer"
    REFUSE = "refuse"
    REVOKED = "revoked"

    @property
    def strictness(self) -> int:
        """The place in the order of the states, counted from 0."""
        return _STRICTNESS[self]

    @property
    def is_paused(self) -> bool:
        """True for the three ways of a pause."""
        return self in (AliasState.QUIET, AliasState.DEFER, AliasState.REFUSE)


_STRICTNESS = {state: number for number, state in enumerate(AliasState)}


class AliasRecord(NamedTuple):
    """An alias as lookups know it.

    ``kept_for`` is the account of a kept alias, which is found though no statement accepts it; otherwise empty. A mail
    must be admitted by all ``locks``: one of the alias in its domain, and one of it in all domains. At the time
    ``expires``, in seconds since 1970, it becomes revoked, and at ``resumes`` active; None for never.
    """

    state: AliasState = AliasState.ACTIVE
    kept_for: str = ""
    locks: tuple[Lock, ...] = ()
    expires: float | None = None
    resumes: float | None = None

    @property
    def has_time(self) -> bool:
        """True if the state changes at a time."""
        return self.expires is not None or self.resumes is not None

    def at(self, now: float) -> AliasRecord:
        """Return the record at a time, in seconds since 1970: the same object if no time has come."""
        if self.expires is not None and self.expires <= now:
            return self._replace(state=AliasState.REVOKED, expires=None, resumes=None)
        if self.resumes is not None and self.resumes <= now:
            state = AliasState.ACTIVE if self.state.is_paused else self.state
            return self._replace(state=state, resumes=None)
        return self


RECORDS = {state: AliasRecord(state) for state in AliasState}
"""The records of aliases that are neither kept nor locked, and whose state does not end, by their states."""

PLAIN = RECORDS[AliasState.ACTIVE]
"""The record of an alias about which nothing was decided."""

AliasKey = str
"""A local part, ``@`` and a domain, both in lower case; without a domain the alias is one of all alias domains."""


def alias_key(local_part: str, domain: str | None) -> AliasKey:
    """Return the key of an alias. Letters are compared without regard to the case of ASCII."""
    return f"{_ascii_lower(local_part)}@{_ascii_lower(domain or '')}"


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

MOST_CHANGED = 1_000
"""Changed local parts that a small mapping over the large one holds before both become one: a change copies it."""

_Entries = tuple[tuple[str, AliasRecord], ...]
"""The domains of a local part in which its record is not the plain one, empty for all domains, with the records."""

_NONE: _Entries = ()


class AliasStates:
    """An immutable mapping from aliases to their records; that of all others is `PLAIN`.

    It is by local part, so that nearly every lookup ends after one probe. A large mapping is under a small one, so that
    a change of a few among a million is soon made. Equal entries are one object, so that a million need little memory.
    ``known`` are the aliases that the store knows; all mappings of one process share them. ``is_lost``: neither the
    store nor a copy of it could be read, and any alias may have another record than the plain one.
    """

    __slots__ = ("_all", "_changed", "_timed", "is_lost", "known")

    def __init__(
        self,
        records: Mapping[AliasKey, AliasRecord] | None = None,
        known: KnownAliases | None = None,
        *,
        is_lost: bool = False,
    ) -> None:
        self.known = KnownAliases() if known is None else known
        self.is_lost = is_lost
        self._timed: dict[AliasKey, AliasRecord] = {}
        self._all: Mapping[str, _Entries] = _collect(records.items(), lambda: None, self._timed) if records else {}
        self._changed: dict[str, _Entries] = {}

    @classmethod
    def collect(
        cls,
        records: Iterable[tuple[AliasKey, AliasRecord]],
        pause: Callable[[], None] = lambda: None,
        known: KnownAliases | None = None,
    ) -> AliasStates:
        """Make the mapping of many aliases; ``pause`` is called often."""
        made = cls(known=known)
        made._all = _collect(records, pause, made._timed)
        return made

    def __len__(self) -> int:
        """Return the number of aliases whose record is not the plain one."""
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[tuple[AliasKey, AliasRecord]]:
        """Yield the aliases whose record is not the plain one, with their records."""
        for local_part, entries in self._local_parts():
            yield from ((f"{local_part}@{domain}", record) for domain, record in entries)

    def due(self, now: float) -> list[tuple[AliasKey, AliasRecord]]:
        """Return the aliases whose state ends by a time, in seconds since 1970, with their records from then on."""
        return [(key, after) for key, record in self._timed.items() if (after := record.at(now)) is not record]

    def of(self, key: AliasKey) -> AliasRecord:
        """Return the record of a key alone."""
        local_part, _, domain = key.rpartition("@")
        return dict(self.entries(local_part)).get(domain, PLAIN)

    def entries(self, local_part: str) -> _Entries:
        """Return the domains in which a local part has no plain record, empty for all domains, with the records."""
        lower = local_part.lower() if local_part.isascii() else _ascii_lower(local_part)
        entries = self._changed.get(lower) if self._changed else None
        return self._all.get(lower, _NONE) if entries is None else entries

    def changed(
        self, changes: Iterable[tuple[AliasKey, AliasRecord]], pause: Callable[[], None] = lambda: None
    ) -> AliasStates:
        """Return the records after some changes; ``pause`` is called often if there is much to copy."""
        made = AliasStates(known=self.known)
        made._all = self._all
        made._changed = dict(self._changed)
        made._timed = dict(self._timed)
        for number, (key, record) in enumerate(changes, 1):
            if number % 1_000 == 0:
                pause()
            made._timed.pop(key, None)
            if record.has_time:
                made._timed[key] = record
            local_part, _, domain = key.rpartition("@")
            entries = dict(made.entries(local_part))
            entries.pop(domain, None)
            if record != PLAIN:
                entries[domain] = record
            made._changed[local_part] = tuple(entries.items())
        return made if len(made._changed) <= MOST_CHANGED else AliasStates.collect(made.items(), pause, self.known)

    def _local_parts(self) -> Iterator[tuple[str, _Entries]]:
        changed = self._changed
        yield from ((local_part, entries) for local_part, entries in self._all.items() if local_part not in changed)
        yield from changed.items()


def combined(entries: _Entries, domain: str) -> AliasRecord:
    """Return one record for an alias in a domain, which is folded, of its entries there and for all domains.

    The stricter state and both locks hold. The alias is kept for the account of its own domain first.
    """
    found = [record for where, record in entries if where in ("", domain)]
    if len(found) < 2:
        return found[0] if found else PLAIN
    state = max((record.state for record in found), key=lambda state: state.strictness)
    own = dict(entries)[domain]
    kept_for = own.kept_for or next((record.kept_for for record in found if record.kept_for), "")
    return AliasRecord(state, kept_for, tuple(lock for record in found for lock in record.locks))


def _collect(
    records: Iterable[tuple[AliasKey, AliasRecord]], pause: Callable[[], None], timed: dict[AliasKey, AliasRecord]
) -> dict[str, _Entries]:
    """Make a mapping of many aliases with pauses in between: in one call it would hold the interpreter for long.

    Those whose state ends at a time are put into ``timed`` as well.
    """
    collected: dict[str, _Entries] = {}
    shared: dict[_Entries, _Entries] = {}
    for number, (key, record) in enumerate(records):
        if number % 1_000 == 0:
            pause()
        # These comparisons are of a million records, and the other ones take a Python function each.
        if record is PLAIN or (record.state is AliasState.ACTIVE and record == PLAIN):
            continue
        if record.expires is not None or record.resumes is not None:
            timed[key] = record
        local_part, _, domain = key.rpartition("@")
        entries = (*collected.get(local_part, _NONE), (domain, record))
        collected[local_part] = shared.setdefault(entries, entries)
    return collected


@frozen(eq=False, repr=False)
class AliasMemory:
    """The states as the tables of one configuration consult them.

    ``mailboxes`` are the names that are no aliases: mail servers look up the result of every alias as
    well, so that a state of one would be that of all its owner's aliases. ``only_domain`` is the alias domain if there
    is exactly one, otherwise empty: local parts without a domain are of that one.
    """

    states: AliasStates
    mailboxes: Mailboxes
    quiet_domain: str
    only_domain: str = ""

    def record(self, local_part: str, domain: str | None) -> AliasRecord:
        """Return the record of an alias in a domain, which is folded; None for the local-part table."""
        entries = self.states.entries(local_part)
        if not entries or local_part in self.mailboxes:
            return PLAIN
        return combined(entries, self.only_domain if domain is None else domain)

    def is_known(self, local_part: str, domain: str | None) -> bool | None:
        """Return whether the store knows an alias in a domain, which is folded; None if it was not read yet."""
        known = self.states.known
        if known.has(_ascii_lower(local_part), self.only_domain if domain is None else domain):
            return local_part not in self.mailboxes
        return False if known.is_complete else None

    def state(self, local_part: str, domain: str | None) -> AliasState:
        """Return the state of an alias in a domain, which is folded; None for the local-part table."""
        return self.record(local_part, domain).state
