"""Effects of settings on the process: log level, warnings, and what only a restart can change."""

from collections.abc import Callable, Iterable

from attrs import frozen

from trualias import log
from trualias.configuration import Configuration, ConfigurationErrors, PolicyError
from trualias.configuration.endpoints import check_listeners
from trualias.configuration.listeners import configured_listeners
from trualias.configuration.permissions import permission_problem, permission_problems
from trualias.configuration.tables import Table
from trualias.language.source import Source
from trualias.messages import number_of
from trualias.server.reload_listener import ReloadListener

_log = log.logger(__name__)

Effect = Callable[[Configuration], None]
"""Applies settings of a configuration that has come into use."""


class SettingsEffects(ReloadListener):
    """Checks the endpoints of each new configuration, and applies effects of the configuration in use."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        self._effects = tuple(effects)

    def check(self, configuration: Configuration) -> None:
        """Raise ``ConfigurationErrors`` for each LISTEN that cannot be used."""
        check_listeners(configuration)

    def applied(self, configuration: Configuration) -> None:
        """Apply the effects in their order."""
        for effect in self._effects:
            effect(configuration)


def set_log_level(configuration: Configuration) -> None:
    """Apply LOGGING."""
    log.set_level(configuration.settings.logging)


class PermissionWarning(ReloadListener):
    """Logs a warning if another user could change the configuration file, or one that it includes."""

    def __init__(self) -> None:
        self._problem: str | None = None
        self._included: list[tuple[str, str]] = []

    def check(self, configuration: Configuration) -> None:
        """Examine the files, and each folder on their paths; that is done here, since it can block."""
        try:
            self._problem = permission_problem(configuration.name)
        except OSError:  # it is being replaced, and is checked again when the new file is loaded
            self._problem = None
        folders = [pattern.path for pattern in configuration.patterns if not pattern.matches]
        self._included = [
            found for found in permission_problems([*configuration.paths[1:], *folders]) if found[1] != self._problem
        ]

    def applied(self, configuration: Configuration) -> None:
        """Log the warnings: one for the file, and one for those that it includes."""
        if self._problem is not None:
            _log.warn("others could change {path}: {problem}", path=configuration.name, problem=self._problem)
        if self._included:
            path, problem = self._included[0]
            more = len(self._included) - 1
            _log.warn(
                "others could change {path}: {problem}{more}",
                path=path,
                problem=problem,
                more=f"; and {number_of(more, 'other file or folder', 'other files or folders')}" if more else "",
            )


class StoreGuard(ReloadListener):
    """Rejects a reload with another STORE, which takes effect at a start alone.

    Dropping it by mistake would bring back every address that was taken back.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._path = configuration.store_path

    def check(self, configuration: Configuration) -> None:
        """Compare the setting; raise ``ConfigurationErrors``."""
        if configuration.store_path == self._path:
            return
        message = f"STORE cannot change while the server runs, which uses {self._path or 'none'}; restart it"
        if configuration.given("STORE"):
            raise ConfigurationErrors([configuration.setting_error("STORE", message)])
        raise ConfigurationErrors([PolicyError(Source("", configuration.name), 0, message)])


def warn_of_missing_domains(configuration: Configuration) -> None:
    """Log a warning if ALIAS DOMAINS is empty, with which the virtual server finds no address."""
    if not configuration.settings.alias_domains:
        _log.warn(
            "{path} has no ALIAS DOMAINS, so no address is found; give the domains that this server answers for",
            path=configuration.name,
        )


def warn_of_statements_at(configuration: Configuration) -> None:
    """Log a warning about statements for some domains, over which the table server passes: it knows no domains."""
    if configuration.policy.statements_at:
        _log.warn(
            "{path} has {statements} with AT, which the table server passes over: its keys have no domain",
            path=configuration.name,
            statements=number_of(configuration.policy.statements_at, "statement"),
        )


WARNINGS: dict[Table, tuple[Effect, ...]] = {
    Table.LOCAL_PART: (warn_of_statements_at,),
    Table.VIRTUAL: (warn_of_missing_domains,),
}


@frozen(eq=False, repr=False)
class RestartWarning:
    """Logs a warning if settings differ from those in use and only a restart applies them.

    ``settings`` names them; ``values`` returns their values in a configuration.
    """

    settings: str
    values: Callable[[Configuration], tuple[str, ...]]
    in_use: tuple[str, ...]

    @classmethod
    def of_listeners(cls, configuration: Configuration) -> "RestartWarning":
        """Make the warning about HOST, PORT and LISTEN, from the configuration that the process starts with."""
        return cls("HOST, PORT or LISTEN", _listeners, _listeners(configuration))

    @classmethod
    def of_metrics(cls, configuration: Configuration) -> "RestartWarning":
        """Make the warning about METRICS, from the configuration that the process starts with."""
        return cls("METRICS", _metrics, _metrics(configuration))

    def __call__(self, configuration: Configuration) -> None:
        """Compare a configuration that has come into use."""
        wanted = self.values(configuration)
        if wanted != self.in_use:
            _log.warn(
                "{settings} has changed, which needs a restart: in use is {in_use}, the file has {wanted}",
                settings=self.settings,
                in_use=", ".join(self.in_use),
                wanted=", ".join(wanted),
            )


def _listeners(configuration: Configuration) -> tuple[str, ...]:
    return tuple(map(str, configured_listeners(configuration)))


def _metrics(configuration: Configuration) -> tuple[str, ...]:
    return (str(configuration.settings.metrics or "off"),)
