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
"""Changes that a small mapping over the large one holds before both become one: a change copies the small one."""


class AliasStates:
    """An immutable mapping from aliases to their states; all others are active.

    It is a large mapping and a small one over it, so that a change of a few among a million is soon made.
    """

    __slots__ = ("_all", "_changed")

    def __init__(self, states: Mapping[AliasKey, AliasState] | None = None) -> None:
        self._all: Mapping[AliasKey, AliasState] = states or {}
        self._changed: Mapping[AliasKey, AliasState] = {}

    def __len__(self) -> int:
        """Return the number of aliases that are not active."""
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[tuple[AliasKey, AliasState]]:
        """Yield the aliases that are not active, with their states."""
        changed = self._changed
        yield from ((key, state) for key, state in self._all.items() if key not in changed)
        yield from ((key, state) for key, state in changed.items() if state is not AliasState.ACTIVE)

    def of(self, key: AliasKey) -> AliasState:
        """Return the state of a key alone."""
        state = self._changed.get(key)
        return self._all.get(key, AliasState.ACTIVE) if state is None else state

    def state(self, local_part: str, domain: str) -> AliasState:
        """Return the stricter of the states of an alias in a domain, and in all domains; ``""`` stands for the latter.

        The domain is in lower case.
        """
        everywhere = f"{_ascii_lower(local_part)}@"
        state = self.of(everywhere)
        if not domain:
            return state
        own = self.of(everywhere + domain)
        return own if own.strictness > state.strictness else state

    def changed(
        self, changes: Iterable[tuple[AliasKey, AliasState]], pause: Callable[[], None] = lambda: None
    ) -> AliasStates:
        """Return the states after some changes; ``pause`` is called often if there is much to copy."""
        made = AliasStates(self._all)
        made._changed = {**self._changed, **dict(changes)}
        if len(made._changed) <= MOST_CHANGED:
            return made
        return AliasStates(_collect(made.items(), pause))


def _collect(items: Iterable[tuple[AliasKey, AliasState]], pause: Callable[[], None]) -> Mapping[AliasKey, AliasState]:
    """Make a mapping of many items with pauses in between: in one call it would hold the interpreter for long."""
    collected: dict[AliasKey, AliasState] = {}
    for number, (key, state) in enumerate(items):
        collected[key] = state
        if number % 1_000 == 0:
            pause()
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
        """Return the state of an alias in a domain, which is in lower case; None for the local-part table."""
        state = self.states.state(local_part, self.only_domain if domain is None else domain)
        if state is not AliasState.ACTIVE and local_part in self.mailboxes:
            return AliasState.ACTIVE
        return state
