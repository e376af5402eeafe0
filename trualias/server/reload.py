"""Reloads of the configuration after each change of its file, while lookups go on."""

import errno
import time
from collections.abc import Callable, Iterable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration import Configuration
from trualias.configuration.fingerprint import Fingerprint, MissingFile, fingerprint
from trualias.language.source import ConfigurationErrors
from trualias.log import logger
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server import gc_tuning
from trualias.server.load_thread import RunInThread, YieldingPause, yield_to_reactor
from trualias.server.periodic import PeriodicCall

_log = logger(__name__)

WATCH_SECONDS = 2
"""The interval between two checks of the file for a change."""

STOP_SECONDS = 1.5
"""The longest wait for a load when the server stops: as long as clients have to take their last replies."""

# Errors of reading a file that can pass without a change of it: no descriptors or memory, a disk or network fault.
_TEMPORARY_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EAGAIN, errno.ESTALE})


def _release(parts: list[object], has_hooks: bool) -> None:
    gc_tuning.release_in_steps(parts, yield_to_reactor)
    if has_hooks:
        # A module and its functions are in reference cycles.
        gc_tuning.collect_frozen()


class LoadAbandoned(Exception):
    """The server stops, and does not need the configuration that is being loaded."""


class ReloadListener:
    """Receives the events of reloads; by default it does nothing.

    All methods but ``check`` are called in the reactor's thread.
    """

    def check(self, configuration: Configuration) -> None:
        """Raise ``ConfigurationErrors`` for a configuration that cannot be used; called in the thread of the load."""

    def begun(self) -> None:
        """Handle the start of a load."""

    def applied(self, configuration: Configuration) -> None:
        """Handle a new configuration, which is in use from now on."""

    def failed(self) -> None:
        """Handle a failed load, after which the previous configuration stays in use."""


class ReloadService(Service):
    """Watches the configuration file, loads it after each change, and replaces the snapshot in use.

    A load that fails is logged, once for each change of the file, and the previous configuration stays in use. Only one
    load runs at a time; a change during a load is loaded after it.

    ``loads`` counts the loads.

    Args:
        path: the configuration file, absolute.
        loaded: the fingerprint of the file from before its first load.
        current: holds the snapshot in use.
        listeners: receive the events, in this order.
        clock: the reactor's.
        run_in_thread: runs a load outside the reactor's thread.
        wait_until_stable: called in the thread of the load with the path and a pause; returns the file's fingerprint
            once the file no longer changes, or raises ``ConfigurationErrors``. By default there is no wait.
        pause: called often in the thread of the load, to let the reactor's thread run.
        time_of_day: returns seconds since 1970, for ``loads``. The reactor's clock does not follow when the time of day
            is set, as on a machine without a battery-backed clock after its start.

    """

    name = "reload"

    def __init__(
        self,
        path: str,
        loaded: Fingerprint,
        current: CurrentSnapshot,
        listeners: Iterable[ReloadListener],
        clock: IReactorTime,
        run_in_thread: RunInThread,
        *,
        wait_until_stable: Callable[[str, Callable[[], None]], Fingerprint] = lambda path, pause: fingerprint(path),
        pause: Callable[[], None] | None = None,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self.loads = LoadCounters(time_of_day())
        self._path = path
        self._seen = loaded
        self._current = current
        self._listeners = tuple(listeners)
        self._clock = clock
        self._run_in_thread = run_in_thread
        self._wait_until_stable = wait_until_stable
        self._yielding_pause = pause or YieldingPause()
        self._time_of_day = time_of_day
        self._watching = PeriodicCall(clock, WATCH_SECONDS, self._watch)
        self._loading: Deferred[None] | None = None
        self._load_again = False
        self._stopping = False

    def startService(self) -> None:
        """Start to watch the file."""
        super().startService()
        self._stopping = False
        self._log_loaded()
        self._watching.start()

    def stopService(self) -> "Deferred[None] | None":
        """Stop watching; the Deferred fires when a running load has ended, or after ``STOP_SECONDS``.

        A load ends at its next pause, unless a hook takes longer.
        """
        super().stopService()
        self._stopping = True
        self._watching.stop()
        if self._loading is None:
            return None
        ended: Deferred[None] = Deferred()
        self._loading.addCallback(ended.callback)
        return ended.addTimeout(STOP_SECONDS, self._clock, onTimeoutCancel=lambda failure, seconds: None)

    def load(self) -> None:
        """Load the file now, changed or not; during a load, load once more after it."""
        if self._loading is not None:
            self._load_again = True
            return
        # Before the file is read: a change during the load is then seen at the next check.
        self._seen = fingerprint(self._path)
        if isinstance(self._seen, MissingFile):
            self._report_failure()
            _log.error(
                "{path}: {reason}; the previous configuration stays in use until the file is back",
                path=self._path,
                reason=self._seen.reason,
            )
            return
        self._loading = Deferred()
        for listener in self._listeners:
            listener.begun()
        loading = maybeDeferred(self._run_in_thread, self._load_in_thread)
        loading.addCallbacks(self._apply, self._keep)
        loading.addErrback(lambda failure: _log.failure("A new configuration was only partly applied", failure))
        loading.addCallback(self._finish_load)

    def _watch(self, intervals: int) -> None:
        if fingerprint(self._path) != self._seen:
            self.load()

    def _load_in_thread(self) -> Snapshot:
        try:
            self._seen = self._wait_until_stable(self._path, self._pause)
            with gc_tuning.full_collections_suspended():
                snapshot = load_snapshot(self._path, self._pause, self._seen)
            for listener in self._listeners:
                listener.check(snapshot.configuration)
            return snapshot
        except ConfigurationErrors as errors:
            if isinstance(errors.__cause__, OSError) and errors.__cause__.errno in _TEMPORARY_ERRORS:
                # Differs from the file's fingerprint, so that the next check loads it again.
                self._seen = MissingFile(str(errors))
            # The traceback would keep the text and the tree in memory as long as the errors.
            raise errors.with_traceback(None) from None

    def _pause(self) -> None:
        if self._stopping:
            raise LoadAbandoned
        self._yielding_pause()

    def _apply(self, snapshot: Snapshot) -> "Deferred[None]":
        before, self._current.snapshot = self._current.snapshot, snapshot
        self.loads.succeed(self._time_of_day())
        for listener in self._listeners:
            listener.applied(snapshot.configuration)
        self._log_loaded()
        parts = before.configuration.policy.parts()
        has_hooks = before.hooks is not None
        return self._run_in_thread(lambda: _release(parts, has_hooks))

    def _log_loaded(self) -> None:
        size = self._current.snapshot.configuration.policy.size
        _log.info("{path} is loaded: {size}", path=self._path, size=size)

    def _report_failure(self) -> None:
        self.loads.fail()
        for listener in self._listeners:
            listener.failed()

    def _keep(self, failure: Failure) -> None:
        if failure.check(LoadAbandoned):
            return
        self._report_failure()
        if failure.check(ConfigurationErrors):
            _log.error(
                "{path} has errors; the previous configuration stays in use\n{errors}",
                path=self._path,
                errors=failure.value,
            )
        else:
            _log.failure("{path} cannot be loaded; the previous configuration stays in use", failure, path=self._path)

    def _finish_load(self, _: object) -> None:
        ended, self._loading = self._loading, None
        again, self._load_again = self._load_again, False
        if again and not self._stopping:
            self.load()
        assert ended is not None
        ended.callback(None)
