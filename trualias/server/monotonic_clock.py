"""Delays that go by seconds that pass, whatever happens to the time of day."""

import time
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime


def go_by_steady_clock(reactor: IReactorTime, clock: Callable[[], float] = time.monotonic) -> None:
    """Let a reactor schedule by a clock that nobody sets; what is scheduled already keeps its time.

    Twisted goes by the time of day. Where that is set back by an hour, all that is to come would come an hour later:
    the next look at the configuration, the next second of the statistics, the next sign of life to systemd.
    """
    ahead = reactor.seconds() - clock()
    # The reactor calls its method of this name for everything; an attribute takes the method's place.
    cast(Any, reactor).seconds = lambda: ahead + clock()
