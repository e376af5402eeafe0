"""Timers that run on the monotonic clock."""

import time
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from trualias.server.twisted_internals import set_reactor_clock


def use_monotonic_clock(reactor: IReactorTime, clock: Callable[[], float] = time.monotonic) -> None:
    """Make a reactor's timers run on the monotonic clock; calls that are scheduled already keep their delay.

    On Twisted's clock, the time of day, setting it back by an hour would delay all timers by an hour: the check of the
    configuration file, the seconds of the statistics, the watchdog signal to systemd.
    """
    offset = reactor.seconds() - clock()
    set_reactor_clock(reactor, lambda: offset + clock())
