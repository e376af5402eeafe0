"""Tests of trualias.server.signals."""

import os
import signal
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trualias.server.signals import HangupService


@implementer(IReactorFromThreads)
class CallsFromThread:
    """Collects what is to be called in the reactor's thread."""

    def __init__(self) -> None:
        self.calls: list[Callable[..., object]] = []

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Take a call."""
        self.calls.append(callable)


class HangupServiceTests(SynchronousTestCase):
    """SIGHUP."""

    def test_signal(self) -> None:
        """While the service runs, a SIGHUP leads to the action in the reactor's thread; afterwards to nothing."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        reactor = CallsFromThread()
        actions: list[str] = []
        service = HangupService(reactor, lambda: actions.append("reload"))
        service.startService()
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            self.assertEqual(actions, [])
            [call] = reactor.calls
            call()
            self.assertEqual(actions, ["reload"])
        finally:
            service.stopService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual((len(reactor.calls), actions), (1, ["reload"]))
