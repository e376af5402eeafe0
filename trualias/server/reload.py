"""Reloads of the configuration after each change of its file, while lookups go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration.fingerprint import Fingerprint, MissingFile, WatchedFiles
from trualias.log import logger
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server import gc_tuning
from trualias.server.daemon_thread import Abandoned, Worker
from trualias.server.file_watch import FileWatch
from trualias.server.load import Load, LoadCancelled, LoadFailed, release
from trualias.server.periodic import PeriodicCall
from trualias.server.reload_listener import ReloadListener
from trualias.server.yielding_pause import YieldingPause

_log = logger(__name__)

WATCH_SECONDS = 2
"""The interval between two checks of the file for a change."""

LOAD_SECONDS = 60
"""The longest that a load may hang; then it is abandoned."""

STOP_SECONDS = 1.5
"""The longest wait for a load when the server stops: as long as clients have to take their last replies."""

CANCEL_SECONDS = 0.5
"""The longest wait for the end of a cancelled load; then it is abandoned."""

MOST_CANCELLED = 10
"""Loads in a row that a newer file cancels; the next one runs to its end, though the file may be newer again."""


class ReloadService(Service):
    """Watches the configuration file, loads it after each change, and replaces the snapshot in use.

    A load that fails is logged, once for each change of the file, and the previous configuration stays in use. If the
    file could not be read, the load is repeated at each check. Only one load runs at a time. A change during a load
    cancels it, and the newer file is loaded.

    ``loads`` counts the loads; it is a new one by default.

    Args:
        path: the configuration file, absolute.
        loaded: the fingerprint of the file from before its first load.
        current: holds the snapshot in use.
        listeners: receive the events, in this order.
        clock: the reactor's.
        examiner: runs the examinations of the file.
        loader: runs the loads.
        wait_until_stable: called in the thread of the load with the path and a pause; returns the file's fingerprint
            once the file no longer changes, or raises ``ConfigurationErrors``. By default there is no wait.
        files: the file as it is watched, with those that it includes.
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
        examiner: Worker,
        loader: Worker,
        *,
        wait_until_stable: Callable[[str, Callable[[], None]], Fingerprint] | None = None,
        pause: Callable[[], None] | None = None,
        time_of_day: Callable[[], float] = time.time,
        loads: LoadCounters | None = None,
        files: WatchedFiles | None = None,
    ) -> None:
        self.loads = loads or LoadCounters(time_of_day())
        self._path = path
        self._files = files or WatchedFiles(path)
        self._seen = loaded
        self._current = current
        self._listeners = tuple(listeners)
        self._clock = clock
        self._loader = loader
        self._wait_until_stable = wait_until_stable or (lambda path, pause: self._files.fingerprint())
        self._yielding_pause = pause or YieldingPause()
        self._time_of_day = time_of_day
        self._watch = FileWatch(self._files, examiner, clock, self.loads, self._handle_fingerprint)
        self._checks = PeriodicCall(clock, WATCH_SECONDS, self._check)
        self._load: Load | None = None
        self._loading: Deferred[None] | None = None
        self._hung_read: Load | None = None  # was abandoned before the file had been read
        self._requested = False  # a load is due at the next fingerprint, changed or not
        self._repeat = False  # the last load failed for a cause that can pass
        self._logged: object = None  # the last failure in the log, if no load succeeded since
        self._cancelled_in_a_row = 0

    def startService(self) -> None:
        """Start to watch the file."""
        super().startService()
        if self.loads.current:
            self._log_loaded()
        self._checks.start()

    def stopService(self) -> Deferred[None] | None:
        """Stop watching; the Deferred fires when a running load has ended, or after ``STOP_SECONDS``.

        A load ends at its next pause, unless a hook takes longer.
        """
        super().stopService()
        self._checks.stop()
        if self._load is not None:
            self._load.cancelled = True
        if self._loading is None:
            return None
        ended: Deferred[None] = Deferred()
        self._loading.addCallback(ended.callback)
        return ended.addTimeout(STOP_SECONDS, self._clock, onTimeoutCancel=lambda failure, seconds: None)

    def load(self) -> None:
        """Load the file now, changed or not; during a load, load once more after it."""
        self._requested = True
        if self._loading is None:
            self._watch.examine()

    def _check(self, intervals: int) -> None:
        if self._load is not None:
            self._load.note_activity(self._clock.seconds())
            if self._clock.seconds() >= self._load.active + LOAD_SECONDS:
                self._abandon(self._load)
        if self._hung_read is not None and self._hung_read.ended:
            self._hung_read, self._repeat = None, True
        self._watch.examine()

    def _handle_fingerprint(self, seen: Fingerprint) -> None:
        if self._loading is not None:
            self._cancel_outdated(seen)
        elif self._requested or self._repeat or seen != self._seen:
            # The failure of a requested load is logged each time.
            is_new = self._requested or seen != self._seen
            self._requested = False
            if isinstance(seen, MissingFile):
                self._handle_missing(seen, is_new)
            else:
                self._begin_load(seen, is_new)

    def _cancel_outdated(self, seen: Fingerprint) -> None:
        load = self._load
        # Until the file is stable, the load takes its changes into account by itself.
        if load is None or load.stable in (None, seen) or self._cancelled_in_a_row >= MOST_CANCELLED:
            return
        self._cancelled_in_a_row += 1
        load.cancelled = load.outdated = self._requested = True
        # Between two pauses can be seconds, if a file has a line of many megabytes.
        self._clock.callLater(CANCEL_SECONDS, self._abandon_outdated, load)

    def _abandon_outdated(self, load: Load) -> None:
        if self._load is load:
            self._loader.abandon()

    def _handle_missing(self, seen: MissingFile, is_new: bool) -> None:
        self._seen, self._repeat = seen, False
        self._report_failure()
        self._log_failure(
            is_new,
            "{path}: {reason}; the previous configuration stays in use until the file is back",
            reason=seen.reason,
        )

    def _begin_load(self, seen: Fingerprint, is_new: bool) -> None:
        if not self._loader.available:
            self._requested = True
            self.loads.current = False
            self._log_failure(False, "{path} cannot be loaded until an earlier load ends: too many hang")
            return
        self._seen, self._repeat = seen, False
        load = self._load = Load(
            self._files, self._listeners, self._wait_until_stable, self._yielding_pause, self._clock.seconds()
        )
        self._loading = Deferred()
        for listener in self._listeners:
            listener.begun()
        loading = self._loader.run(load.run)
        loading.addCallbacks(self._apply, lambda failure: self._handle_failure(failure, load, is_new))
        loading.addErrback(lambda failure: _log.failure("A new configuration was only partly applied", failure))
        loading.addCallback(self._finish_load)

    def _abandon(self, load: Load) -> None:
        load.cancelled = True
        if not load.is_read:
            self._hung_read = load
        gc_tuning.resume_full_collections()
        self._loader.abandon()

    def _apply(self, snapshot: Snapshot) -> Deferred[None]:
        last_references = [self._current.snapshot]
        self._current.use_policies(snapshot)
        self.loads.succeed(self._time_of_day())
        self._logged = None
        self._cancelled_in_a_row = 0
        if self._load is not None:
            self._load.active = self._clock.seconds()  # the release may take as long again
        for listener in self._listeners:
            listener.applied(snapshot.configuration)
        self._log_loaded()
        return self._loader.run(lambda: release(last_references))

    def _log_loaded(self) -> None:
        size = self._current.snapshot.configuration.policy.size
        _log.info("{path} is loaded: {size}", path=self._path, size=size)

    def _report_failure(self) -> None:
        self.loads.fail()
        for listener in self._listeners:
            listener.failed()

    def _log_failure(self, is_new: bool, message: str, **fields: str) -> None:
        """Log a failure, unless both the file and the message are the same as before."""
        if is_new or (message, fields) != self._logged:
            self._logged = (message, fields)
            _log.error(message, path=self._path, **fields)

    def _handle_failure(self, failure: Failure, load: Load, is_new: bool) -> None:
        if failure.check(LoadCancelled) or load.outdated:
            return
        self._cancelled_in_a_row = 0
        self._report_failure()
        if failure.check(LoadFailed):
            assert isinstance(failure.value, LoadFailed)
            self._repeat = failure.value.can_pass
            self._log_failure(
                is_new,
                "{path} has errors; the previous configuration stays in use\n{errors}",
                errors=str(failure.value),
            )
        elif failure.check(Abandoned):
            self._log_failure(
                True,
                "{path} was not loaded within {seconds} s: reading it or a hook hangs; this load is abandoned, and the "
                "previous configuration stays in use",
                seconds=str(LOAD_SECONDS),
            )
        else:
            _log.failure("{path} cannot be loaded; the previous configuration stays in use", failure, path=self._path)

    def _finish_load(self, _: object) -> None:
        load, self._load = self._load, None
        ended, self._loading = self._loading, None
        if load is not None and load.stable is not None:
            self._seen = load.stable
        if self._requested and self.running:
            self._watch.examine()
        assert ended is not None
        ended.callback(None)
