"""The status file of a server, which ``trualias status`` and health checks read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration import Configuration
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import LoadCounters
from trualias.monitoring.status import Status, boot_id, status_clock
from trualias.monitoring.status_files import StatusFile
from trualias.server.daemon_thread import Worker
from trualias.server.listening import ListeningService
from trualias.server.periodic import PeriodicCall
from trualias.server.reload_listener import ReloadListener

_log = logger(__name__)

STATUS_SECONDS = 10
"""The interval at which the status is written."""

HUNG_SECONDS = 20
"""A write that takes longer is abandoned."""

REMOVE_SECONDS = 0.5
"""The longest wait for the removal of the file when the server stops."""


class StatusService(Service, ReloadListener):
    """Writes the status while the reactor runs and after each load, and removes the file when the server stops.

    The reactor's timer starts the writes, so that the file grows old if the reactor hangs.

    Args:
        file: is written and removed by the worker.
        clock: the reactor's.
        worker: writes and removes the file.
        make_status: returns the status of this moment.

    """

    name = "status"

    def __init__(
        self, file: StatusFile, clock: IReactorTime, worker: Worker, make_status: Callable[[], Status]
    ) -> None:
        self._file = file
        self._clock = clock
        self._worker = worker
        self._make_status = make_status
        self._writes = PeriodicCall(clock, STATUS_SECONDS, self._write)
        self._begun: float | None = None
        self._is_outdated = False
        self._logged = ""

    def startService(self) -> None:
        """Write the status as soon as the reactor runs, and every ten seconds from then on."""
        super().startService()
        self._first = self._clock.callLater(0, self._write, 1)
        self._writes.start()

    def stopService(self) -> Deferred[None]:
        """Remove the file; the Deferred fires when that is done, or after ``REMOVE_SECONDS``."""
        super().stopService()
        if self._first.active():
            self._first.cancel()
        self._writes.stop()
        removed: Deferred[None] = Deferred()
        self._worker.run(self._file.remove).addBoth(lambda _: removed.callback(None))
        return removed.addTimeout(REMOVE_SECONDS, self._clock, onTimeoutCancel=lambda failure, seconds: None)

    def applied(self, configuration: Configuration) -> None:
        """Write the status with the new configuration."""
        self._update()

    def failed(self) -> None:
        """Write that the last change was not loaded."""
        self._update()

    def _update(self) -> None:
        if self.running:
            self._is_outdated = True
            self._write(1)

    def _write(self, intervals: int) -> None:
        if self._begun is not None and self._clock.seconds() >= self._begun + HUNG_SECONDS:
            self._worker.abandon()
        if self._begun is not None or not self._worker.available:
            return
        self._begun = self._clock.seconds()
        self._is_outdated = False
        content = self._make_status().to_json()
        writing = self._worker.run(partial(self._file.write, content))
        writing.addCallbacks(self._handle_success, self._handle_failure)

    def _handle_success(self, _: None) -> None:
        self._begun = None
        self._logged = ""
        if self._is_outdated and self.running:
            self._write(1)

    def _handle_failure(self, failure: Failure) -> None:
        self._begun = None
        reason = f"{failure.type.__name__ if failure.type else ''}: {failure.getErrorMessage()}"
        if reason != self._logged and self.running:
            self._logged = reason
            _log.warn(
                "the status cannot be written to {path}, and trualias status takes the server to hang: {reason}",
                path=self._file.path,
                reason=reason,
            )


def status_maker(
    path: str, current: CurrentSnapshot, loads: LoadCounters, lookups: Sequence[ListeningService]
) -> Callable[[], Status]:
    """Return a function that returns the status of this process, which starts now.

    Args:
        path: of the configuration.
        current: holds the snapshot in use.
        loads: counts its loads.
        lookups: the services that listen for lookups.

    """
    boot, started = boot_id(), time.time()

    def make_status() -> Status:
        closed = [listener.description for listener in lookups if not listener.listening]
        return Status(
            pid=os.getpid(),  # twistd can fork after this function is made
            boot=boot,
            written=status_clock(),
            started=started,
            path=path,
            loaded_at=loads.loaded_at,
            size=current.snapshot.configuration.policy.size,
            current=loads.current,
            fallback=loads.fallback,
            problem=f"not listening on {', '.join(closed)}" if closed else "",
            addresses={
                listener.description: address
                for listener in lookups
                if (address := listener.adopted_address) is not None
            },
        )

    return make_status
