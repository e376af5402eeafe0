"""Examination of the configuration file in a thread, since stat(2) may never return: NFS, FUSE, a failing disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration.fingerprint import Fingerprint, WatchedFiles
from trualias.log import logger
from trualias.monitoring.counters import LoadCounters
from trualias.server.daemon_thread import Abandoned, Worker
from trualias.server.yielding_pause import YieldingPause

_log = logger(__name__)

STAT_SECONDS = 10
"""The longest that an examination may take; then it is abandoned, and another one begins."""


class FileWatch:
    """Examines a file on request, one examination at a time, and hands its fingerprint to a function.

    Args:
        files: the file, and those that it includes.
        worker: runs the examinations.
        clock: the reactor's.
        loads: ``unreachable`` is kept up to date in it.
        on_fingerprint: receives each fingerprint, in the reactor's thread.

    """

    def __init__(
        self,
        files: WatchedFiles,
        worker: Worker,
        clock: IReactorTime,
        loads: LoadCounters,
        on_fingerprint: Callable[[Fingerprint], None],
    ) -> None:
        self._path = files.path
        self._examine = partial(files.fingerprint, YieldingPause())
        self._worker = worker
        self._clock = clock
        self._loads = loads
        self._on_fingerprint = on_fingerprint
        self._begun: float | None = None

    def examine(self) -> None:
        """Begin an examination, unless one is running; abandon one that takes longer than ``STAT_SECONDS``."""
        if self._begun is not None and self._clock.seconds() >= self._begun + STAT_SECONDS:
            self._worker.abandon()
        if self._begun is not None or not self._worker.available:
            return
        self._begun = self._clock.seconds()
        examining = self._worker.run(self._examine)
        examining.addCallbacks(self._handle_fingerprint, self._handle_failure)
        examining.addErrback(
            lambda failure: _log.failure("A change of {path} was not handled", failure, path=self._path)
        )

    def _handle_fingerprint(self, seen: Fingerprint) -> None:
        self._begun = None
        if self._loads.unreachable:
            self._loads.unreachable = False
            _log.warn("{path} can be examined again", path=self._path)
        self._on_fingerprint(seen)

    def _handle_failure(self, failure: Failure) -> None:
        self._begun = None
        if not failure.check(Abandoned):
            _log.failure("{path} cannot be examined", failure, path=self._path)
        elif not self._loads.unreachable:
            self._loads.unreachable = True
            _log.error(
                "{path} cannot be examined: its filesystem has not responded for {seconds} s; "
                "the configuration in use stays in use, and changes of the file are not seen",
                path=self._path,
                seconds=STAT_SECONDS,
            )
