"""The cases of ``trualias explain``: the answer to a key, the calls of the hooks, and the reason."""

from __future__ import annotations

from attrs import Factory, define, frozen

from trualias.analysis.explanation import Explanation, explain
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain
from trualias.lookup import Ambiguous, Answer, Found, Hooks, NotFound, NotFoundReason, Snapshot
from trualias.lookup.answers import describe_hook_exception
from trualias.matching.policy import Policy


@frozen
class HookCall:
    """A call of a hook: the name and the domain that were passed to it, and those that it returned, or None."""

    hook: str
    given: tuple[str, str | None]
    returned: tuple[str, str | None] | None


@define
class _RecordingHooks:
    """Hooks that record each call."""

    hooks: Hooks
    calls: list[HookCall] = Factory(list)

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None] | None:
        """Call the hook and record the call."""
        returned = self.hooks.preprocess(alias, domain)
        self.calls.append(HookCall("preprocess", (alias, domain), returned))
        return returned

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None] | None:
        """Call the hook and record the call."""
        returned = self.hooks.postprocess(account, domain)
        self.calls.append(HookCall("postprocess", (account, domain), returned))
        return returned


@frozen(eq=False, repr=False)
class Case:
    """A key, the answer of a server, and the reason.

    ``answer`` is a description of the exception if a hook raised one. ``domain`` is the domain after the hooks, None in
    the local-part table. ``refused_at`` is the offset of the address in a ``REFUSE`` statement, None if it is not
    refused; ``retired_at`` is that of the retired statement that accepts it; ``delivered_at`` is that of the
    ``DELIVER`` statement that decides. ``explanation`` is None if the policy was not consulted.
    """

    key: str
    answer: Answer | str
    calls: tuple[HookCall, ...]
    domain: str | None
    refused_at: int | None
    retired_at: int | None
    delivered_at: int | None
    explanation: Explanation | None


_BEFORE_THE_POLICY = frozenset(
    {NotFoundReason.NO_DOMAIN, NotFoundReason.UNKNOWN_DOMAIN, NotFoundReason.REFUSED, NotFoundReason.REVOKED}
)
"""The reasons for which a table does not consult the policy."""


def evaluate(snapshot: Snapshot, key: str, table: Table, most: int) -> Case:
    """Look a key up as a server does, and explain the policy's part with at most ``most`` readings of a statement."""
    answer, calls = _look_up(snapshot, key, table)
    local_part, domain = key, None
    if table is Table.VIRTUAL:
        local_part, _, domain = key.rpartition("@")
    is_consulted = not _is_before_the_policy(answer)
    if snapshot.hooks:
        alias = calls[0].returned if calls else None
        if alias is None:
            is_consulted = False
        else:
            local_part, domain = alias
    folded = None if domain is None or table is Table.LOCAL_PART else fold_domain(domain)
    policy = snapshot.configuration.policy
    return Case(
        key,
        answer,
        calls,
        domain,
        refused_at=_refused_at(snapshot, answer, local_part, folded),
        retired_at=_retired_at(policy, local_part, folded) if is_consulted else None,
        delivered_at=None if domain is None else _delivered_at(snapshot, answer, domain),
        explanation=explain(policy, local_part, most, folded) if is_consulted else None,
    )


def _look_up(snapshot: Snapshot, key: str, table: Table) -> tuple[Answer | str, tuple[HookCall, ...]]:
    """Return the answer to a key, or the description of an exception of a hook, and the calls of the hooks."""
    hooks = _RecordingHooks(snapshot.hooks) if snapshot.hooks else None
    recording = Snapshot(
        snapshot.configuration, hooks, snapshot.refusals, snapshot.states, snapshot.mailboxes, snapshot.deliveries
    )
    answer: Answer | str
    try:
        answer = recording.tables[table](key)
    except Exception as error:
        answer = describe_hook_exception(error)
    return answer, tuple(hooks.calls) if hooks else ()


def _refused_at(snapshot: Snapshot, answer: Answer | str, local_part: str, domain: str | None) -> int | None:
    """Return the offset of the refused address that an answer follows, None if none.

    The domain is folded, None in the local-part table.
    """
    if not isinstance(answer, NotFound) or answer.reason is not NotFoundReason.REFUSED:
        return None
    refusals = snapshot.refusals
    return refusals.local_part(local_part) if domain is None else refusals.address(local_part, domain)


def _retired_at(policy: Policy, local_part: str, domain: str | None) -> int | None:
    """Return the offset of the first retired statement that accepts a local part in a folded domain; None if none."""
    accepting = () if policy.retired is None else policy.retired.accepting(local_part, domain)
    return min((rule.statement.offset for rule in accepting), default=None)


def _is_before_the_policy(answer: Answer | str) -> bool:
    match answer:
        case NotFound(reason):
            return reason in _BEFORE_THE_POLICY
        case Found(is_kept=True):
            return True
        case _:
            return False


def _delivered_at(snapshot: Snapshot, answer: Answer | str, domain: str) -> int | None:
    """Return the offset of the ``DELIVER`` statement that an answer of the virtual table follows, None if none."""
    match answer:
        case Found(value, account):
            pass
        case Ambiguous(_, str() as value):
            account = snapshot.configuration.settings.debug_account or ""
        case _:
            return None
    deliveries = snapshot.deliveries
    # A hook may have decided instead.
    if deliveries is None or deliveries.value(account, domain) != value:
        return None
    return deliveries.offset(account, domain)
