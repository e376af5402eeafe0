"""SIGHUP, by which an administrator asks a server to load its configuration at once."""

import signal
from collections.abc import Callable
from types import FrameType

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorFromThreads


class HangupService(Service):
    """Calls `action` in the reactor's thread when the process gets a SIGHUP."""

    name = "hangup"

    def __init__(self, reactor: IReactorFromThreads, action: Callable[[], None]) -> None:
        self._reactor = reactor
        self._action = action

    def startService(self) -> None:
        """Take the signal over."""
        super().startService()
        signal.signal(signal.SIGHUP, self._hang_up)

    def stopService(self) -> None:
        """Let the signal do nothing: it would end a process that still has replies to send."""
        super().stopService()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        # A signal comes in the middle of anything.
        self._reactor.callFromThread(self._action)
