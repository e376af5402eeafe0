"""One load of the configuration file in a thread."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress

from trualias.configuration.fingerprint import Fingerprint, WatchedFiles
from trualias.language.source import ConfigurationErrors
from trualias.lookup import Snapshot
from trualias.lookup.hooks import Hooks
from trualias.lookup.loading import OtherIncludes, load_snapshot
from trualias.server import gc_tuning
from trualias.server.hook_release import release_namespace
from trualias.server.reload_listener import ReloadListener
from trualias.server.yielding_pause import yield_to_reactor


class LoadCancelled(Exception):
    """A load is not needed any more: the server stops, the file is newer, or the load was abandoned."""


class LoadFailed(Exception):
    """A load failed because of the file; ``str()`` is the text for the log.

    ``can_pass``: the cause may end without a change of the file, as a lack of descriptors or a network fault.
    """

    def __init__(self, text: str, can_pass: bool) -> None:
        super().__init__(text)
        self.can_pass = can_pass


class Load:
    """A load: its thread calls `run`, and sets ``stable``, ``is_read`` and ``ended``; the reactor's sets ``cancelled``.

    ``stable`` is the fingerprint of the file that is read, once it no longer changes; ``is_read``: it has been read;
    ``ended``: nothing of the load runs any more; ``outdated``: it was cancelled since the file is newer.

    Args:
        files: the file, and those that it includes.
        listeners: check the configuration.
        wait_until_stable: called with the path and a pause; returns the fingerprint of the file once it no longer
            changes, or raises ``ConfigurationErrors``.
        pause: called often, to let the reactor's thread run.
        begun: when the load began, in seconds of the reactor's clock.

    ``active`` is the time at which the load began, or was last seen to go on.

    """

    def __init__(
        self,
        files: WatchedFiles,
        listeners: Sequence[ReloadListener],
        wait_until_stable: Callable[[str, Callable[[], None]], Fingerprint],
        pause: Callable[[], None],
        begun: float,
    ) -> None:
        self.active = begun
        self._pauses = 0
        self._pauses_seen = 0
        self.stable: Fingerprint | None = None
        self.is_read = False
        self.ended = False
        self.cancelled = False
        self.outdated = False
        self._files = files
        self._listeners = listeners
        self._wait_until_stable = wait_until_stable
        self._yielding_pause = pause

    def run(self) -> Snapshot:
        """Return the new snapshot; raise `LoadCancelled` or `LoadFailed`."""
        try:
            snapshot = self._load_stable()
        except ConfigurationErrors as errors:
            # Formatted in this thread, since the text may be long.
            failure = LoadFailed(str(errors), isinstance(errors.__cause__, OSError))
        else:
            if not self.cancelled:
                return snapshot
            last_references = [snapshot]
            del snapshot
            release(last_references)
            raise LoadCancelled
        finally:
            self.ended = True
        # Raised here, it does not refer to the errors, whose traceback keeps the text and the tree in memory.
        raise failure

    def _load_stable(self) -> Snapshot:
        path = self._files.path
        snapshot = None
        while snapshot is None:
            self.stable = None
            self.stable = self._wait_until_stable(path, self._pause)
            with gc_tuning.full_collections_suspended(), suppress(OtherIncludes):
                snapshot = load_snapshot(path, self._pause, self.stable, self._mark_read, self._files)
        for listener in self._listeners:
            listener.check(snapshot.configuration)
        return snapshot

    def _mark_read(self) -> None:
        self.is_read = True

    def note_activity(self, now: float) -> None:
        """Note the time if the load has gone on since the last call; called in the reactor's thread."""
        pauses = self._pauses
        if pauses != self._pauses_seen:
            self._pauses_seen, self.active = pauses, now

    def _pause(self) -> None:
        self._pauses += 1
        if self.cancelled:
            raise LoadCancelled
        self._yielding_pause()


def release(last_references: list[Snapshot]) -> None:
    """Free the snapshot in a list, which has the last reference to it; all at once would stop all threads for long."""
    snapshot = last_references.pop()
    policy = snapshot.configuration.policy
    namespaces = [snapshot.hooks.namespace] if isinstance(snapshot.hooks, Hooks) else []
    rules: list[object] = [*policy.all_rules]
    indexes = [(weakref.ref(each), each.indexes) for each in (policy, policy.retired) if each is not None]
    del snapshot, policy
    for policy_in_use, its_indexes in indexes:
        # A policy is still there if a lookup in another thread searches its indexes: they must not change under it.
        if policy_in_use() is None:
            for index in its_indexes:
                index.empty(yield_to_reactor)
    gc_tuning.release_in_steps(rules, yield_to_reactor)
    if namespaces and not release_namespace(namespaces):
        gc_tuning.collect_frozen()
