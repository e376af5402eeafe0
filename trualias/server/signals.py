"""SIGHUP, the signal by which an administrator requests a reload."""

import signal
from collections.abc import Callable
from types import FrameType

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorFromThreads

from trualias.server.early_sighup import take_held_sighup


class SighupService(Service):
    """Calls a function in the reactor's thread on each SIGHUP, and once for those that were held during the start."""

    name = "sighup"

    def __init__(self, reactor: IReactorFromThreads, function: Callable[[], None]) -> None:
        self._reactor = reactor
        self._function = function

    def startService(self) -> None:
        """Install the signal handler."""
        super().startService()
        signal.signal(signal.SIGHUP, self._handle)
        if take_held_sighup():
            # The call waits until the reactor runs.
            self._reactor.callFromThread(self._function)

    def stopService(self) -> None:
        """Ignore the signal: by default it would end a process that still has replies to send."""
        super().stopService()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # A signal handler runs between any two bytecodes of the main thread.
        self._reactor.callFromThread(self._function)
