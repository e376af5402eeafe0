"""Tests of ``trualias.server.daemon_thread``."""

import queue
import sys
import threading
from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.daemon_thread import MOST_ABANDONED, Abandoned, DaemonThread, TooManyHung
from trualias.testing.live import PATIENCE


class ThreadCalls:
    """A reactor that queues the calls from other threads."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Queue a call."""
        self._calls.put(lambda: function(*arguments))

    def run_one(self) -> None:
        """Wait for a call, and run it."""
        self._calls.get(timeout=PATIENCE)()


class DaemonThreadTests(SynchronousTestCase):
    """A worker with real threads."""

    def setUp(self) -> None:
        """Make a worker; hung functions end after the test."""
        self.reactor = ThreadCalls()
        self.worker = DaemonThread(cast(IReactorFromThreads, self.reactor), "tests")
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.hanging = threading.Semaphore(0)

    def hang(self) -> str:
        """Hang until the test releases it."""
        self.hanging.release()
        self.release.wait(PATIENCE)
        return "late"

    def test_result(self) -> None:
        """Functions run in one daemon thread; results and exceptions arrive in the reactor's thread."""
        threads = set()
        for _ in range(2):
            running = self.worker.run(threading.current_thread)
            self.assertNoResult(running)
            self.reactor.run_one()
            threads.add(self.successResultOf(running))
        [thread] = threads
        self.assertIsNot(threading.current_thread(), thread)
        self.assertTrue(thread.daemon)
        for function, expected in ((lambda: 1 // 0, ZeroDivisionError), (sys.exit, SystemExit)):
            failing = self.worker.run(function)
            self.reactor.run_one()
            self.failureResultOf(failing, expected)

    def test_order(self) -> None:
        """Functions run one after another."""
        order: list[int] = []
        for number in range(3):
            self.worker.run(lambda number=number: order.append(number))  # type: ignore[misc]
        for _ in range(3):
            self.reactor.run_one()
        self.assertEqual([0, 1, 2], order)

    def test_abandoned(self) -> None:
        """Abandoned work fails at once, its late result is ignored, and other work runs in a new thread meanwhile."""
        hung, queued = self.worker.run(self.hang), self.worker.run(threading.current_thread)
        self.assertTrue(self.hanging.acquire(timeout=PATIENCE))
        self.worker.abandon()
        self.failureResultOf(hung, Abandoned)
        self.failureResultOf(queued, Abandoned)
        other = self.worker.run(lambda: "other")
        self.reactor.run_one()
        self.assertEqual("other", self.successResultOf(other))
        self.release.set()
        # The end of the hung thread. A late result would raise AlreadyCalledError.
        self.reactor.run_one()

    def test_abandoned_with_the_result_on_its_way(self) -> None:
        """A result that the reactor has not handled yet when its work is abandoned is ignored."""
        done = threading.Event()
        late = self.worker.run(lambda: "late")
        other = self.worker.run(done.set)
        self.assertTrue(done.wait(PATIENCE))
        self.worker.abandon()
        self.failureResultOf(late, Abandoned)
        self.failureResultOf(other, Abandoned)
        # The late result would raise AlreadyCalledError.
        self.reactor.run_one()

    def test_nothing_to_abandon(self) -> None:
        """Without unfinished work nothing is abandoned."""
        for _ in range(MOST_ABANDONED + 1):
            self.worker.abandon()
        self.assertTrue(self.worker.available)

    def test_too_many(self) -> None:
        """With three hung threads, which is logged, no work begins until one of them ends."""
        with capturedLogs() as events:
            for _ in range(MOST_ABANDONED):
                self.assertTrue(self.worker.available)
                self.failureResultOf(self.abandoned(), Abandoned)
        self.assertEqual(
            ["3 threads for tests hang; no more are started until one ends or the server is restarted"],
            [formatEvent(event) for event in events],
        )
        self.assertFalse(self.worker.available)
        self.failureResultOf(self.worker.run(lambda: None), TooManyHung)
        self.release.set()
        self.reactor.run_one()
        self.assertTrue(self.worker.available)
        for _ in range(MOST_ABANDONED - 1):
            self.reactor.run_one()
        again = self.worker.run(lambda: "again")
        self.reactor.run_one()
        self.assertEqual("again", self.successResultOf(again))

    def abandoned(self) -> Deferred[str]:
        """Begin work that hangs, and abandon it."""
        hung = self.worker.run(self.hang)
        self.assertTrue(self.hanging.acquire(timeout=PATIENCE))
        self.worker.abandon()
        return hung

    def test_no_thread(self) -> None:
        """If no thread can be started, the work fails, and the next work tries again."""

        class Unstartable(threading.Thread):
            def start(self) -> None:
                raise RuntimeError("can't start new thread")

        self.patch(threading, "Thread", Unstartable)
        self.failureResultOf(self.worker.run(lambda: None), RuntimeError)
        self.patch(threading, "Thread", Unstartable.__base__)
        again = self.worker.run(lambda: "again")
        self.reactor.run_one()
        self.assertEqual("again", self.successResultOf(again))
