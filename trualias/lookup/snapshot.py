"""Snapshots of the configuration, each with its tables, and the one in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trualias.configuration import Configuration
from trualias.configuration.tables import Table
from trualias.lookup.access import AccessLookup
from trualias.lookup.alias_states import AliasMemory, AliasStates
from trualias.lookup.deliveries import Deliveries, deliveries_of
from trualias.lookup.mailboxes import Mailboxes, mailboxes_of
from trualias.lookup.refusals import Refusals, find_refusals
from trualias.lookup.sender_login import LoginLookup
from trualias.lookup.tables import Hooks, LocalPartLookup, Lookup, VirtualLookup

if TYPE_CHECKING:
    from trualias.lookup.recipients import RecipientLookup


class Snapshot:
    """The tables of one configuration. A reload replaces the snapshot by a single assignment.

    ``refusals`` are those of the configuration after the hooks, ``mailboxes`` its mailboxes, and ``deliveries`` its
    ``DELIVER`` statements; all three are found if they are not given. ``states`` are those of aliases, and
    ``recipients`` the aliases that mail comes for; both are None without a store. ``identity`` is an object that no
    other snapshot has. A cache can compare it to detect a new snapshot, without keeping the old one alive.
    """

    def __init__(
        self,
        configuration: Configuration,
        hooks: Hooks | None = None,
        refusals: Refusals | None = None,
        states: AliasStates | None = None,
        mailboxes: Mailboxes | None = None,
        deliveries: Deliveries | None = None,
    ) -> None:
        settings = configuration.settings
        policy, debug_account, domains = configuration.policy, settings.debug_account, settings.alias_domains
        self.configuration = configuration
        self.hooks = hooks
        if refusals is None:
            refusals = find_refusals(configuration, None if hooks is None else hooks.preprocess)
        self.refusals = refusals
        refused = refusals if configuration.refusals else None
        self.deliveries = deliveries or deliveries_of(configuration)
        self.states = states
        self.mailboxes = mailboxes or mailboxes_of(configuration)
        self.identity = object()
        memory = None
        if states is not None:
            only_domain = next(iter(domains)) if len(domains) == 1 else ""
            memory = AliasMemory(states, self.mailboxes, settings.quiet_domain, only_domain)
        virtual = VirtualLookup(policy, domains, debug_account, hooks, refused, self.deliveries, memory)
        access = AccessLookup(domains, settings.unknown_user, hooks, refused, memory)
        self.recipients: RecipientLookup | None = None
        if memory is not None:
            # Without a store, nothing of it is imported.
            from trualias.lookup.recipients import RecipientLookup

            self.recipients = RecipientLookup(access, virtual, memory)
        self.tables: Mapping[Table, Lookup] = {
            Table.LOCAL_PART: LocalPartLookup(policy, debug_account, hooks, refused, memory),
            Table.VIRTUAL: virtual,
            Table.ACCESS: access,
            Table.LOGIN: LoginLookup(policy, domains, settings.login, self.mailboxes, hooks, refused, memory),
        }

    def with_states(self, states: AliasStates | None) -> Snapshot:
        """Return a snapshot of the same policies with other states of aliases."""
        if states is self.states:
            return self
        return Snapshot(self.configuration, self.hooks, self.refusals, states, self.mailboxes, self.deliveries)

    @property
    def is_cacheable(self) -> bool:
        """True if a key has the same answer each time, which hooks do not promise."""
        return self.hooks is None


class CurrentSnapshot:
    """Holds the snapshot in use; a reload replaces it."""

    __slots__ = ("snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def use_policies(self, snapshot: Snapshot) -> None:
        """Replace the policies, and keep the states of aliases."""
        self.snapshot = snapshot.with_states(self.snapshot.states)

    def use_states(self, states: AliasStates) -> None:
        """Replace the states of aliases, and keep the policies."""
        self.snapshot = self.snapshot.with_states(states)
