"""Periodic calls that survive exceptions, and services that consist of them."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from trualias.log import logger

_log = logger(__name__)


class PeriodicCall:
    """Calls a function at an interval, in seconds, with the number of intervals since the last call.

    An exception is logged, and the calls go on; it would end a plain ``LoopingCall``.
    """

    def __init__(self, clock: IReactorTime, interval: float, function: Callable[[int], None]) -> None:
        self._interval = interval
        self._function = function
        self._loop = LoopingCall.withCount(self._call)
        self._loop.clock = clock

    def start(self) -> None:
        """Start the calls; the first is after one interval."""
        self._loop.start(self._interval, now=False)

    def stop(self) -> None:
        """Stop the calls."""
        self._loop.stop()

    def _call(self, intervals: int) -> None:
        try:
            self._function(intervals)
        except Exception:
            _log.failure("A periodic call failed; the next one is in {interval} s", interval=self._interval)


class PeriodicService(Service):
    """Calls a function, as `PeriodicCall` does, from its start to its stop."""

    def __init__(self, clock: IReactorTime, interval: float, function: Callable[[int], None]) -> None:
        self._calls = PeriodicCall(clock, interval, function)

    def startService(self) -> None:
        """Start the calls; the first is after one interval."""
        super().startService()
        self._calls.start()

    def stopService(self) -> None:
        """Stop the calls."""
        super().stopService()
        self._calls.stop()
