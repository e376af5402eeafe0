"""The loggers of trualias, and the level set by LOGGING.

LOGGING applies to the messages of trualias alone. Those of Twisted (ports, shutdown, unhandled exceptions) are few and
always logged.
"""

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


def logger(namespace: str) -> Logger:
    """Make the logger of a module: ``_log = logger(__name__)``."""
    return Logger(namespace=namespace, observer=observer)


def set_level(name: str) -> None:
    """Apply a value of LOGGING to all messages of trualias but reports."""
    levels.setLogLevelForNamespace(_ALL, _LEVELS[name])
    levels.setLogLevelForNamespace(REPORT, LogLevel.info)
