"""The plan of an import: which addresses are kept for an account, and why others are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import Factory, define, frozen

from trualias.commands.memory import Refused
from trualias.commands.owners import no_account
from trualias.commands.typed_aliases import Alias, looked_up
from trualias.language.domains import fold_domain
from trualias.lookup import Ambiguous, BudgetExceeded, Found, Snapshot
from trualias.lookup.alias_states import AliasKey, AliasState
from trualias.lookup.alias_words import words_of
from trualias.lookup.answers import describe_hook_exception
from trualias.matching.outcome import PolicyOutcome
from trualias.matching.policy import LONGEST, is_local_part
from trualias.messages import one_of, quoted
from trualias.store.records import Entry, Kept


@frozen
class Candidate:
    """An address that may be kept, as it was given.

    ``accounts`` are those that its mail reached; without any, it is the account of the import, or that of a statement.
    ``first_seen`` and ``last_seen`` are seconds since 1970, None if they are unknown, ``accepted`` a number of mails.
    """

    text: str
    accounts: tuple[str, ...] = ()
    first_seen: int | None = None
    last_seen: int | None = None
    accepted: int = 0


@frozen
class Skipped:
    """An address that is not kept, and the reason."""

    address: str
    reason: str


@define
class ImportPlan:
    """The aliases to keep, by their keys, and the addresses that are skipped.

    ``already`` counts those that are kept for the same account before, ``inactive`` those to keep that stay revoked or
    paused.
    """

    kept: dict[AliasKey, Kept] = Factory(dict)
    skipped: list[Skipped] = Factory(list)
    already: int = 0
    inactive: int = 0


@frozen
class ImportAccount:
    """The account of an import; in one alias domain, which is folded, or in all if it is empty."""

    name: str
    domain: str = ""


def import_account(snapshot: Snapshot, given: str) -> ImportAccount:
    """Return the account that a person typed, such as ``ann`` or ``ann@north.test``; raise `Refused` if it is none."""
    name, at, domain = given.rpartition("@")
    if not at:
        name, domain = given, ""
    folded = fold_domain(domain)
    if at and folded not in snapshot.configuration.settings.alias_domains:
        raise Refused(f"the domain {quoted(domain)} is not one of ALIAS DOMAINS")
    account = snapshot.mailboxes.account(name, folded or None)
    if account is None:
        raise no_account(snapshot, given)
    return ImportAccount(account, folded)


class Planner:
    """Decides about addresses, one after the other.

    Args:
        snapshot: whose statements, mailboxes and refusals decide; states of aliases do not.
        entry_of: returns what the store knows of an alias.
        account: that of addresses whose mail reached no known one; None for that of the statement that accepts them.
        take: keep an address though a statement or the store gives it to another account.

    """

    def __init__(
        self,
        snapshot: Snapshot,
        entry_of: Callable[[AliasKey], Entry | None],
        account: ImportAccount | None = None,
        *,
        take: bool = False,
    ) -> None:
        self.plan = ImportPlan()
        self._snapshot = snapshot
        self._policy = snapshot.configuration.policy
        self._entry_of = entry_of
        self._account = account
        self._take = take
        self._seen: set[AliasKey] = set()
        domains = snapshot.configuration.settings.alias_domains
        self._all_domains: Sequence[str | None] = sorted(domains) or [None]

    def add(self, candidate: Candidate) -> None:
        """Enter an address as one to keep, or as one that is skipped."""
        try:
            self._add(candidate)
        except Refused as reason:
            self.plan.skipped.append(Skipped(candidate.text, str(reason)))

    def _add(self, candidate: Candidate) -> None:
        alias = self._alias(candidate.text)
        if alias.key in self._seen:
            return
        self._seen.add(alias.key)
        local_part, _, domain = alias.address.rpartition("@") if "@" in alias.address else (alias.address, "", "")
        domains = [domain] if domain else self._all_domains
        self._check(local_part, domain, domains)
        outcomes = [self._policy.resolve(local_part, one) for one in domains]
        account = self._account_of(candidate, outcomes)
        for one in domains:
            if self._snapshot.mailboxes.account(account, one) is None:
                raise Refused(f"{account} is no account of {one}" if one else f"there is no account {account}")
        entry = self._entry_of(alias.key)
        if not self._take:
            self._check_owner(account, outcomes, entry)
        if entry is not None and entry.kept and self._is_same(entry.account, account):
            self.plan.already += 1
            return
        if entry is not None and entry.state is not AliasState.ACTIVE:
            self.plan.inactive += 1
        words = words_of(self._snapshot, alias.address)
        seen = candidate.first_seen, candidate.last_seen, candidate.accepted
        self.plan.kept[alias.key] = Kept(alias.key, alias.address, account, words, *seen)

    def _alias(self, text: str) -> Alias:
        try:
            return looked_up(self._snapshot, text)
        except Refused:
            raise
        except Exception as error:  # of a hook
            raise Refused(describe_hook_exception(error)) from error

    def _check(self, local_part: str, domain: str, domains: Sequence[str | None]) -> None:
        """Raise `Refused` for what is no alias of the account's domain, or is refused by the configuration."""
        if not is_local_part(local_part):
            raise Refused(f"{quoted(local_part)} is not a local part without quotes, of at most {LONGEST} characters")
        if self._account is not None and self._account.domain and domain != self._account.domain:
            raise Refused(f"it is not in {self._account.domain}")
        refusals = self._snapshot.refusals
        for one in domains:
            refused = refusals.local_part(local_part) if one is None else refusals.address(local_part, one)
            if refused is not None:
                raise Refused(f"REFUSE in {self._snapshot.configuration.line_text(refused)} takes it back")

    def _account_of(self, candidate: Candidate, outcomes: Sequence[PolicyOutcome]) -> str:
        if len(candidate.accounts) > 1:
            raise Refused(f"its mail reached {', '.join(candidate.accounts)}; import it with --account for one of them")
        if candidate.accounts:
            return candidate.accounts[0]
        if self._account is not None:
            return self._account.name
        for outcome in outcomes:
            if isinstance(outcome, Found):
                return outcome.account
        raise Refused("the log does not show which account its mail reached; --account names one for such addresses")

    def _check_owner(self, account: str, outcomes: Sequence[PolicyOutcome], entry: Entry | None) -> None:
        """Raise `Refused` if a statement or the store gives an alias to another account."""
        for outcome in outcomes:
            match outcome:
                case Found(account=other) if not self._is_same(other, account):
                    raise Refused(f"a statement gives it to {other}")
                case Ambiguous(accounts):
                    raise Refused(f"statements give it to {one_of(accounts)}")
                case BudgetExceeded():
                    raise Refused("whether a statement accepts it takes too many steps to find out")
                case _:
                    pass
        if entry is not None and entry.account and not self._is_same(entry.account, account):
            raise Refused(f"the store {'keeps' if entry.kept else 'knows'} it for {entry.account}")

    def _is_same(self, account: str, other: str) -> bool:
        return self._policy.fold(account) == self._policy.fold(other)
