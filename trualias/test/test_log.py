"""Tests of trualias.log."""

import pkgutil
from importlib import import_module

from twisted.logger import Logger, LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias import log


class LevelTests(SynchronousTestCase):
    """What the setting LOGGING keeps out of the log."""

    def setUp(self) -> None:
        """Leave the levels as they were found."""
        self.addCleanup(log.levels.clearLogLevels)

    def written(self, level: str, logger: Logger) -> list[str]:
        """Log a message of each level where LOGGING is `level`, and tell the levels that came through."""
        log.set_level(level)
        with capturedLogs() as events:
            for each in LogLevel.iterconstants():
                logger.emit(each, "a message")
        return [event["log_level"].name for event in events]

    def test_each_level(self) -> None:
        """A level lets itself and everything above it through."""
        modules = [
            import_module(found.name)
            for found in pkgutil.walk_packages(trualias.__path__, "trualias.")
            if not found.name.startswith("trualias.test")
        ]
        loggers = {module.__name__: module._log for module in modules if hasattr(module, "_log")}
        self.assertIn("trualias.server.reload", loggers)
        for name, logger in loggers.items():
            self.assertEqual((logger.namespace, logger.observer), (name, log.observer))
