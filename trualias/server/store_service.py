"""The store of a server process: its states at the start, and each change of them while lookups go on.

Only a process with STORE imports this.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.lookup.alias_states import AliasStates
from trualias.messages import number_of
from trualias.monitoring.counters import LoadCounters
from trualias.server.daemon_thread import Worker
from trualias.server.periodic import PeriodicService
from trualias.state_files import replace_file
from trualias.store.follower import Follower
from trualias.store.interface import StoreUnusable
from trualias.store.records import Position
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create, upgrade
from trualias.store.states_copy import StatesCopy, UnusableStatesCopy, encode, read_states_copy, related_copies

_log = logger(__name__)

WATCH_SECONDS = 0.25
"""The interval between two examinations of the store: a change is in force within a second."""

COPY_SECONDS = 4.0
"""The least time between two writes of the copy."""

RESTING_SECONDS = 86_400.0
"""The interval between two warnings that aliases do not end for want of mail."""

HUNG_SECONDS = 10.0
"""Seconds without an answer after which the store counts as hung."""

REPORT_SECONDS = 1.0
"""Seconds for which the store has the same problem before it is logged: it can be moved in several steps."""


class StoreReader:
    """Reads the store, and keeps the copy of its states; all methods but the constructor may run in a thread.

    Args:
        path: of the store.
        copy: the path of the copy, whose name is that of `copy_file_name`; None for none.
        monotonic: returns seconds.
        pause: called often during long work.
        reads_known: see `Follower`.

    """

    def __init__(
        self,
        path: str,
        copy: str | None,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[], None] = lambda: None,
        reads_known: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._copy = copy
        self._monotonic = monotonic
        self._pause = pause
        self._reads_known = reads_known
        self._copied: Position | None = None
        self._copied_at = -math.inf
        self._resting_seen = -math.inf
        self._logged: str | None = None
        self._follower = Follower(path, SqliteStore, pause=pause, reads_known=reads_known)

    @property
    def states(self) -> AliasStates:
        """The states in force."""
        return self._follower.states

    def start(self) -> str:
        """Read the states for the first time; return the problem with the store, empty if it is used.

        The store is made if there is neither one nor a copy of one.
        """
        kept = self._read_copy()
        if kept is not None:
            self._copied = kept.position
            self._follower = Follower(
                self._path, SqliteStore, kept.position, kept.states, self._pause, reads_known=self._reads_known
            )
        if not os.path.exists(self._path) and self._is_first():
            try:
                create(self._path)
            except StoreUnusable as error:
                return str(error)
            _log.warn("there was no store at {path}; an empty one is made, and every alias is active", path=self._path)
        else:
            # A store that cannot be upgraded is refused below, with the reason.
            with suppress(StoreUnusable):
                if copy := upgrade(self._path):
                    _log.warn("{path} is upgraded; {copy} is as it was before", path=self._path, copy=copy)
        return self.examine()

    def _read_copy(self) -> StatesCopy | None:
        """Return the copy of this store; None if there is none that can be used."""
        try:
            kept = None if self._copy is None else read_states_copy(self._copy)
        except UnusableStatesCopy as error:
            _log.error("the copy of the states, {path}, is not used: {reason}", path=self._copy, reason=str(error))
            return None
        return kept if kept is not None and kept.path == self._path else None

    def _is_first(self) -> bool:
        """Return whether no copy shows that there was a store; log it if that is the copy of another server or store.

        An empty store in the place of one that is lost, or that is elsewhere now, would make every alias active.
        """
        if self._copy is None:
            return True
        if os.path.lexists(self._copy):
            return False
        try:
            related = related_copies(self._copy)
        except OSError:
            return True  # reported when the copy cannot be written
        if related:
            _log.error(
                "there is no store at {path}, and none is made, since {copy} shows that there was one, or that STORE "
                "was another one; if the store is to begin empty, make it by trualias store upgrade",
                path=self._path,
                copy=related[0],
            )
        return not related

    def examine(self) -> str:
        """Read what changed, and write the copy if it is due; return the problem with the store, or an empty text."""
        try:
            self._follower.examine()
        except StoreUnusable as error:
            return str(error)
        self._keep_copy()
        self._report_resting()
        return ""

    def _report_resting(self) -> None:
        """Log once a day that aliases do not end for want of mail, since no mail is counted."""
        now = self._monotonic()
        if now < self._resting_seen + RESTING_SECONDS:
            return
        self._resting_seen = now
        try:
            number = self._follower.resting()
        except StoreUnusable:
            return  # the next examination reports it
        if number:
            _log.warn(
                "{aliases} had no mail for the days after which they expire, but no mail at all was counted in the last"
                " day, and they stay: does the mail server ask the policy service?",
                aliases=number_of(number, "alias", "aliases"),
            )

    def _keep_copy(self) -> None:
        position = self._follower.position
        now = self._monotonic()
        if self._copy is None or position is None or position == self._copied or now < self._copied_at + COPY_SECONDS:
            return
        self._copied_at = now
        copy = StatesCopy(self._path, position, self._follower.states)
        try:
            replace_file(self._copy, encode(copy, self._pause), durable=True, mode=0o640)
        except OSError as error:
            if error.strerror != self._logged:
                self._logged = error.strerror
                _log.warn(
                    "no copy of the states can be kept at {path}, and a store that loses some will not show: {reason}",
                    path=self._copy,
                    reason=error.strerror,
                )
            return
        self._logged = None
        self._copied = position


class StoreService(PeriodicService):
    """Puts each change of the store in force, in a new snapshot over the same policies.

    Args:
        reader: has been started.
        problem: what its start returned.
        current: holds the snapshot in use.
        clock: the reactor's.
        worker: runs the examinations of the store.
        loads: ``store_in_use`` is kept up to date in it.

    """

    name = "store"

    def __init__(
        self,
        reader: StoreReader,
        problem: str,
        current: CurrentSnapshot,
        clock: IReactorTime,
        worker: Worker,
        loads: LoadCounters,
    ) -> None:
        self.problem = ""
        self._reader = reader
        self._current = current
        self._clock = clock
        self._worker = worker
        self._loads = loads
        self._begun: float | None = None
        self._logged = ""
        self._since = 0.0  # when the problem began
        super().__init__(clock, WATCH_SECONDS, self._examine)
        self._report(problem, is_steady=True)

    def _examine(self, intervals: int) -> None:
        if self._begun is not None:
            # It is not abandoned: two threads must not use one store.
            if self._clock.seconds() >= self._begun + HUNG_SECONDS:
                self._report("it does not respond", is_steady=True)
            return
        self._begun = self._clock.seconds()
        examining = self._worker.run(lambda: (self._reader.examine(), self._reader.states))
        examining.addCallbacks(self._apply, self._handle_failure)
        examining.addErrback(lambda failure: _log.failure("the states of aliases were not put in force", failure))

    def _apply(self, seen: tuple[str, AliasStates]) -> None:
        self._begun = None
        problem, states = seen
        self._report(problem)
        self._current.use_states(states)

    def _handle_failure(self, failure: Failure) -> None:
        self._begun = None
        _log.failure("the store cannot be examined", failure)

    def _report(self, problem: str, *, is_steady: bool = False) -> None:
        """Show a problem at once, and log it when it stays, or at once if it is steady; log its end."""
        self._loads.store_in_use = not problem
        now = self._clock.seconds()
        if problem != self.problem:
            self.problem, self._since = problem, now
        is_steady |= not problem or now >= self._since + REPORT_SECONDS
        if problem != self._logged and is_steady:
            self._logged = problem
            self._log(problem)

    def _log(self, problem: str) -> None:
        if problem and self._reader.states.is_lost:
            _log.error(
                "the store is not used, and there is no copy of its states; until it is, only the statements answer, "
                "aliases that were taken back work, and other addresses get a temporary error: {problem}",
                problem=problem,
            )
        elif problem:
            _log.error(
                "the store is not used, and the states of aliases that are in force stay so ({number}): {problem}",
                number=number_of(len(self._reader.states), "alias", "aliases"),
                problem=problem,
            )
        else:
            _log.warn("the store is used again")


@frozen(eq=False, repr=False)
class StoreHealth:
    """A remark on the health of a process whose store is not used; lookups go on."""

    service: StoreService

    def problem(self) -> str | None:
        """Return None."""
        return None

    def remarks(self) -> Sequence[str]:
        """Describe the problem with the store."""
        return [f"the store is not used: {self.service.problem}"] if self.service.problem else []
