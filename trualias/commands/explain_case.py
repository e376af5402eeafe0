"""Asks what `trualias explain` tells of: the answer to a key, what the hooks did to it, and why it is the answer."""

from __future__ import annotations

from attrs import Factory, define, evolve, frozen

from trualias.analysis.explanation import Explanation, explain
from trualias.configuration.locations import Kind
from trualias.lookup import Answer, Hooks, NotFound, Reason, Snapshot


@frozen
class HookCall:
    """A call of a hook: the name and the domain that it was given, and those that it gave."""

    hook: str
    given: tuple[str, str | None]
    gave: tuple[str, str | None]


@define
class _Watched:
    """Hooks, and what they did."""

    hooks: Hooks
    calls: list[HookCall] = Factory(list)

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        """Call it."""
        gave = self.hooks.preprocess(alias, domain)
        self.calls.append(HookCall("preprocess", (alias, domain), gave))
        return gave

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        """Call it."""
        gave = self.hooks.postprocess(account, domain)
        self.calls.append(HookCall("postprocess", (account, domain), gave))
        return gave


@frozen(eq=False)
class Case:
    """A key, what a server answers to it, and why.

    ``answer`` is the text of an exception where a hook raised one. ``domain`` is the one that the hooks left, None for
    the table server. Where the policy was not asked there is no ``explanation``.
    """

    key: str
    answer: Answer | str
    calls: tuple[HookCall, ...]
    domain: str | None
    explanation: Explanation | None


def evaluate(snapshot: Snapshot, key: str, kind: Kind, keep: int) -> Case:
    """Ask as a server is asked, and have the policy's part explained, with at most so many readings of a statement."""
    lookup = snapshot.virtual if kind is Kind.VIRTUAL else snapshot.table
    local_part, domain = key, None
    if kind is Kind.VIRTUAL:
        local_part, _, domain = key.rpartition("@")
    watched = _Watched(lookup.hooks) if lookup.hooks else None
    answer: Answer | str
    try:
        answer = evolve(lookup, hooks=watched)(key)
    except Exception as error:
        answer = raised(error)
    calls = tuple(watched.calls) if watched else ()
    if calls:
        local_part, domain = calls[0].gave
    reached = isinstance(answer, str) or not isinstance(answer, NotFound) or answer.reason is Reason.NO_MATCH
    if watched and not calls:
        reached = False
    return Case(
        key, answer, calls, domain, explain(snapshot.configuration.policy, local_part, keep) if reached else None
    )


def raised(error: Exception) -> str:
    """Say in one line what a hook raised."""
    return " ".join(f"a hook raised {type(error).__name__}: {error}".removesuffix(": ").split())
