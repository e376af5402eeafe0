"""The account of an alias that is active: the one that the store keeps it for, or that of the statements."""

from __future__ import annotations

from trualias.lookup.alias_states import AliasMemory, AliasRecord
from trualias.lookup.answers import Answer, Deferred, DeferredReason
from trualias.matching.outcome import Ambiguous, Found, NotFound
from trualias.matching.policy import Policy, is_local_part


def resolve(
    policy: Policy,
    memory: AliasMemory,
    record: AliasRecord,
    local_part: str,
    domain: str | None,
    debug_account: str | None,
) -> Answer:
    """Return the account of an alias with a record in a domain, which is folded; None for the local-part table.

    An alias is deferred where "not found" could be wrong: the configuration does not have the account that it is kept
    for, or no statement accepts it and the store cannot be read. What is no local part is never kept, such as that of
    ``@example.com``, which mail servers look up for a catch-all.
    """
    if record.kept_for:
        account = memory.mailboxes.account(record.kept_for, domain or memory.only_domain or None)
        if account is None:
            return Deferred(DeferredReason.NO_ACCOUNT, record.kept_for)
        return Found(account, account, is_kept=True)
    outcome = policy.resolve(local_part, domain)
    if memory.states.is_lost and is_local_part(local_part) and local_part not in memory.mailboxes:
        match outcome:
            case NotFound():
                return _LOST
            case Ambiguous() if debug_account is None:
                return _LOST
    return outcome


_LOST = Deferred(DeferredReason.LOST)
