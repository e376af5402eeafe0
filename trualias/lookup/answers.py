"""The answers of a table, and their descriptions."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple, assert_never

from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.messages import one_of, printable


class DeferredReason(Enum):
    """The reasons for which an alias gets a temporary error that has to do with the store."""

    PAUSED = auto()
    NO_ACCOUNT = auto()
    LOST = auto()


class Deferred(NamedTuple):
    """A temporary error for an alias: it is paused, or whether it exists cannot be known.

    ``account`` is the one that a kept alias is kept for, if the configuration does not have it, otherwise empty.
    """

    reason: DeferredReason = DeferredReason.PAUSED
    account: str = ""


Answer = PolicyOutcome | Deferred
"""The answer of a table: the four cases of a policy's outcome, with the value of the table, or a temporary error."""

_REASONS = {
    NotFoundReason.NO_MATCH: "no statement in use has aliases of this shape",
    NotFoundReason.NO_DOMAIN: "the key has no domain",
    NotFoundReason.UNKNOWN_DOMAIN: "the domain is not one of ALIAS DOMAINS",
    NotFoundReason.REFUSED: "REFUSE takes it back",
    NotFoundReason.REVOKED: "it is revoked or paused",
    NotFoundReason.REFUSED_BY_HOOK: "a hook refuses it",
}


def describe(answer: Answer) -> str:
    """Return an answer as a predicate, such as ``goes to foo``, for a sentence that begins with the key."""
    match answer:
        case Found(value, account, readings):
            ambiguity = f"; it can be read in several ways, all of account {account}" if readings > 1 else ""
            return f"goes to {value}{ambiguity}{'; the store keeps it' if answer.is_kept else ''}"
        case NotFound(_, near_misses) if near_misses:
            accounts = one_of(sorted(set(near_misses)))
            return f"is not found: it has the shape of an alias of {accounts}, but its code is wrong"
        case NotFound(reason):
            return f"is not found: {_REASONS[reason]}"
        case Ambiguous(accounts, value):
            fate = "is not found, because there is no DEBUG ACCOUNT" if value is None else f"goes to {value}"
            return f"{fate}: it is right for several accounts, {', '.join(accounts)}"
        case Deferred():
            return f"gets a temporary error: {describe_deferred(answer)}"
        case BudgetExceeded():
            return "gets a temporary error: the lookup took too many steps and was given up"
        case _:
            assert_never(answer)


def describe_deferred(answer: Deferred) -> str:
    """Return the reason of a temporary error as a sentence."""
    match answer.reason:
        case DeferredReason.PAUSED:
            return "it is paused, and its mail is deferred"
        case DeferredReason.NO_ACCOUNT:
            return f"the store keeps it for {answer.account}, which the configuration does not have as an account there"
        case DeferredReason.LOST:
            return "the store cannot be read, and may keep it"
        case _:
            assert_never(answer.reason)


_LONGEST_EXCEPTION = 500


def describe_hook_exception(error: Exception) -> str:
    """Describe in one printable line the exception that a hook raised."""
    text = " ".join(f"a hook raised {type(error).__name__}: {error}".removesuffix(": ").split())
    return printable(text, _LONGEST_EXCEPTION)
