"""The way of deliveries into the store: summed in the reactor's thread, written by a thread of their own.

Only a process with STORE imports this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration.setting_values import KeptSenders
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.messages import number_of
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols.envelope import kept_address
from trualias.protocols.transactions import InterruptedTransactions, Outcome
from trualias.server.counting_store import CountingStore
from trualias.server.daemon_thread import Worker
from trualias.server.pending_guesses import PendingGuesses
from trualias.server.pending_uses import PendingUses, makes_known
from trualias.server.periodic import PeriodicService
from trualias.store.guesses import Guesses
from trualias.store.interface import StoreUnusable
from trualias.store.records import Counted, Use

_log = logger(__name__)

_Result = TypeVar("_Result")

WRITE_SECONDS = 0.75
"""The interval at which pending uses are written: each is in the store within a second."""

PAUSE_SECONDS = 0.02
"""The pause between two transactions, in which other writers have their turn."""

MOST_ROWS = 250
"""The most uses of a transaction: some 10 ms."""

HUNG_SECONDS = 10.0
"""Seconds of a transaction after which the store counts as hung."""

FINISH_SECONDS = 2.0
"""The longest that a server that stops waits for the store."""


_KNOWN, _ADDRESS = Outcome.KNOWN, KeptSenders.ADDRESS


class DeliveryCounter(PeriodicService):
    """Takes deliveries, and writes them into the store; a `trualias.protocols.transactions.DeliverySink`.

    While the store is not used, the deliveries wait in bounded memory.

    Args:
        store: is used in the worker alone.
        current: holds the snapshot in use.
        clock: the reactor's.
        worker: runs the transactions.
        counters: are kept up to date.
        is_in_use: returns whether the store is the one whose states are in force.
        time_of_day: returns seconds since 1970.

    """

    name = "deliveries"

    def __init__(
        self,
        store: CountingStore,
        current: CurrentSnapshot,
        clock: IReactorTime,
        worker: Worker,
        counters: MemoryCounters,
        is_in_use: Callable[[], bool],
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self.counters = counters
        self.interrupted = InterruptedTransactions()
        self._store = store
        self._current = current
        self._clock = clock
        self._worker = worker
        self._is_in_use = is_in_use
        self._time_of_day = time_of_day
        self._pending = PendingUses()
        self._guesses = PendingGuesses()
        self._begun: float | None = None
        self._problem = ""
        self._finished: Deferred[None] | None = None
        super().__init__(clock, WRITE_SECONDS, self._check)

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Take mail to an alias; drop it if too many wait."""
        if outcome is _KNOWN:
            kept = None
        elif self._current.snapshot.configuration.settings.senders is _ADDRESS:
            kept = kept_address(sender)
        else:
            kept = sender.rpartition("@")[2]
        self._pending.add_mail(recipient, kept, self._time_of_day(), outcome)

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Take a wrong code, which counts for each account of its shape; drop it if too many wait."""
        self.counters.guesses += 1
        now = self._time_of_day()
        for account in guess.accounts:
            self._guesses.add(account, network, guess.address, now)

    @property
    def _is_pending(self) -> bool:
        return bool(self._pending) or bool(self._guesses)

    def finish(self) -> Deferred[None]:
        """Return a Deferred that fires when all is written, or after `FINISH_SECONDS`, or when that fails."""
        if self._begun is None and not self._is_pending:
            return succeed(None)
        self._finished = finished = Deferred[None]()
        call = self._clock.callLater(FINISH_SECONDS, self._fire_finished)
        if self._begun is None:
            self._pending.begin_round()
            self._write()

        def cancel(_: None) -> None:
            if call.active():
                call.cancel()

        return finished.addCallback(cancel)

    def _check(self, intervals: int) -> None:
        self._update_counters()
        if self._begun is not None:
            if self._clock.seconds() >= self._begun + HUNG_SECONDS:
                self._report("the store does not respond")
        elif not self._is_in_use():
            # The connection may be one to a file that is no longer there.
            self._run(self._store.release, lambda _: None, _log_failure)
        else:
            self._pending.begin_round()
            self._write()

    def _write(self) -> None:
        """Write some of what is pending, unless a transaction is running."""
        if self._begun is not None or not (self._pending.is_due or self._guesses):
            return
        if not self._is_in_use():
            self._fire_finished()
            return
        if not self._pending.is_due:  # only guesses are: mails come first
            guesses = self._guesses.take(MOST_ROWS // 10)
            self._run(
                lambda: self._store.count_guesses(guesses),
                lambda _: self._continue(),
                lambda failure: self._handle_guess_failure(guesses, failure),
            )
            return
        uses = self._pending.take(MOST_ROWS)
        new = frozenset(use.key for use in uses if makes_known(use) and not self._pending.is_counted(use.key))
        snapshot, now = self._current.snapshot, self._time_of_day()
        self._run(
            lambda: self._store.count(uses, new, snapshot, now),
            lambda counted: self._handle_counted(uses, counted),
            lambda failure: self._handle_failure(uses, failure),
        )

    def _run(
        self,
        function: Callable[[], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[Failure], None],
    ) -> None:
        """Run a function in the thread, one at a time; an exception in what follows is logged."""
        self._begun = self._clock.seconds()

        def end(result: _Result) -> _Result:
            self._begun = None
            return result

        running = self._worker.run(function)
        running.addBoth(end)
        running.addCallbacks(done, failed)
        running.addErrback(_log_failure)

    def _handle_counted(self, uses: Sequence[Use], counted: Counted) -> None:
        self._pending.mark_counted(uses)
        self.counters.accepted += sum(use.accepted for use in uses) - counted.beyond
        self.counters.refused += sum(use.refused for use in uses)
        self.counters.beyond += counted.beyond
        self._continue()

    def _continue(self) -> None:
        """Write more after a transaction, or finish."""
        self._report("")
        self._update_counters()
        if self._finished is None:
            # What comes meanwhile is summed until the next look.
            if self._pending.is_due or self._guesses:
                self._clock.callLater(PAUSE_SECONDS, self._write)
        elif self._is_pending:
            self._pending.begin_round()
            self._write()
        else:
            self._fire_finished()

    def _handle_failure(self, uses: Sequence[Use], failure: Failure) -> None:
        if failure.check(StoreUnusable):
            for use in uses:
                self._pending.add(use)
            self._report(failure.getErrorMessage())
        else:
            # Not StoreUnusable: written once more, they would fail once more.
            self.counters.dropped += sum(use.accepted + use.refused for use in uses)
            _log_failure(failure)
        self._update_counters()
        self._fire_finished()

    def _handle_guess_failure(self, guesses: list[Guesses], failure: Failure) -> None:
        if failure.check(StoreUnusable):
            self._guesses.put_back(guesses)
            self._report(failure.getErrorMessage())
        else:
            self.counters.guesses_dropped += sum(one.count for one in guesses)
            _log_failure(failure)
        self._update_counters()
        self._fire_finished()

    def _update_counters(self) -> None:
        dropped, self._guesses.dropped = self._guesses.dropped, 0
        self.counters.guesses_dropped += dropped
        self.counters.pending = len(self._pending)
        dropped, self._pending.dropped = self._pending.dropped, 0
        self.counters.dropped += dropped

    def _report(self, problem: str) -> None:
        """Log a problem once, and its end."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            _log.error("deliveries to aliases cannot be counted now, and wait: {problem}", problem=problem)
        else:
            _log.warn("deliveries to aliases are counted again")

    def _fire_finished(self) -> None:
        """Drop what is pending and fire the Deferred of `finish`, if the server stops."""
        finished, self._finished = self._finished, None
        if finished is None:
            return
        lost = self._pending.clear()
        self._guesses.clear()
        self._update_counters()
        if lost:
            _log.error(
                "{deliveries} not counted, since the store could not take them when the server stopped",
                deliveries=f"{number_of(lost, 'delivery', 'deliveries')} {'was' if lost == 1 else 'were'}",
            )
        finished.callback(None)


def _log_failure(failure: Failure) -> None:
    _log.failure("deliveries to aliases were not counted", failure)
