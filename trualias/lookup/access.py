"""The access table: the actions of a mail server for the addresses that it must refuse (access(5))."""

from __future__ import annotations

from typing import NamedTuple

from attrs import frozen

from trualias.lookup.alias_states import PLAIN, AliasMemory, AliasRecord, AliasState
from trualias.lookup.answers import Answer
from trualias.lookup.refusals import Refusals
from trualias.lookup.tables import Hooks, alias_of
from trualias.matching.outcome import Found, NotFound, NotFoundReason


class ConsultedAlias(NamedTuple):
    """An address that may be an alias, with its record; ``folded`` is its domain for comparisons."""

    local_part: str
    domain: str
    folded: str
    record: AliasRecord


@frozen(eq=False, repr=False)
class AccessLookup:
    """The access table.

    The value of an alias that was taken back is the refusal of an unknown user, with the text ``unknown_user``; that of
    a deferred one is a temporary error (RFC 3463, codes 5.1.1 and 4.2.1). Any other address is not found, right or
    wrong: whether it exists is the answer of the virtual table.
    """

    alias_domains: frozenset[str]
    unknown_user: str
    hooks: Hooks | None = None
    refusals: Refusals | None = None
    memory: AliasMemory | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to an address; one dot after its domain is left out, as clients can type it."""
        return self.verdict(self.consult(key))

    def consult(self, key: str) -> ConsultedAlias | NotFound:
        """Return the alias of an address with its record, or the answer if it is none; what a hook raises is raised."""
        alias = alias_of(key.removesuffix("."), self.hooks, self.alias_domains, self.refusals)
        if isinstance(alias, NotFound):
            return alias
        local_part, _, folded = alias
        return ConsultedAlias(*alias, PLAIN if self.memory is None else self.memory.record(local_part, folded))

    def verdict(self, consulted: ConsultedAlias | NotFound) -> Answer:
        """Return the answer to an address that was consulted."""
        if isinstance(consulted, NotFound):
            return self.refusal if consulted.reason is NotFoundReason.REFUSED else consulted
        match consulted.record.state:
            case AliasState.ACTIVE | AliasState.QUIET:
                return _NO_MATCH
            case AliasState.DEFER:
                return _DEFER
            case AliasState.REFUSE | AliasState.REVOKED:
                return self.refusal

    @property
    def refusal(self) -> Found:
        """The answer to an address that was taken back."""
        return Found(f"550 5.1.1 {self.unknown_user}", "")


_NO_MATCH = NotFound(NotFoundReason.NO_MATCH)
_DEFER = Found("450 4.2.1 This address is paused, try again later", "")
