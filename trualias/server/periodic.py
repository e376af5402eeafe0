"""What is done again and again, whatever becomes of it."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from trualias.log import logger

_log = logger(__name__)


def every(clock: IReactorTime, seconds: float, body: Callable[[int], None]) -> LoopingCall:
    """Make a LoopingCall that calls `body` with how many intervals have passed since the last call.

    Whatever `body` raises goes to the log: to a LoopingCall it would be the end.
    """

    def surviving(count: int) -> None:
        try:
            body(count)
        except Exception:
            _log.failure("What is done every {seconds} s failed, and will be tried again", seconds=seconds)

    call = LoopingCall.withCount(surviving)
    call.clock = clock
    return call
