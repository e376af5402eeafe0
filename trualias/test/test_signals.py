"""Tests of ``trualias.server.signals``."""

import os
import signal
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

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
