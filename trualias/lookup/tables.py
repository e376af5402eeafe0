"""The tables: from a lookup key to an answer.

The *local-part* table has bare local parts as keys and accounts as values; the *virtual* table has whole addresses as
both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, assert_never

from attrs import evolve, frozen

from trualias.lookup.answers import Answer
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy


class Hooks(Protocol):
    """The administrator's own code before and after a lookup; an exception in it is a fault of that lookup."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Return the alias to look up, and its domain; the domain is None for the local-part table."""

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Return the account to answer, and its domain."""


class Unanswerable(Exception):
    """A hook returned no name or no domain."""


class Lookup(Protocol):
    """The lookup of a key in a table."""

    def __call__(self, key: str) -> Answer:
        """Return the answer to a key; raises what a hook raises."""


@frozen(eq=False)
class LocalPartLookup:
    """The local-part table."""

    policy: Policy
    debug_account: str | None = None
    hooks: Hooks | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to a local part."""
        if self.hooks is None:
            outcome = self.policy.resolve(key)
            # The value of an account is the account itself, so most answers are the policy's own.
            return outcome if type(outcome) is not Ambiguous else evolve(outcome, value=self.debug_account)
        local_part = self.hooks.preprocess(key, None)[0]
        return _with_value(self.policy.resolve(local_part), self.debug_account, self._value, "")

    def _value(self, account: str, _domain: str) -> str:
        assert self.hooks is not None
        return _not_empty(self.hooks.postprocess(account, None)[0])


@frozen(eq=False)
class VirtualLookup:
    """The virtual table. The domain of a value is that of the key, as the key spells it."""

    policy: Policy
    alias_domains: frozenset[str]
    debug_account: str | None = None
    hooks: Hooks | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to an address; its domain is the text after the last ``@``."""
        local_part, at, domain = key.rpartition("@")
        if not at:
            return _NO_DOMAIN
        if self.hooks:
            local_part, hooked = self.hooks.preprocess(local_part, domain)
            if hooked is None:
                return _NO_DOMAIN
            domain = hooked
        # The lower case of some letters outside ASCII is in ASCII: that of the Kelvin sign is k.
        if not domain.isascii() or domain.lower() not in self.alias_domains:
            return _UNKNOWN_DOMAIN
        return _with_value(self.policy.resolve(local_part), self.debug_account, self._value, domain)

    def _value(self, account: str, domain: str) -> str:
        if self.hooks is None:
            return f"{account}@{domain}"
        account, hooked = self.hooks.postprocess(account, domain)
        return f"{_not_empty(account)}@{_not_empty(hooked)}"


_NO_DOMAIN = NotFound(NotFoundReason.NO_DOMAIN)
_UNKNOWN_DOMAIN = NotFound(NotFoundReason.UNKNOWN_DOMAIN)


def _with_value(
    outcome: PolicyOutcome, debug_account: str | None, value: Callable[[str, str], str], domain: str
) -> Answer:
    match outcome:
        case Found():
            return Found(value(outcome.account, domain), outcome.account, outcome.readings)
        case NotFound() | BudgetExceeded():
            return outcome
        case Ambiguous():
            return Ambiguous(outcome.accounts, None if debug_account is None else value(debug_account, domain))
        case _:
            assert_never(outcome)


def _not_empty(name: str | None) -> str:
    if not name:
        raise Unanswerable("postprocess() of the PROCESSOR module gave no name, or no domain")
    return name
