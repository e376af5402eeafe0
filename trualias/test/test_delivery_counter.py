"""Tests of ``trualias.server.delivery_counter``: from a delivery to its row in a store, and what goes wrong."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.locks import MALFORMED_SENDER
from trualias.lookup.recipients import Recipient
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols.transactions import Outcome
from trualias.server.counting_store import CountingStore
from trualias.server.delivery_counter import (
    FINISH_SECONDS,
    HUNG_SECONDS,
    MOST_ROWS,
    PAUSE_SECONDS,
    WRITE_SECONDS,
    DeliveryCounter,
)
from trualias.store.records import Entry
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.test.lookups import snapshot
from trualias.testing.workers import ImmediateWorker, QueueingWorker

NOW = 86_400.5


def recipient(name: str) -> Recipient:
    """Return an alias of foo that was made for a name."""
    return Recipient(f"foo-{name}-1@example.com", f"Foo-{name}-1@example.com", "foo")


MACYS = recipient("macys")


class DeliveryCounterTests(SynchronousTestCase):
    """The service on a clock and a worker that a test drives, with a store in a file."""

    def setUp(self) -> None:
        """Make a store."""
        self.clock = Clock()
        self.path = Path(self.mktemp()).absolute()
        create(str(self.path))
        self.counters = MemoryCounters()
        self.is_in_use = True
        self.current = CurrentSnapshot(snapshot())

    def start(self, worker: ImmediateWorker | QueueingWorker | None = None) -> DeliveryCounter:
        """Start the service."""
        store = CountingStore(str(self.path), pause=lambda: None)
        self.addCleanup(store.release)
        counter = DeliveryCounter(
            store,
            self.current,
            self.clock,
            worker or ImmediateWorker(),
            self.counters,
            lambda: self.is_in_use,
            lambda: NOW + self.clock.seconds(),
        )
        counter.startService()
        return counter

    def entries(self) -> list[Entry]:
        """Return the aliases in the store."""
        store = SqliteStore(str(self.path))
        try:
            return list(store.entries())
        finally:
            store.close()

    def senders(self) -> list[str]:
        """Return the senders in the store."""
        store = SqliteStore(str(self.path))
        try:
            return [row[0] for row in store._database.execute("SELECT sender FROM sender ORDER BY sender")]
        finally:
            store.close()

    def test_counted(self) -> None:
        """A delivery is in the store within a second, with its account, its words, and its first spelling."""
        counter = self.start()
        for outcome in (Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REFUSED):
            counter.add(MACYS, "shop@news.test", outcome)
        self.assertEqual([], self.entries())
        self.clock.advance(WRITE_SECONDS)
        [entry] = self.entries()
        self.assertEqual(
            (MACYS.key, MACYS.address, "foo", 2, 1, int(NOW), int(NOW)),
            (entry.key, entry.address, entry.account, entry.accepted, entry.refused, entry.first_seen, entry.last_seen),
        )
        self.assertEqual((("foo", "macys"), ["news.test"]), (entry.words, self.senders()))
        self.assertEqual(MemoryCounters(accepted=2, refused=1), self.counters)

    def test_senders(self) -> None:
        """SENDERS says how much of a sender is kept, and numbers in local parts are folded.

        The null sender and what is no address are kept as such.
        """
        for setting, kept in {
            "": ["", MALFORMED_SENDER, "b2.test", "news.test"],
            "SENDERS: domain": ["", MALFORMED_SENDER, "b2.test", "news.test"],
            "SENDERS: address": ["", MALFORMED_SENDER, "bounce-#-x#@b2.test", "shop@news.test"],
            "SENDERS: none": [],
        }.items():
            self.path = Path(self.mktemp()).absolute()
            create(str(self.path))
            self.current.use_policies(snapshot(setting))
            counter = self.start()
            for sender in ("", MALFORMED_SENDER, "shop@news.test", "bounce-17-x4@b2.test", "bounce-180-x5@b2.test"):
                counter.add(MACYS, sender, Outcome.ACCEPTED)
            self.clock.advance(WRITE_SECONDS)
            self.assertEqual((kept, 5), (self.senders(), self.entries()[0].accepted), setting)
            counter.stopService()

    def test_known(self) -> None:
        """An alias whose mail cannot be attributed becomes known, without a count and without a sender."""
        counter = self.start()
        counter.add(MACYS, "shop@news.test", Outcome.KNOWN)
        self.clock.advance(WRITE_SECONDS)
        [entry] = self.entries()
        self.assertEqual((0, 0, None), (entry.accepted, entry.refused, entry.first_seen))
        self.assertEqual([], self.senders())

    def test_batches(self) -> None:
        """Many uses are written in several transactions, with pauses in between."""
        counter = self.start()
        for number in range(MOST_ROWS * 2 + 1):
            counter.add(recipient(f"a{number}"), "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual((MOST_ROWS, MOST_ROWS + 1), (self.counters.accepted, self.counters.pending))
        self.clock.advance(PAUSE_SECONDS)
        self.assertEqual(MOST_ROWS * 2, self.counters.accepted)
        self.clock.advance(PAUSE_SECONDS)
        # At most 500 aliases of an account become known in a day.
        self.assertEqual((MOST_ROWS * 2, 1, 0), (self.counters.accepted, self.counters.beyond, self.counters.pending))

    def test_rounds(self) -> None:
        """What comes while uses are written is summed until the next look, but for the first mail of an alias."""
        worker = QueueingWorker()
        counter = self.start(worker)
        aliases = [recipient(f"x{number}") for number in range(MOST_ROWS + 1)]
        for alias in aliases:
            counter.add(alias, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        for _ in range(2):
            worker.run_all()
            self.clock.advance(PAUSE_SECONDS)
        for _ in range(3):
            for alias in aliases:
                counter.add(alias, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS - 2 * PAUSE_SECONDS)
        for is_first in (True, False):
            if is_first:
                counter.add(MACYS, "", Outcome.ACCEPTED)
            for alias in aliases:
                counter.add(alias, "", Outcome.ACCEPTED)
            worker.run_one()
            self.clock.advance(PAUSE_SECONDS)
        self.assertEqual([], worker.waiting)
        numbers = {entry.key: entry.accepted for entry in self.entries()}
        self.assertEqual((1, 5, 5), (numbers[MACYS.key], numbers[aliases[0].key], numbers[aliases[-1].key]))
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual(1, len(worker.waiting))

    def test_not_in_use(self) -> None:
        """While the store is not the one in force, deliveries wait, and the file is not kept open."""
        counter = self.start()
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        self.is_in_use = False
        os.rename(self.path, f"{self.path}.away")
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual((1, 1), (self.counters.accepted, self.counters.pending))
        self.assertNotIn(
            f"{self.path}.away", [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        )
        os.rename(f"{self.path}.away", self.path)
        self.is_in_use = True
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual((2, 2, 0), (self.entries()[0].accepted, self.counters.accepted, self.counters.pending))

    def test_unusable(self) -> None:
        """While the store cannot be written, deliveries wait; the log says so once, and once that it is over."""
        counter = self.start()
        os.rename(self.path, f"{self.path}.away")
        counter.add(MACYS, "", Outcome.ACCEPTED)
        with capturedLogs() as events:
            for _ in range(5):
                self.clock.advance(WRITE_SECONDS)
            os.rename(f"{self.path}.away", self.path)
            self.clock.advance(WRITE_SECONDS)
        self.assertEqual(
            [
                f"deliveries to aliases cannot be counted now, and wait: there is no {self.path}",
                "deliveries to aliases are counted again",
            ],
            [*map(formatEvent, events)],
        )
        self.assertEqual(1, self.entries()[0].accepted)

    def test_hung(self) -> None:
        """A store that does not respond is logged; one transaction runs at a time, and what comes waits."""
        worker = QueueingWorker()
        counter = self.start(worker)
        with capturedLogs() as events:
            for _ in range(int(HUNG_SECONDS / WRITE_SECONDS) + 2):
                counter.add(MACYS, "", Outcome.ACCEPTED)
                self.clock.advance(WRITE_SECONDS)
        self.assertEqual(
            ["deliveries to aliases cannot be counted now, and wait: the store does not respond"],
            [*map(formatEvent, events)],
        )
        self.assertEqual(1, len(worker.waiting))
        worker.run_all()
        self.clock.advance(PAUSE_SECONDS)
        worker.run_all()
        self.assertEqual(int(HUNG_SECONDS / WRITE_SECONDS) + 2, self.entries()[0].accepted)

    def test_fault(self) -> None:
        """A fault of the program drops the uses that it concerns, and the next ones are counted."""
        counter = self.start()
        # A snapshot with settings alone: the words of the alias cannot be found.
        settings = SimpleNamespace(settings=snapshot().configuration.settings)
        self.current.snapshot = cast(Snapshot, SimpleNamespace(configuration=settings))
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual((1, 0), (self.counters.dropped, self.counters.pending))
        self.assertEqual(1, len(self.flushLoggedErrors(AttributeError)))
        self.current.snapshot = snapshot()
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        self.assertEqual(1, self.counters.accepted)

    def finish(self, counter: DeliveryCounter) -> Deferred[None]:
        """Stop the service, as a server does."""
        counter.stopService()
        return counter.finish()

    def test_finish(self) -> None:
        """A server that stops writes all that waits, without pauses."""
        counter = self.start()
        self.successResultOf(counter.finish())
        for number in range(MOST_ROWS + 1):
            counter.add(recipient(f"a{number}"), "", Outcome.ACCEPTED)
        self.successResultOf(self.finish(counter))
        self.assertEqual((MOST_ROWS + 1, []), (len(self.entries()), self.clock.getDelayedCalls()))

    def test_finish_with_a_transaction(self) -> None:
        """It waits for the transaction that is running, and for what comes after it."""
        worker = QueueingWorker()
        counter = self.start(worker)
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        counter.add(MACYS, "", Outcome.ACCEPTED)
        finished = self.finish(counter)
        self.assertNoResult(finished)
        worker.run_all()
        self.successResultOf(finished)
        self.assertEqual((2, []), (self.entries()[0].accepted, self.clock.getDelayedCalls()))

    def test_finish_in_bounded_time(self) -> None:
        """It waits for a store that does not respond for a short time, and logs what is not counted."""
        counter = self.start(QueueingWorker())
        counter.add(MACYS, "", Outcome.ACCEPTED)
        self.clock.advance(WRITE_SECONDS)
        counter.add(MACYS, "", Outcome.ACCEPTED)
        counter.add(MACYS, "", Outcome.REFUSED)
        finished = self.finish(counter)
        with capturedLogs() as events:
            self.clock.advance(FINISH_SECONDS)
        self.successResultOf(finished)
        self.assertEqual(
            ["2 deliveries were not counted, since the store could not take them when the server stopped"],
            [*map(formatEvent, events)],
        )

    def test_finish_without_store(self) -> None:
        """It does not wait for a store that cannot be written, or is not used."""
        for is_in_use in (True, False):
            counter = self.start()
            if self.path.exists():
                self.path.unlink()
            self.is_in_use = is_in_use
            counter.add(MACYS, "", Outcome.ACCEPTED)
            with capturedLogs() as events:
                self.successResultOf(self.finish(counter))
            self.assertEqual(
                "1 delivery was not counted, since the store could not take them when the server stopped",
                formatEvent(events[-1]),
            )
