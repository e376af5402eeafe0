"""The loggers of trualias, the level set by LOGGING, and the limit of repeated messages.

LOGGING applies to the messages of trualias alone, except those about listening. Those, and Twisted's (shutdown,
unhandled exceptions), are few and always logged.
"""

import math
import time
from collections.abc import Callable, Hashable

from twisted.logger import FilteringLogObserver, Logger, LogLevel, LogLevelFilterPredicate, globalLogPublisher

_ALL = "trualias"

# The values of LOGGING, as Twisted's levels.
_LEVELS = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warning": LogLevel.warn,
    "error": LogLevel.error,
    "critical": LogLevel.critical,
}

REPORT = "trualias.report"
"""The namespace of reports that another setting requests: logged at every level of LOGGING."""

levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.debug)
observer = FilteringLogObserver(globalLogPublisher, [levels])


class LookupLog:
    """Whether each lookup is logged, which LOGGING: debug asks for; ``is_on`` costs a lookup less than a level does."""

    def __init__(self) -> None:
        self.is_on = False


lookup_log = LookupLog()


def unfiltered_logger(namespace: str) -> Logger:
    """Make a logger whose messages are logged at every level of LOGGING, as those of Twisted are."""
    return Logger(namespace=namespace)


def logger(namespace: str) -> Logger:
    """Make the logger of a module: ``_log = logger(__name__)``."""
    return Logger(namespace=namespace, observer=observer)


def set_level(name: str) -> None:
    """Apply a value of LOGGING to all messages of trualias but reports."""
    levels.setLogLevelForNamespace(_ALL, _LEVELS[name])
    levels.setLogLevelForNamespace(REPORT, LogLevel.info)
    lookup_log.is_on = name == "debug"


def reset_level() -> None:
    """Undo `set_level`: all messages are logged, but no lookups."""
    levels.clearLogLevels()
    lookup_log.is_on = False


class RepetitionLimit:
    """A limit of similar messages: the first passes, and then one in each interval, with the number in between.

    Args:
        seconds: the interval.
        clock: returns seconds.
        most_subjects: the subjects that are distinguished at a time. All others count as one.

    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic, most_subjects: int = 1_000) -> None:
        self._seconds = seconds
        self._clock = clock
        self._most_subjects = most_subjects
        # The end of each subject's interval, and the messages withheld in it; the first to end is the first.
        self._intervals: dict[Hashable, tuple[float, int]] = {}

    def withheld(self, subject: Hashable) -> int | None:
        """Return the number of messages about a subject that were withheld since the last one.

        Returns None if this message is to be withheld too.
        """
        now = self._clock()
        if subject not in self._intervals and not self._has_room(now):
            subject = _OTHER_SUBJECTS
        end, withheld = self._intervals.get(subject, (-math.inf, 0))
        if now < end:
            self._intervals[subject] = end, withheld + 1
            return None
        self._intervals.pop(subject, None)
        self._intervals[subject] = now + self._seconds, 0
        return withheld

    def _has_room(self, now: float) -> bool:
        if len(self._intervals) < self._most_subjects:
            return True
        oldest = next(iter(self._intervals))
        if now < self._intervals[oldest][0]:
            return False
        del self._intervals[oldest]
        return True


_OTHER_SUBJECTS = object()
