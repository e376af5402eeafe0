"""The login table: the login names that may send from an address (smtpd_sender_login_maps in postconf(5))."""

from __future__ import annotations

from typing import assert_never

from attrs import frozen

from trualias.configuration.setting_values import ACCOUNT_FIELD, DOMAIN_FIELD
from trualias.lookup.alias_states import AliasMemory, AliasState
from trualias.lookup.answers import Answer, Deferred
from trualias.lookup.mailboxes import Mailboxes
from trualias.lookup.refusals import Refusals
from trualias.lookup.resolution import resolve
from trualias.lookup.tables import Hooks, alias_of
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason
from trualias.matching.policy import Policy


@frozen(eq=False, repr=False)
class LoginLookup:
    """The login table.

    The value of an alias, and of an account's own address, is ``login`` with the name of the account and the domain of
    the address. An ambiguous address is not found: it must not be anyone's sender; nor is an alias that is not active.
    """

    policy: Policy
    alias_domains: frozenset[str]
    login: str
    mailboxes: Mailboxes
    hooks: Hooks | None = None
    refusals: Refusals | None = None
    memory: AliasMemory | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer to an address."""
        alias = alias_of(key, self.hooks, self.alias_domains, self.refusals)
        if isinstance(alias, NotFound):
            return alias
        local_part, domain, folded = alias
        account = self.mailboxes.account(local_part, folded)
        if account is not None:
            return Found(self._value(account, domain), account)
        if self.memory is None:
            outcome: Answer = self.policy.resolve(local_part, folded)
        else:
            record = self.memory.record(local_part, folded)
            if record.state is not AliasState.ACTIVE:
                return _REVOKED
            outcome = resolve(self.policy, self.memory, record, local_part, folded, None)
        match outcome:
            case Found(_, account, readings, is_kept):
                return Found(self._value(account, domain), account, readings, is_kept)
            case Ambiguous():
                return _NO_MATCH
            case NotFound() | BudgetExceeded() | Deferred():
                return outcome
            case _:
                assert_never(outcome)

    def _value(self, account: str, domain: str) -> str:
        # In this order: an account can be named %domain%.
        return self.login.replace(DOMAIN_FIELD, domain).replace(ACCOUNT_FIELD, account)


_NO_MATCH = NotFound(NotFoundReason.NO_MATCH)
_REVOKED = NotFound(NotFoundReason.REVOKED)
