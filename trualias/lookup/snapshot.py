"""Snapshots of the configuration, each with its tables, and the one in use."""

from __future__ import annotations

from collections.abc import Mapping

from trualias.configuration import Configuration
from trualias.configuration.tables import Table
from trualias.lookup.deliveries import Deliveries
from trualias.lookup.mailboxes import Mailboxes
from trualias.lookup.refusals import Refusals, find_refusals
from trualias.lookup.sender_login import LoginLookup
from trualias.lookup.tables import Hooks, LocalPartLookup, Lookup, VirtualLookup


class Snapshot:
    """The tables of one configuration. A reload replaces the snapshot by a single assignment.

    ``refusals`` are those of the configuration after the hooks, found if they are not given. ``identity`` is an
    object that no other snapshot has. A cache can compare it to detect a new snapshot, without keeping the old one
    alive.
    """

    def __init__(
        self, configuration: Configuration, hooks: Hooks | None = None, refusals: Refusals | None = None
    ) -> None:
        settings = configuration.settings
        policy, debug_account = configuration.policy, settings.debug_account
        self.configuration = configuration
        self.hooks = hooks
        if refusals is None:
            refusals = find_refusals(configuration, None if hooks is None else hooks.preprocess)
        self.refusals = refusals
        refused = refusals if configuration.refusals else None
        self.deliveries = Deliveries(configuration.deliveries, policy.fold) if configuration.deliveries else None
        self.identity = object()
        self.tables: Mapping[Table, Lookup] = {
            Table.LOCAL_PART: LocalPartLookup(policy, debug_account, hooks, refused),
            Table.VIRTUAL: VirtualLookup(
                policy, settings.alias_domains, debug_account, hooks, refused, self.deliveries
            ),
            Table.LOGIN: LoginLookup(policy, settings.alias_domains, settings.login, Mailboxes(policy), hooks, refused),
        }

    @property
    def is_cacheable(self) -> bool:
        """True if a key has the same answer each time, which hooks do not promise."""
        return self.hooks is None


class CurrentSnapshot:
    """Holds the snapshot in use; a reload replaces it."""

    __slots__ = ("snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
