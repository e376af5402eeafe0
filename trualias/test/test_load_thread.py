"""Tests of ``trualias.server.load_thread``."""

import queue
import threading
from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.load_thread import YieldingPause, start_load_thread
from trualias.testing.live import PATIENCE


class ThreadCalls:
    """A reactor that queues the calls from other threads."""

    def __init__(self) -> None:
        self.calls: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Queue a call."""
        self.calls.put(lambda: function(*arguments))


class LoadThreadTests(SynchronousTestCase):
    """The thread for loads."""

    def test_result(self) -> None:
        """Functions run in one daemon thread; results and exceptions arrive in the reactor's thread."""
        reactor = ThreadCalls()
        run_in_thread = start_load_thread(cast(IReactorFromThreads, reactor))
        threads = set()
        for _ in range(2):
            running = run_in_thread(threading.current_thread)
            self.assertNoResult(running)
            reactor.calls.get(timeout=PATIENCE)()
            threads.add(self.successResultOf(running))
        [thread] = threads
        self.assertIsNot(threading.current_thread(), thread)
        self.assertTrue(thread.daemon)
        failing = run_in_thread(lambda: 1 // 0)
        reactor.calls.get(timeout=PATIENCE)()
        self.failureResultOf(failing, ZeroDivisionError)


class YieldingPauseTests(SynchronousTestCase):
    """When a computation yields to the reactor's thread."""

    def setUp(self) -> None:
        """Make a pause on a clock of milliseconds; a yield takes 1 ms."""
        self.milliseconds = 100
        self.yields: list[int] = []
        self.pause = YieldingPause(lambda: self.milliseconds / 1000, self.yield_to_reactor)

    def yield_to_reactor(self) -> None:
        """Record the time of a yield."""
        self.yields.append(self.milliseconds)
        self.milliseconds += 1

    def test_paced(self) -> None:
        """Of calls each 2 ms, the first at least 5 ms after the start or the last yield yields."""
        while self.milliseconds < 125:
            self.pause()
            self.milliseconds += 2
        self.assertEqual([106, 113, 120], self.yields)

    def test_rare(self) -> None:
        """Calls at longer distances yield each time, and do not make up for the time between."""
        for _ in range(3):
            self.milliseconds += 50
            self.pause()
            self.pause()
        self.assertEqual([150, 201, 252], self.yields)
