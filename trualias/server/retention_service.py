"""The removal of what the store keeps for a time alone, such as senders that have not been seen for long.

Only a process with STORE imports this.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.messages import number_of
from trualias.server.daemon_thread import Worker
from trualias.server.periodic import PeriodicService
from trualias.store.interface import StoreUnusable
from trualias.store.sqlite import SqliteStore

_log = logger(__name__)

INTERVAL_SECONDS = 3_600.0
"""The interval between two removals; one takes a second of processor time for two million senders."""

PAUSE_SECONDS = 0.02
"""The pause between two transactions, in which other writers have their turn."""

MOST_AHEAD_DAYS = 7
"""Days that the clock can be ahead of the last removal without a warning: a server may stand still for some days."""

_DAY = 86_400


class RetentionService(PeriodicService):
    """Removes at an interval what the store has kept for long enough.

    Args:
        path: of the store.
        current: holds the snapshot in use, whose setting ``KEEP SENDERS`` counts.
        clock: the reactor's.
        worker: runs the removals.
        is_in_use: returns whether the store is the one whose states are in force.
        time_of_day: returns seconds since 1970.
        pause: called between two transactions.

    """

    name = "retention"

    def __init__(
        self,
        path: str,
        current: CurrentSnapshot,
        clock: IReactorTime,
        worker: Worker,
        is_in_use: Callable[[], bool],
        time_of_day: Callable[[], float] = time.time,
        pause: Callable[[], None] = lambda: time.sleep(PAUSE_SECONDS),
    ) -> None:
        self._path = path
        self._current = current
        self._worker = worker
        self._is_in_use = is_in_use
        self._time_of_day = time_of_day
        self._pause = pause
        self._is_running = False
        self._is_ahead = False
        self._problem = ""
        super().__init__(clock, INTERVAL_SECONDS, self._begin)

    def _begin(self, intervals: int) -> None:
        if self._is_running or not self._is_in_use():
            return
        self._is_running = True
        days, now = self._current.snapshot.configuration.settings.keep_senders, self._time_of_day()
        removing = self._worker.run(lambda: self._remove(now, days))
        removing.addCallbacks(self._handle_success, self._handle_failure)

    def _remove(self, now: float, days: int) -> tuple[int, float]:
        """Remove what is old; return the rows, and the seconds by which the clock is ahead of what may be removed."""
        store = SqliteStore(self._path)
        try:
            reached = store.retention_time(now)
            return store.forget_old(reached, days, self._pause), now - reached
        finally:
            store.close()

    def _handle_success(self, done: tuple[int, float]) -> None:
        removed, ahead = done
        self._is_running = False
        self._problem = ""
        is_ahead = ahead > MOST_AHEAD_DAYS * _DAY
        if is_ahead and not self._is_ahead:
            _log.warn(
                "the clock is {days} ahead of the last removal of old senders: no server ran for so long, or the clock "
                "is wrong; each hour only one day more counts as past, so that the clock can be set right before the "
                "store forgets much",
                days=number_of(int(ahead / _DAY), "day"),
            )
        self._is_ahead = is_ahead
        if removed:
            _log.info("{removed} old rows of senders, guesses and changes were removed from the store", removed=removed)

    def _handle_failure(self, failure: Failure) -> None:
        self._is_running = False
        if not failure.check(StoreUnusable):
            _log.failure("old senders were not removed from the store", failure)
        elif failure.getErrorMessage() != self._problem:
            self._problem = failure.getErrorMessage()
            _log.error(
                "senders that are too old cannot be removed from the store now; it is tried again each hour: {problem}",
                problem=self._problem,
            )
