"""The aliases that mail comes for, as the memory counts it, and the locks that keep a sender out."""

from __future__ import annotations

from attrs import frozen

from trualias.lookup.access import AccessLookup, ConsultedAlias
from trualias.lookup.alias_states import AliasKey, AliasMemory, AliasState, alias_key
from trualias.lookup.locks import Lock
from trualias.lookup.tables import VirtualLookup
from trualias.matching.outcome import Ambiguous, Found, NotFound, NotFoundReason


@frozen
class Recipient:
    """An alias as a recipient of mail.

    ``address`` is its key in the spelling of the client. ``account`` is the one that gets the mail, empty if the alias
    is refused. A sender must be admitted by all ``locks``.
    """

    key: AliasKey
    address: str
    account: str
    locks: tuple[Lock, ...] = ()

    def admits(self, sender: str) -> bool:
        """Return whether a sender, in lower case and with A-labels, gets in; the null sender, an empty text, does."""
        return all(lock.admits(sender) for lock in self.locks)


@frozen
class WrongCode:
    """An address of the shape of some accounts' aliases, with a wrong code; its key is as that of an alias."""

    key: AliasKey
    address: str
    accounts: tuple[str, ...]


@frozen
class UnownedCode:
    """An address with a right code that is no alias of one account; its key is as that of an alias.

    The codes of several accounts verify, or ``postprocess()`` of the PROCESSOR module refuses the account.
    """

    key: AliasKey


@frozen(eq=False, repr=False)
class RecipientLookup:
    """The aliases of one configuration by the addresses that clients of the mail server name.

    A mailbox is no alias, nor is an address that the virtual table does not find, or one whose mail is discarded.
    """

    access: AccessLookup
    virtual: VirtualLookup
    memory: AliasMemory

    def is_known(self, key: AliasKey) -> bool | None:
        """Return whether the store knows an alias; None if it was not read yet."""
        local_part, _, domain = key.rpartition("@")
        return self.memory.is_known(local_part, domain)

    def __call__(self, typed: str) -> Recipient | WrongCode | UnownedCode | None:
        """Return the alias of an address, or why its code makes none; None for any other recipient.

        One dot after the domain is left out. What a hook raises is raised.
        """
        return self.find(self.access.consult(typed))

    def find(self, consulted: ConsultedAlias | NotFound) -> Recipient | WrongCode | UnownedCode | None:
        """Return the alias of an address that was consulted; an alias that its state refuses has no account."""
        if isinstance(consulted, NotFound) or consulted.local_part in self.memory.mailboxes:
            return None
        local_part, domain, folded = consulted.local_part, consulted.domain, consulted.folded
        record = consulted.record
        if record.state is AliasState.QUIET:
            return None
        account = ""
        if record.state is AliasState.ACTIVE:
            answer = self.virtual.answer(local_part, domain, folded)
            if isinstance(answer, NotFound) and answer.near_misses:
                return WrongCode(alias_key(local_part, folded), f"{local_part}@{domain}", answer.near_misses)
            if isinstance(answer, Ambiguous) or answer == _REFUSED_BY_HOOK:  # by postprocess(), since there is an alias
                return UnownedCode(alias_key(local_part, folded))
            if not isinstance(answer, Found):
                return None
            account = answer.account
        return Recipient(alias_key(local_part, folded), f"{local_part}@{domain}", account, record.locks)


_REFUSED_BY_HOOK = NotFound(NotFoundReason.REFUSED_BY_HOOK)
