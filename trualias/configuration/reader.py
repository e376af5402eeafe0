"""From the text of a configuration to what the servers run with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import evolve, frozen

from trualias.configuration.settings import SETTINGS, InvalidValue, Settings, is_loopback
from trualias.language.checks import check
from trualias.language.parser import parse
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.language.tree import Account, Expect, Setting
from trualias.matching.policy import Policy
from trualias.messages import did_you_mean, one_of, quoted


@frozen(eq=False)
class Configuration:
    """A configuration that has been checked, but for its ``expectations``, which need the hooks.

    ``name`` is the path that it was read from.
    """

    name: str
    settings: Settings
    policy: Policy
    expectations: tuple[Expect, ...]
    _source: Source
    _given: dict[str, list[Setting]]

    def given(self, setting: str) -> bool:
        """Whether the file gives a setting."""
        return setting in self._given

    def offset(self, setting: str) -> int:
        """Where the file gives a setting first, as an offset counted from 0; where it does not, its start."""
        return self._given[setting][0].offset if setting in self._given else 0

    def line(self, offset: int) -> int:
        """The line, counted from 1, of an offset of the text."""
        return self._source.position(offset)[0]

    def error(self, offset: int, message: str) -> PolicyError:
        """Make an error for an offset of the text, counted from 0."""
        return PolicyError(self._source, offset, message)

    def error_at(self, setting: str, message: str, number: int = 0) -> ConfigurationErrors:
        """Make the error for a setting whose value turns out unusable after loading, at its place in the file.

        ``number`` tells of a setting that is given several times which it is, counted from 0.
        """
        return ConfigurationErrors([self.error(self._given[setting][number].offset, message)])


def parse_configuration(text: str, name: str, pause: Callable[[], None] = lambda: None) -> Configuration:
    """Make a configuration of a text.

    ``name`` stands in errors and is usually the path. ``pause`` is called often while this runs.

    Raises:
        ConfigurationErrors: something is wrong; it has all that is.
    """
    source = Source(text, name)
    parsed = parse(source, pause)
    errors = list(parsed.errors)
    settings, given, invalid = _read_settings(
        source, [statement for statement in parsed.tree.statements if isinstance(statement, Setting)]
    )
    errors += invalid
    accounts = [statement for statement in parsed.tree.statements if isinstance(statement, Account)]
    rules, breaches = check(source, accounts, settings.case_sensitive, pause, parsed.partial)
    errors += breaches
    if errors:
        raise ConfigurationErrors(errors)
    expectations = tuple([statement for statement in parsed.tree.statements if isinstance(statement, Expect)])
    policy = Policy(rules, settings.case_sensitive, pause)
    return Configuration(name, settings, policy, expectations, source, given)


def _read_settings(
    source: Source, found: list[Setting]
) -> tuple[Settings, dict[str, list[Setting]], list[PolicyError]]:
    settings = Settings()
    given: dict[str, list[Setting]] = {}
    errors: list[PolicyError] = []
    for setting in found:
        if setting.name not in SETTINGS:
            known = list(SETTINGS)
            message = (
                f"unknown setting {quoted(setting.name)}; expected {one_of(known)}{did_you_mean(setting.name, known)}"
            )
            errors.append(PolicyError(source, setting.offset, message))
            continue
        attribute = SETTINGS[setting.name]
        many = attribute.metadata["many"]
        if setting.name in given and not many:
            first = source.position(given[setting.name][0].offset)[0]
            errors.append(PolicyError(source, setting.offset, f"{setting.name} is already given in line {first}"))
            continue
        given.setdefault(setting.name, []).append(setting)
        if not setting.value:
            errors.append(PolicyError(source, setting.value_offset, f"{setting.name} has no value"))
            continue
        try:
            value = attribute.metadata["read"](setting.value)
            before = getattr(settings, attribute.name) if many else None
            settings = evolve(settings, **{attribute.name: before + value if many else value})
        except InvalidValue as error:
            errors.append(PolicyError(source, setting.value_offset, f"{setting.name}: {error}"))
    return settings, given, errors + _exposed(source, settings, given)


def _exposed(source: Source, settings: Settings, given: dict[str, list[Setting]]) -> list[PolicyError]:
    """Find addresses that others than this machine reach, where the file does not say who may."""
    hosts = {"HOST": settings.host, "METRICS": settings.metrics.host if settings.metrics else settings.host}
    return [
        PolicyError(source, given[name][0].value_offset, f"{name}: {beyond_loopback(host)}")
        for name, host in hosts.items()
        if name in given and not is_loopback(host) and "ALLOW" not in given
    ]


def beyond_loopback(offset: str) -> str:
    """Say why a place is no place to listen on, and what to do."""
    return (
        f"{offset} can be reached from other machines; say which may connect, such as "
        "ALLOW: 127.0.0.1 ::1 192.0.2.0/24, or listen on 127.0.0.1 or ::1"
    )


def read_configuration(
    path: str, pause: Callable[[], None] = lambda: None, unchanged: Callable[[], bool] = lambda: True
) -> Configuration:
    """Read and load a file; ``unchanged``, asked when it was read, tells whether it is still the one to be read.

    Raises:
        ConfigurationErrors: it cannot be read, was changed meanwhile, is not UTF-8, or something in it is wrong.
    """
    nowhere = Source("", path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationErrors([PolicyError(nowhere, 0, f"cannot be read: {error.strerror}")]) from error
    if not unchanged():
        raise ConfigurationErrors([PolicyError(nowhere, 0, "changed while it was read, and will be read again")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind a byte order mark.
        before = error.object[: error.start].decode()
        source = Source(content.decode("utf-8-sig", "replace"), path)
        raise ConfigurationErrors([PolicyError(source, len(before), "this is not UTF-8 text")]) from error
    return parse_configuration(text, path, pause)
