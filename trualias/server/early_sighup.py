"""SIGHUP while a server starts: by default it would end the process.

This module imports nothing else of trualias or Twisted, so that little time passes until the signal is held.
"""

import signal
from types import FrameType

_received: list[int] = []


def hold_sighup() -> None:
    """Hold SIGHUP from now on, also where nohup(1) lets it be ignored, unless there is a handler already."""
    if signal.getsignal(signal.SIGHUP) not in (signal.SIG_DFL, signal.SIG_IGN):
        return
    try:
        signal.signal(signal.SIGHUP, _hold)
    except ValueError:  # not in the main thread, as where a documentation is built
        return


def take_held_sighup() -> bool:
    """Return whether a SIGHUP was held, and forget it."""
    held = bool(_received)
    _received.clear()
    return held


def _hold(number: int, frame: FrameType | None) -> None:
    _received.append(number)
