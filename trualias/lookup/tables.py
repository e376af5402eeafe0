"""The tables: from a lookup key to an answer.

The *local-part* table has bare local parts as keys and accounts as values; the *virtual* table has whole addresses as
both. The *login* table has the login names that may send from an address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, assert_never

from attrs import evolve, frozen

from trualias.language.domains import fold_domain
from trualias.lookup.alias_states import AliasMemory, AliasState
from trualias.lookup.answers import Answer, Deferred
from trualias.lookup.deliveries import Deliveries
from trualias.lookup.refusals import Refusals
from trualias.lookup.resolution import resolve
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason
from trualias.matching.policy import Policy


class Hooks(Protocol):
    """The administrator's own code before and after a lookup; an exception in it is a fault of that lookup."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None] | None:
        """Return the alias to look up, and its domain; None to refuse it. The local-part table has no domains."""

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None] | None:
        """Return the account to answer, and its domain; None to refuse the alias."""


class Unanswerable(Exception):
    """A hook returned no name or no domain."""


class Lookup(Protocol):
    """The lookup of a key in a table."""

    def __call__(self, key: str) -> Answer:
        """Return the answer to a key; raises what a hook raises."""


@frozen(eq=False, repr=False)
class LocalPartLookup:
    """The local-part table."""

    policy: Policy
    debug_account: str | None = None
    hooks: Hooks | None = None
    refusals: Refusals | None = None
    memory: AliasMemory | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to a local part."""
        if self.hooks is None:
            # To call Refusals.local_part would take 0.1 us more, a hundredth of a lookup.
            if self.refusals is not None and key.lower() in self.refusals.local_parts:
                return _REFUSED
            outcome = self.policy.resolve(key) if self.memory is None else self._resolve(key, self.memory)
            # The value of an account is the account itself, so most answers are the policy's own.
            return outcome if type(outcome) is not Ambiguous else evolve(outcome, value=self.debug_account)
        alias = self.hooks.preprocess(key, None)
        if alias is None:
            return _REFUSED_BY_HOOK
        if self.refusals is not None and self.refusals.local_part(alias[0]) is not None:
            return _REFUSED
        outcome = self.policy.resolve(alias[0]) if self.memory is None else self._resolve(alias[0], self.memory)
        return _with_value(outcome, self.debug_account, self._value, "")

    def _resolve(self, local_part: str, memory: AliasMemory) -> Answer:
        record = memory.record(local_part, None)
        if record.state is not _ACTIVE:
            return _answer_of_state(record.state)
        return resolve(self.policy, memory, record, local_part, None, self.debug_account)

    def _value(self, account: str, _domain: str) -> str | None:
        assert self.hooks is not None
        hooked = self.hooks.postprocess(account, None)
        return None if hooked is None else _not_empty(hooked[0])


@frozen(eq=False, repr=False)
class VirtualLookup:
    """The virtual table. The value of an account is what ``deliveries`` has for it.

    Without any, it is the account at the domain of the key, as the key spells it.
    """

    policy: Policy
    alias_domains: frozenset[str]
    debug_account: str | None = None
    hooks: Hooks | None = None
    refusals: Refusals | None = None
    deliveries: Deliveries | None = None
    memory: AliasMemory | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to an address; its domain is the text after the last ``@``."""
        alias = alias_of(key, self.hooks, self.alias_domains, self.refusals)
        if isinstance(alias, NotFound):
            return alias
        return self.answer(*alias)

    def answer(self, local_part: str, domain: str, folded: str) -> Answer:
        """Return the answer to an alias as `alias_of` returns it."""
        if self.memory is None:
            outcome: Answer = self.policy.resolve(local_part, folded)
        else:
            record = self.memory.record(local_part, folded)
            if record.state is AliasState.QUIET:
                return Found(f"{local_part}@{self.memory.quiet_domain}", "")
            if record.state is not _ACTIVE:
                return _answer_of_state(record.state)
            outcome = resolve(self.policy, self.memory, record, local_part, folded, self.debug_account)
        return _with_value(outcome, self.debug_account, self._value, domain)

    def _value(self, account: str, domain: str) -> str | None:
        if self.hooks is not None:
            hooked = self.hooks.postprocess(account, domain)
            if hooked is None:
                return None
            if hooked[0] != account or hooked[1] != domain:
                return f"{_not_empty(hooked[0])}@{_not_empty(hooked[1])}"
        return f"{account}@{domain}" if self.deliveries is None else self.deliveries.value(account, domain)


_ACTIVE = AliasState.ACTIVE


def _answer_of_state(state: AliasState) -> Answer:
    """Return the answer to an alias that is not active, where its mail cannot be discarded by its domain."""
    return _DEFERRED if state is AliasState.DEFER else _REVOKED


def alias_of(
    key: str, hooks: Hooks | None, alias_domains: frozenset[str], refusals: Refusals | None
) -> tuple[str, str, str] | NotFound:
    """Return the local part and the domain to look up for an address, or the answer if there are none.

    The domain is returned as it is spelled, and folded.
    """
    local_part, at, domain = key.rpartition("@")
    if not at:
        return _NO_DOMAIN
    if hooks is not None:
        alias = hooks.preprocess(local_part, domain)
        if alias is None:
            return _REFUSED_BY_HOOK
        if alias[1] is None:
            return _NO_DOMAIN
        local_part, domain = alias[0], alias[1]
    # Without alias domains, no conversion of a domain is imported here.
    folded = fold_domain(domain) if alias_domains else ""
    if folded not in alias_domains:
        return _UNKNOWN_DOMAIN
    if refusals is not None and refusals.address(local_part, folded) is not None:
        return _REFUSED
    return local_part, domain, folded


_NO_DOMAIN = NotFound(NotFoundReason.NO_DOMAIN)
_UNKNOWN_DOMAIN = NotFound(NotFoundReason.UNKNOWN_DOMAIN)
_REFUSED = NotFound(NotFoundReason.REFUSED)
_REVOKED = NotFound(NotFoundReason.REVOKED)
_DEFERRED = Deferred()
_REFUSED_BY_HOOK = NotFound(NotFoundReason.REFUSED_BY_HOOK)


def _with_value(
    outcome: Answer, debug_account: str | None, value_of: Callable[[str, str], str | None], domain: str
) -> Answer:
    match outcome:
        case Found():
            value = value_of(outcome.account, domain)
            if value is None:
                return _REFUSED_BY_HOOK
            return Found(value, outcome.account, outcome.readings, outcome.is_kept)
        case NotFound() | BudgetExceeded() | Deferred():
            return outcome
        case Ambiguous():
            if debug_account is None:
                return outcome
            value = value_of(debug_account, domain)
            return _REFUSED_BY_HOOK if value is None else Ambiguous(outcome.accounts, value)
        case _:
            assert_never(outcome)


def _not_empty(name: str | None) -> str:
    if not name:
        raise Unanswerable("postprocess() of the PROCESSOR module gave no name, or no domain")
    return name
