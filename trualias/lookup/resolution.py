"""The account of an alias that is active: the one that the store keeps it for, or that of the statements."""

from __future__ import annotations

from trualias.lookup.alias_states import AliasMemory, AliasRecord
from trualias.lookup.answers import Answer, Deferred, DeferredReason
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound
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

    A known alias of a retired statement is kept as well. An alias is deferred where "not found" could be wrong: the
    configuration does not have the account that it is kept for, retired statements give it to several, or the store
    cannot be read and no other statement accepts it. What is no local part is never kept, such as that of
    ``@example.com``, which mail servers look up for a catch-all.
    """
    if record.kept_for:
        account = memory.mailboxes.account(record.kept_for, domain or memory.only_domain or None)
        if account is None:
            return Deferred(DeferredReason.NO_ACCOUNT, record.kept_for)
        return Found(account, account, is_kept=True)
    taken = 0
    if policy.retired is not None and (is_known := memory.is_known(local_part, domain)) is not False:
        kept, taken = policy.retired.resolve_counting(local_part, domain)
        match kept:
            case NotFound():
                pass
            case Found(value, account, readings) if is_known:
                return Found(value, account, readings, is_kept=True)
            case BudgetExceeded():
                return kept
            case Ambiguous() if is_known and debug_account is not None:
                return kept
            case _:
                return _LOST
    outcome = policy.resolve(local_part, domain, taken)
    if memory.states.is_lost and is_local_part(local_part) and local_part not in memory.mailboxes:
        match outcome:
            case NotFound():
                return _LOST
            case Ambiguous() if debug_account is None:
                return _LOST
    return outcome


_LOST = Deferred(DeferredReason.LOST)
