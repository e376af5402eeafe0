"""Tests of trualias.server.thread."""

import queue
import threading
from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from trualias.server.thread import in_thread_of_its_own
from trualias.test.live import PATIENCE


class Calls:
    """Takes down what the reactor's thread is to call."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Take it down."""
        self.waiting.put(lambda: function(*arguments))


class ThreadTests(SynchronousTestCase):
    """The thread that loads run in."""

    def test_result(self) -> None:
        """What a function returns or raises comes to the reactor's; one thread does it all, and nobody waits for it."""
        calls = Calls()
        in_thread = in_thread_of_its_own(cast(IReactorFromThreads, calls))
        threads = set()
        for _ in range(2):
            running = in_thread(threading.current_thread)
            self.assertNoResult(running)
            calls.waiting.get(timeout=PATIENCE)()
            threads.add(self.successResultOf(running))
        [thread] = threads
        self.assertIsNot(threading.current_thread(), thread)
        self.assertTrue(thread.daemon)
        failing = in_thread(lambda: 1 // 0)
        calls.waiting.get(timeout=PATIENCE)()
        self.failureResultOf(failing, ZeroDivisionError)
