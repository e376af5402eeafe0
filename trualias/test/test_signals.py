"""Tests of ``trualias.server.signals``."""

import os
import signal
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trualias.server.early_sighup import hold_sighup, take_held_sighup
from trualias.server.signals import SighupService


@implementer(IReactorFromThreads)
class ThreadCalls:
    """A reactor that collects the calls from other threads."""

    def __init__(self) -> None:
        self.calls: list[Callable[..., object]] = []

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Collect a call."""
        self.calls.append(callable)


class SighupServiceTests(SynchronousTestCase):
    """The handling of SIGHUP."""

    def test_signal(self) -> None:
        """SIGHUP calls the function in the reactor's thread while the service runs, and is ignored afterwards."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        reactor = ThreadCalls()
        calls: list[str] = []
        service = SighupService(reactor, lambda: calls.append("reload"))
        service.startService()
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            self.assertEqual(calls, [])
            [call] = reactor.calls
            call()
            self.assertEqual(calls, ["reload"])
        finally:
            service.stopService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual((len(reactor.calls), calls), (1, ["reload"]))

    def test_held(self) -> None:
        """SIGHUP during the start is held, and calls the function once when the service starts."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        hold_sighup()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        reactor = ThreadCalls()
        calls: list[str] = []
        service = SighupService(reactor, lambda: calls.append("reload"))
        service.startService()
        self.assertEqual([], calls)
        [call] = reactor.calls
        call()
        self.assertEqual(["reload"], calls)
        service.stopService()
        service.startService()
        service.stopService()
        self.assertEqual(1, len(reactor.calls))

    def test_ignored_before(self) -> None:
        """A process that ignores SIGHUP, as by nohup(1), holds it as well; a handler stays as it is."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        hold_sighup()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertTrue(take_held_sighup())
        self.assertFalse(take_held_sighup())
        handled: list[int] = []
        signal.signal(signal.SIGHUP, lambda number, frame: handled.append(number))
        hold_sighup()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(([signal.SIGHUP], False), (handled, take_held_sighup()))
