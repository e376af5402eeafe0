"""Asks what `trualias explain` tells of: the answer to a key, what the hooks did to it, and why it is the answer."""

from __future__ import annotations

from attrs import Factory, define, frozen

from trualias.analysis.explanation import Explanation, explain
from trualias.configuration.tables import Table
from trualias.lookup import Answer, Hooks, NotFound, NotFoundReason, Snapshot


@frozen
class HookCall:
    """A call of a hook: the name and the domain that it was given, and those that it gave."""

    hook: str
    given: tuple[str, str | None]
    gave: tuple[str, str | None]


@define
class _RecordingHooks:
    """Calls the hooks, and records what they were given and returned."""

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


_BEFORE_THE_POLICY = frozenset({NotFoundReason.NO_DOMAIN, NotFoundReason.UNKNOWN_DOMAIN})
"""The reasons that are found without asking the policy."""


def evaluate(snapshot: Snapshot, key: str, table: Table, keep: int) -> Case:
    """Ask as a server is asked, and have the policy's part explained, with at most so many readings of a statement."""
    local_part, domain = key, None
    if table is Table.VIRTUAL:
        local_part, _, domain = key.rpartition("@")
    hooks = _RecordingHooks(snapshot.hooks) if snapshot.hooks else None
    answer: Answer | str
    try:
        answer = Snapshot(snapshot.configuration, hooks).tables[table](key)
    except Exception as error:
        answer = raised(error)
    calls = tuple(hooks.calls) if hooks else ()
    if calls:
        local_part, domain = calls[0].gave
    reached = isinstance(answer, str) or not isinstance(answer, NotFound) or answer.reason not in _BEFORE_THE_POLICY
    if hooks and not calls:
        reached = False
    return Case(
        key, answer, calls, domain, explain(snapshot.configuration.policy, local_part, keep) if reached else None
    )


def raised(error: Exception) -> str:
    """Say in one line what a hook raised."""
    return " ".join(f"a hook raised {type(error).__name__}: {error}".removesuffix(": ").split())
