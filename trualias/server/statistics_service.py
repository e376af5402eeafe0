"""The seconds of the statistics, and their reports in the log."""

from collections.abc import Iterable
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from trualias.configuration import Configuration
from trualias.log import REPORT, logger
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.server.periodic import every

_report = logger(REPORT)


class Counted(Protocol):
    """What counts its requests in the collectors that it is given."""

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Count with these from now on."""


class StatisticsService(Service):
    """Gives collectors to those who count, turns their seconds over, and reports to the log where that is asked for.

    The report goes to the log whatever `LOGGING` says: to ask for it and not to see it would be no use.
    """

    name = "statistics"

    def __init__(self, clock: IReactorTime, counted: Iterable[Counted]) -> None:
        self._counted = tuple(counted)
        self._statistics: Statistics | NullStatistics = NullStatistics()
        self._period = 0
        self._due = 0
        self._turning = every(clock, 1, self._turn)

    def startService(self) -> None:
        """Begin to turn the seconds over."""
        super().startService()
        self._turning.start(1, now=False)

    def stopService(self) -> None:
        """Stop the seconds."""
        super().stopService()
        self._turning.stop()

    def configure(self, configuration: Configuration) -> None:
        """Let the setting STATISTICS take effect; what was counted stays, unless they are switched off."""
        setting = configuration.settings.statistics
        if (setting is not None) != self._statistics.enabled:
            self._statistics = NullStatistics() if setting is None else Statistics()
            for counted in self._counted:
                counted.use_statistics(self._statistics)
        if (setting or 0) != self._period:
            self._due = self._period = setting or 0

    def _turn(self, seconds: int) -> None:
        statistics = self._statistics
        if not statistics.enabled:
            return
        statistics.tick(seconds)
        self._due -= seconds
        if self._period and self._due <= 0:
            self._due = self._period
            for line in statistics.lines():
                _report.info("{line}", line=line)
