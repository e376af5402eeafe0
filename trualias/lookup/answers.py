"""The two servers' way from a lookup key to an answer.

The *table* server takes a bare local part and answers an account; the *virtual* server takes a whole address and
answers one. That is all in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol, assert_never

from attrs import frozen

from trualias.configuration import Configuration
from trualias.language.memo import BoundedMemo
from trualias.matching import outcome as policy
from trualias.matching.policy import Policy
from trualias.protocols.reply import Reply


class Hooks(Protocol):
    """The administrator's own code before and after a lookup; what it raises is a fault of that lookup."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Give the alias to look up, and its domain."""

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Give the account to answer, and its domain."""


class Reason(Enum):
    """Why a key is not found."""

    NO_MATCH = "no reading of the address has the right code"
    NO_DOMAIN = "the key has no domain"
    FOREIGN_DOMAIN = "the domain is not one of ALIAS DOMAINS"


@frozen
class Found:
    """The value for a key. ``readings`` is 1, or 2 where the address can be read in several ways.

    ``account`` is the one that the policy gave, before any hook.
    """

    value: str
    account: str
    readings: int = 1


@frozen
class NotFound:
    """There is no value. ``near`` are accounts whose shape the key has, but whose code was wrong."""

    reason: Reason
    near_misses: tuple[str, ...] = ()


@frozen
class Ambiguous:
    """Several accounts verify; ``value`` is the debug account's, None where none is set."""

    accounts: tuple[str, ...]
    value: str | None


@frozen
class OverBudget:
    """The lookup took too many steps and was given up: a temporary error, since the key may well have a value."""


Answer = Found | NotFound | Ambiguous | OverBudget


class Unanswerable(Exception):
    """A hook left nothing that can be answered."""


class Lookup(Protocol):
    """A way from a key to an answer."""

    def __call__(self, key: str) -> Answer:
        """Look a key up; raises what a hook raises."""


@frozen(eq=False)
class TableLookup:
    """Looks up bare local parts."""

    policy: Policy
    debug_account: str | None = None
    hooks: Hooks | None = None

    def __call__(self, key: str) -> Answer:
        """Look up a local part."""
        local_part = key if self.hooks is None else self.hooks.preprocess(key, None)[0]
        return _answer(self.policy.resolve(local_part), self.debug_account, self._value, "")

    def _value(self, account: str, _domain: str) -> str:
        return account if self.hooks is None else _some(self.hooks.postprocess(account, None)[0])


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
            return NotFound(Reason.NO_DOMAIN)
        if self.hooks:
            local_part, hooked = self.hooks.preprocess(local_part, domain)
            if hooked is None:
                return NotFound(Reason.NO_DOMAIN)
            domain = hooked
        # Some letters outside ASCII have one of ASCII in lower case.
        if not domain.isascii() or domain.lower() not in self.alias_domains:
            return NotFound(Reason.FOREIGN_DOMAIN)
        outcome = self.policy.resolve(local_part)
        return _answer(outcome, self.debug_account, self._value, domain)

    def _value(self, account: str, domain: str) -> str:
        if self.hooks is None:
            return f"{account}@{domain}"
        account, hooked = self.hooks.postprocess(account, domain)
        return f"{_some(account)}@{_some(hooked)}"


_NOWHERE = NotFound(Reason.NO_MATCH)


def _answer(
    outcome: policy.Outcome, debug_account: str | None, value: Callable[[str, str], str], domain: str
) -> Answer:
    match outcome:
        case policy.NoMatch():
            return NotFound(Reason.NO_MATCH, outcome.near_misses) if outcome.near_misses else _NOWHERE
        case policy.Delivered():
            return Found(value(outcome.account, domain), outcome.account, outcome.readings)
        case policy.Ambiguous():
            return Ambiguous(outcome.accounts, None if debug_account is None else value(debug_account, domain))
        case policy.Exhausted():
            return OverBudget()
        case _:
            assert_never(outcome)


def _some(name: str | None) -> str:
    if not name:
        raise Unanswerable("postprocess() of the PROCESSOR module gave no name, or no domain")
    return name


class Replies:
    """Replies that were given, by the bytes of their requests, so that they need not be worked out again.

    It forgets: it holds at most twice ``SPAN`` replies, and none to a long request. ``recent`` is public for the sake
    of the one who looks here at each request; what is not there, ``get`` may still find.
    ``alike`` has replies that many requests have in common, by whoever makes them and what they say.
    """

    SPAN = 8192
    LONGEST = 256

    __slots__ = ("_keeping", "_older", "recent", "shared")

    def __init__(self, keeping: bool) -> None:
        self._keeping = keeping
        self.recent: dict[bytes, Reply] = {}
        self._older: dict[bytes, Reply] = {}
        self.shared: BoundedMemo[tuple[object, object], Reply] = BoundedMemo()

    def get(self, request: bytes) -> Reply | None:
        """Give the reply that was given before."""
        reply = self.recent.get(request) or self._older.get(request)
        if reply is not None:
            self.keep(request, reply)
        return reply

    def keep(self, request: bytes, reply: Reply) -> None:
        """Keep a reply."""
        if not self._keeping or len(request) > self.LONGEST:
            return
        if len(self.recent) >= self.SPAN:
            self._older = self.recent
            self.recent = {}
        self.recent[request] = reply


class Snapshot:
    """All that answers by one configuration. A new one takes the place of the old by a single assignment.

    The replies go with it, so that a reload never leaves a stale one; none are kept where hooks may answer differently
    each time. Requests of socketmap name the table that they ask, hence one place for their replies.
    """

    def __init__(self, configuration: Configuration, hooks: Hooks | None = None) -> None:
        settings = configuration.settings
        self.configuration = configuration
        self.table = TableLookup(configuration.policy, settings.debug_account, hooks)
        self.virtual = VirtualLookup(configuration.policy, settings.alias_domains, settings.debug_account, hooks)
        self.table_replies = Replies(keeping=hooks is None)
        self.virtual_replies = Replies(keeping=hooks is None)
        self.map_replies = Replies(keeping=hooks is None)


class CurrentSnapshot:
    """Where the servers find the snapshot that is in force."""

    __slots__ = ("snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
