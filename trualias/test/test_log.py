"""Tests of ``trualias.log``."""

import pkgutil
from importlib import import_module

from twisted.logger import Logger, LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias import log


class LevelTests(SynchronousTestCase):
    """The level set by LOGGING."""

    def setUp(self) -> None:
        """Restore the levels after each test."""
        self.addCleanup(log.reset_level)

    def logged(self, level: str, logger: Logger) -> list[str]:
        """Log a message of each level with LOGGING set to ``level``; return the levels that were logged."""
        log.set_level(level)
        with capturedLogs() as events:
            for each in LogLevel.iterconstants():
                logger.emit(each, "a message")
        return [event["log_level"].name for event in events]

    def test_each_level(self) -> None:
        """A level logs its own messages and those of the levels above it."""
        names = ["debug", "info", "warn", "error", "critical"]
        for position, setting in enumerate(("debug", "info", "warning", "error", "critical")):
            self.assertEqual(names[position:], self.logged(setting, log.logger("trualias.some.module")), setting)

    def test_reports(self) -> None:
        """Reports, which have level info, are logged at every level of LOGGING."""
        for setting in ("debug", "info", "warning", "error", "critical"):
            self.assertIn("info", self.logged(setting, log.logger(log.REPORT)), setting)

    def test_others(self) -> None:
        """Messages of other software are not affected."""
        names = [level.name for level in LogLevel.iterconstants()]
        self.assertEqual(names, self.logged("critical", Logger("twisted.some")))

    def test_every_module(self) -> None:
        """The logger of each module has the module's name, and follows LOGGING."""
        modules = [
            import_module(found.name)
            for found in pkgutil.walk_packages(trualias.__path__, "trualias.")
            if not found.name.startswith("trualias.test")
        ]
        loggers = {module.__name__: module._log for module in modules if hasattr(module, "_log")}
        self.assertIn("trualias.server.reload", loggers)
        for name, logger in loggers.items():
            self.assertEqual((logger.namespace, logger.observer), (name, log.observer))


class RepetitionLimitTests(SynchronousTestCase):
    """The limit of similar messages."""

    def setUp(self) -> None:
        """Make a limit of ten seconds whose clock is ``now``."""
        self.now = 0.0
        self.limit = log.RepetitionLimit(10, lambda: self.now, most_subjects=2)

    def test_interval(self) -> None:
        """The first message about a subject passes, then one in each interval, with the number withheld before it."""
        self.assertEqual([0, None, None], [self.limit.withheld("a") for _ in range(3)])
        self.now = 9.9
        self.assertEqual([None, 0], [self.limit.withheld(subject) for subject in "ab"])
        self.now = 10
        self.assertEqual([3, None], [self.limit.withheld(subject) for subject in "ab"])
        self.now = 30
        self.assertEqual([0, 1], [self.limit.withheld(subject) for subject in "ab"])

    def test_many_subjects(self) -> None:
        """Subjects over the limit count as one, until the interval of another has ended."""
        self.assertEqual([0, 0, 0, None, None], [self.limit.withheld(subject) for subject in "abcde"])
        self.now = 10
        self.assertEqual([0, None, 0], [self.limit.withheld(subject) for subject in "ddb"])
