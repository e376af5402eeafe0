"""The clock of the statistics, and their reports in the log."""

from collections.abc import Iterable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from trualias.configuration import Configuration
from trualias.log import REPORT, logger
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.server.periodic import PeriodicService

_report = logger(REPORT)


class StatisticsUser(Protocol):
    """A part of the server that counts its requests."""

    def use_statistics(self, statistics: Statistics | NullStatistics) -> None:
        """Count in these statistics from this call on."""


class StatisticsService(PeriodicService):
    """Hands out statistics as the setting STATISTICS says, closes their seconds, and logs their reports.

    The reports are logged at every level of LOGGING.
    """

    name = "statistics"

    def __init__(self, clock: IReactorTime, users: Iterable[StatisticsUser]) -> None:
        super().__init__(clock, 1, self._tick)
        self._users = tuple(users)
        self._statistics: Statistics | NullStatistics = NullStatistics()
        self._interval = 0  # seconds between reports; 0: no reports
        self._until_report = 0

    def configure(self, configuration: Configuration) -> None:
        """Apply the setting STATISTICS; the counts are kept unless statistics are switched off."""
        setting = configuration.settings.statistics
        if (setting is not None) != self._statistics.enabled:
            self._statistics = NullStatistics() if setting is None else Statistics()
            for user in self._users:
                user.use_statistics(self._statistics)
        if (setting or 0) != self._interval:
            self._until_report = self._interval = setting or 0

    def _tick(self, seconds: int) -> None:
        statistics = self._statistics
        if not statistics.enabled:
            return
        statistics.tick(seconds)
        self._until_report -= seconds
        if self._interval and self._until_report <= 0:
            self._until_report = self._interval
            for line in statistics.lines():
                _report.info("{line}", line=line)
