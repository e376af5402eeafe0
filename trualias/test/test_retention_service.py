"""Tests of ``trualias.server.retention_service``."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import CurrentSnapshot
from trualias.server.daemon_thread import Worker
from trualias.server.retention_service import INTERVAL_SECONDS, RetentionService
from trualias.store.records import Use
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.test.lookups import snapshot
from trualias.testing.workers import ImmediateWorker, QueueingWorker

DAY = 86_400


class RetentionServiceTests(SynchronousTestCase):
    """The service on a clock and a worker that a test drives, with a store in a file."""

    def setUp(self) -> None:
        """Make a store with a sender of each of three days."""
        self.path = Path(self.mktemp()).absolute()
        create(str(self.path))
        store = SqliteStore(str(self.path))
        uses = [Use("a@", "a", "foo", f"s{day}.test", day * DAY, day * DAY, 1) for day in (1, 2, 3)]
        store.count(uses, 3 * DAY, keeps_senders=True)
        store.close()
        self.clock = Clock()
        self.current = CurrentSnapshot(snapshot())
        self.is_in_use = True
        self.now = 0.0

    def start(self, worker: Worker | None = None) -> None:
        """Start the service."""
        service = RetentionService(
            str(self.path),
            self.current,
            self.clock,
            worker or ImmediateWorker(),
            lambda: self.is_in_use,
            lambda: self.now,
            lambda: None,
        )
        service.startService()
        self.addCleanup(service.stopService)

    def advance(self, now: float) -> list[str]:
        """Let an interval pass, at a time of day; return what is logged above the level of information."""
        self.now = now
        with capturedLogs() as events:
            self.clock.advance(INTERVAL_SECONDS)
        return [str(formatEvent(event)) for event in events if event["log_level"].name != "info"]

    def reach(self, now: float) -> list[str]:
        """Let an interval pass on each day up to a time of day; return what is logged."""
        logged: list[str] = []
        while self.now < now:
            logged += self.advance(min(now, self.now + DAY))
        return logged

    def senders(self) -> list[str]:
        """Return the senders in the store."""
        store = SqliteStore(str(self.path))
        try:
            return sorted(one.sender for one in store.senders("a@"))
        finally:
            store.close()

    def test_removed(self) -> None:
        """Senders that were not seen for 400 days are removed; KEEP SENDERS takes effect with a reload."""
        self.start()
        self.assertEqual([], self.reach(402 * DAY))
        self.assertEqual(["s2.test", "s3.test"], self.senders())
        self.current.use_policies(snapshot("KEEP SENDERS: 399"))
        self.assertEqual([], self.advance(402 * DAY))
        self.assertEqual(["s3.test"], self.senders())

    def test_clock_far_ahead(self) -> None:
        """A clock that is set ahead by years removes one day an hour at most; it is logged, and can be set right."""
        self.start()
        self.reach(300 * DAY)
        ahead = (
            "the clock is 3649 days ahead of the last removal of old senders: no server ran for so long, or the clock "
            "is wrong; each hour only one day more counts as past, so that the clock can be set right before the store "
            "forgets much"
        )
        self.assertEqual([[ahead], []], [self.advance(3950 * DAY), self.advance(3950 * DAY)])
        self.assertEqual(["s1.test", "s2.test", "s3.test"], self.senders())
        self.assertEqual([], self.advance(300 * DAY))
        self.assertEqual([], self.reach(402 * DAY))
        self.assertEqual(["s2.test", "s3.test"], self.senders())
        self.assertEqual(1, len(self.advance(3950 * DAY)))

    def test_clock_behind(self) -> None:
        """A server that starts before its clock is set removes nothing, and later what is old, without a delay."""
        self.start()
        self.assertEqual([], self.advance(0))
        self.assertEqual([], self.advance(3.5 * DAY))
        self.assertEqual(3, len(self.senders()))
        self.assertEqual([], self.reach(402 * DAY))
        self.assertEqual(["s2.test", "s3.test"], self.senders())

    def test_standstill(self) -> None:
        """After a standstill of some weeks, what has become old is removed within some hours."""
        self.start()
        self.reach(390 * DAY)
        self.assertEqual(1, len(self.advance(404 * DAY)))
        self.assertEqual(3, len(self.senders()))
        for _ in range(13):
            self.assertEqual([], self.advance(404 * DAY))
        self.assertEqual([], self.senders())

    def test_first_removal(self) -> None:
        """The first removal of a store goes by the last mail, so that it does not need the right clock either."""
        self.start()
        self.assertEqual(1, len(self.advance(1000 * DAY)))
        self.assertEqual(3, len(self.senders()))

    def test_not_in_use(self) -> None:
        """Nothing is removed from a store that is not the one in force."""
        self.start()
        self.is_in_use = False
        self.advance(1000 * DAY)
        self.assertEqual(3, len(self.senders()))
        self.is_in_use = True
        self.now = 0
        self.reach(410 * DAY)
        self.assertEqual([], self.senders())

    def test_one_at_a_time(self) -> None:
        """A removal that takes longer than the interval delays the next one."""
        worker = QueueingWorker()
        self.start(worker)
        self.advance(1)
        self.advance(1000 * DAY)
        self.assertEqual(1, len(worker.waiting))

    def test_problem(self) -> None:
        """A store that cannot be used is reported once, and again after it could be used."""
        moved = self.path.with_suffix(".moved")
        self.path.rename(moved)
        self.start()
        problem = [
            "senders that are too old cannot be removed from the store now; it is tried again each hour: "
            f"there is no {self.path}"
        ]
        self.assertEqual([problem, []], [self.advance(1), self.advance(1)])
        moved.rename(self.path)
        self.assertEqual([], self.reach(410 * DAY))
        self.assertEqual([], self.senders())
        self.path.rename(moved)
        self.assertEqual(problem, self.advance(1))
