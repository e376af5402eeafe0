"""The states of aliases that a person has taken back or paused, as the tables consult them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from enum import Enum

from attrs import frozen


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

_Entries = tuple[tuple[str, AliasState], ...]
"""The domains of a local part in which it is not active, empty for all domains, with the states."""

_NONE: _Entries = ()


class AliasStates:
    """An immutable mapping from aliases to their states; all others are active.

    It is by local part, so that nearly every lookup ends after one probe. A large mapping is under a small one, so that
    a change of a few among a million is soon made. Equal entries are one object, so that a million need little memory.
    """

    __slots__ = ("_all", "_changed")

    def __init__(self, states: Mapping[AliasKey, AliasState] | None = None) -> None:
        self._all: Mapping[str, _Entries] = _collect(states.items(), lambda: None) if states else {}
        self._changed: dict[str, _Entries] = {}

    @classmethod
    def collect(
        cls, states: Iterable[tuple[AliasKey, AliasState]], pause: Callable[[], None] = lambda: None
    ) -> AliasStates:
        """Make the mapping of many aliases; ``pause`` is called often."""
        made = cls()
        made._all = _collect(states, pause)
        return made

    def __len__(self) -> int:
        """Return the number of aliases that are not active."""
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[tuple[AliasKey, AliasState]]:
        """Yield the aliases that are not active, with their states."""
        for local_part, entries in self._local_parts():
            yield from ((f"{local_part}@{domain}", state) for domain, state in entries)

    def of(self, key: AliasKey) -> AliasState:
        """Return the state of a key alone."""
        local_part, _, domain = key.rpartition("@")
        return dict(self.entries(local_part)).get(domain, AliasState.ACTIVE)

    def state(self, local_part: str, domain: str) -> AliasState:
        """Return the stricter of the states of an alias in a domain, which is folded, and in all domains."""
        return strictest(self.entries(local_part), domain)

    def entries(self, local_part: str) -> _Entries:
        """Return the domains in which a local part is not active, empty for all domains, with the states."""
        lower = local_part.lower() if local_part.isascii() else _ascii_lower(local_part)
        entries = self._changed.get(lower) if self._changed else None
        return self._all.get(lower, _NONE) if entries is None else entries

    def changed(
        self, changes: Iterable[tuple[AliasKey, AliasState]], pause: Callable[[], None] = lambda: None
    ) -> AliasStates:
        """Return the states after some changes; ``pause`` is called often if there is much to copy."""
        made = AliasStates()
        made._all = self._all
        made._changed = dict(self._changed)
        for key, state in changes:
            local_part, _, domain = key.rpartition("@")
            entries = dict(made.entries(local_part))
            entries.pop(domain, None)
            if state is not AliasState.ACTIVE:
                entries[domain] = state
            made._changed[local_part] = tuple(entries.items())
        return made if len(made._changed) <= MOST_CHANGED else AliasStates.collect(made.items(), pause)

    def _local_parts(self) -> Iterator[tuple[str, _Entries]]:
        changed = self._changed
        yield from ((local_part, entries) for local_part, entries in self._all.items() if local_part not in changed)
        yield from changed.items()


def strictest(entries: _Entries, domain: str) -> AliasState:
    """Return the strictest of the states for a domain, which is folded, and for all domains."""
    states = [state for where, state in entries if where in ("", domain)]
    return max(states, key=lambda state: state.strictness, default=AliasState.ACTIVE)


def _collect(states: Iterable[tuple[AliasKey, AliasState]], pause: Callable[[], None]) -> dict[str, _Entries]:
    """Make a mapping of many aliases with pauses in between: in one call it would hold the interpreter for long."""
    collected: dict[str, _Entries] = {}
    shared: dict[_Entries, _Entries] = {}
    for number, (key, state) in enumerate(states):
        if number % 1_000 == 0:
            pause()
        if state is AliasState.ACTIVE:
            continue
        local_part, _, domain = key.rpartition("@")
        entries = (*collected.get(local_part, _NONE), (domain, state))
        collected[local_part] = shared.setdefault(entries, entries)
    return collected


@frozen(eq=False)
class AliasMemory:
    """The states as the tables of one configuration consult them.

    ``mailboxes`` are the names that are no aliases: mail servers look up the result of every alias as
    well, so that a state of one would be that of all its owner's aliases. ``only_domain`` is the alias domain if there
    is exactly one, otherwise empty: local parts without a domain are of that one.
    """

    states: AliasStates
    mailboxes: Container[str]
    quiet_domain: str
    only_domain: str = ""

    def state(self, local_part: str, domain: str | None) -> AliasState:
        """Return the state of an alias in a domain, which is folded; None for the local-part table."""
        entries = self.states.entries(local_part)
        if not entries or local_part in self.mailboxes:
            return AliasState.ACTIVE
        return strictest(entries, self.only_domain if domain is None else domain)
