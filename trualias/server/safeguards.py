"""Protection from configuration files that lost their content: without it their mail would bounce."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen

from trualias.configuration import Configuration, ConfigurationErrors, PolicyError
from trualias.language.source import Source
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.messages import number_of
from trualias.monitoring.counters import LoadCounters
from trualias.server.reload_listener import ReloadListener

_log = logger(__name__)


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))


@frozen
class Extent:
    """The size of a configuration: its account statements and accounts, and whether the file ends with END.

    ``ended_files`` are the included files that do, ``patterns`` the INCLUDE with wildcards that match files.
    """

    statements: int
    accounts: int
    ended: bool
    ended_files: tuple[str, ...] = field(default=(), converter=_sorted)
    patterns: tuple[str, ...] = field(default=(), converter=_sorted)

    @classmethod
    def of(cls, configuration: Configuration) -> Extent:
        """Return the extent of a configuration."""
        policy = configuration.policy
        ended_files = configuration.ended_files - {configuration.name}
        patterns = {pattern.path for pattern in configuration.patterns if pattern.matches}
        return cls(len(policy.all_rules), len(policy.accounts), configuration.ended, ended_files, patterns)


def check_content(configuration: Configuration, before: Extent) -> None:
    """Raise ``ConfigurationErrors`` if a file has probably lost its content, compared with the configuration before."""
    lost = [*_cut_off(configuration, before), *_lost_files(configuration, before)]
    if lost:
        raise ConfigurationErrors(lost)
    if configuration.ended:
        return
    if before.ended:
        problem = _CUT_OFF
    elif before.statements and not configuration.policy.all_rules:
        problem = (
            f"has no account statement, and the configuration before it had {before.statements}: its content is "
            "probably lost. If it has none on purpose, write END as its last line; or restart the server with "
            "--no-fallback"
        )
    else:
        return
    raise ConfigurationErrors([PolicyError(Source("", configuration.name), 0, problem)])


_CUT_OFF = (
    "does not end with END, as the configuration before it did: its end is probably missing. Write END as its last "
    "line; if it has none on purpose, restart the server with --no-fallback"
)


def _cut_off(configuration: Configuration, before: Extent) -> Iterator[PolicyError]:
    paths = frozenset(configuration.paths)
    for path in before.ended_files:
        if path in paths and path not in configuration.ended_files:
            yield PolicyError(Source("", path), 0, _CUT_OFF)


def _lost_files(configuration: Configuration, before: Extent) -> Iterator[PolicyError]:
    for pattern in configuration.patterns:
        if not pattern.matches and pattern.path in before.patterns:
            yield configuration.error(
                pattern.offset,
                f"INCLUDE: no file matches {pattern.path}, and the configuration before it had some: they are probably "
                "lost. If there are none on purpose, take this line out, or restart the server with --no-fallback",
            )


def report_dropped_accounts(loads: LoadCounters, path: str, dropped: int, before: int) -> None:
    """Note how many of the accounts before were dropped, and log a warning if it is more than half of them."""
    loads.accounts_dropped = dropped
    if dropped * 2 > before:
        _log.warn(
            "{path} lacks {dropped} of the {before} of the configuration before it; their addresses are not found",
            path=path,
            dropped=dropped,
            before=number_of(before, "account"),
        )


class ContentSafeguard(ReloadListener):
    """Rejects a reload of a file that lost its content, and reports accounts that a reload drops."""

    def __init__(self, current: CurrentSnapshot, loads: LoadCounters) -> None:
        self._current = current
        self._loads = loads
        self._dropped = 0
        self._before = 0

    def check(self, configuration: Configuration) -> None:
        """Compare a configuration with the one in use; raise ``ConfigurationErrors``."""
        before = self._current.snapshot.configuration
        check_content(configuration, Extent.of(before))
        # Counted in this thread, since there can be many.
        self._dropped = len(before.policy.accounts - configuration.policy.accounts)
        self._before = len(before.policy.accounts)

    def applied(self, configuration: Configuration) -> None:
        """Report the dropped accounts."""
        report_dropped_accounts(self._loads, configuration.name, self._dropped, self._before)
