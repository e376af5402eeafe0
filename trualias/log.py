"""The way of trualias' own messages to the log, and the level below which they stay out of it.

The setting `LOGGING` is about these messages. What Twisted says (what listens, that the server stops, that something
was raised which nobody caught) is little, and always goes to the log.
"""

from twisted.logger import FilteringLogObserver, Logger, LogLevel, LogLevelFilterPredicate, globalLogPublisher

_ALL = "trualias"

# The values of LOGGING, as Twisted calls them.
_LEVELS = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warning": LogLevel.warn,
    "error": LogLevel.error,
    "critical": LogLevel.critical,
}

# What somebody asked for by another setting does not depend on LOGGING.
REPORT = "trualias.report"

levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.debug)
observer = FilteringLogObserver(globalLogPublisher, [levels])


def logger(namespace: str) -> Logger:
    """Make the logger of a module: `_log = logger(__name__)`."""
    return Logger(namespace=namespace, observer=observer)


def set_level(name: str) -> None:
    """Keep trualias' messages below a level out of the log, the reports excepted; `name` is a value of LOGGING."""
    levels.setLogLevelForNamespace(_ALL, _LEVELS[name])
    levels.setLogLevelForNamespace(REPORT, LogLevel.info)
