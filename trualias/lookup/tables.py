"""The tables: from a lookup key to an answer.

The *local-part* table takes a bare local part and answers an account; the *virtual* table takes a whole address and
answers one. That is all in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, assert_never

from attrs import evolve, frozen

from trualias.lookup.answers import Answer
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy


class Hooks(Protocol):
    """The administrator's own code before and after a lookup; an exception of theirs is a fault of that lookup."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Return the alias to look up, and its domain."""

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Return the account to answer, and its domain."""


class Unanswerable(Exception):
    """A hook returned no name or no domain, so that there is nothing to answer."""


class Lookup(Protocol):
    """A function from a key to an answer."""

    def __call__(self, key: str) -> Answer:
        """Look a key up; raises what a hook raises."""


@frozen(eq=False)
class LocalPartLookup:
    """Looks up bare local parts."""

    policy: Policy
    debug_account: str | None = None
    hooks: Hooks | None = None

    def __call__(self, key: str) -> Answer:
        """Look up a local part."""
        if self.hooks is None:
            outcome = self.policy.resolve(key)
            # The value of an account is the account itself: most answers are the policy's own.
            return outcome if type(outcome) is not Ambiguous else evolve(outcome, value=self.debug_account)
        local_part = self.hooks.preprocess(key, None)[0]
        return _with_value(self.policy.resolve(local_part), self.debug_account, self._value, "")

    def _value(self, account: str, _domain: str) -> str:
        assert self.hooks is not None
        return _some(self.hooks.postprocess(account, None)[0])


@frozen(eq=False)
class VirtualLookup:
    """Looks up whole addresses. The domain of the answer is that of the key, as the key spells it."""

    policy: Policy
    alias_domains: frozenset[str]
    debug_account: str | None = None
    hooks: Hooks | None = None

    def __call__(self, key: str) -> Answer:
        """Look up an address; what follows its last ``@`` is the domain."""
        local_part, at, domain = key.rpartition("@")
        if not at:
            return _NO_DOMAIN
        if self.hooks:
            local_part, hooked = self.hooks.preprocess(local_part, domain)
            if hooked is None:
                return _NO_DOMAIN
            domain = hooked
        # Some letters outside ASCII have one of ASCII in lower case.
        if not domain.isascii() or domain.lower() not in self.alias_domains:
            return _UNKNOWN_DOMAIN
        return _with_value(self.policy.resolve(local_part), self.debug_account, self._value, domain)

    def _value(self, account: str, domain: str) -> str:
        if self.hooks is None:
            return f"{account}@{domain}"
        account, hooked = self.hooks.postprocess(account, domain)
        return f"{_some(account)}@{_some(hooked)}"


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


def _some(name: str | None) -> str:
    if not name:
        raise Unanswerable("postprocess() of the PROCESSOR module gave no name, or no domain")
    return name
