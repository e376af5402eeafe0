"""From the text of a configuration to what the servers run with."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from trualias.policy.checks import check
from trualias.policy.parser import parse
from trualias.policy.policy import Policy
from trualias.policy.source import ConfigurationErrors, PolicyError, Source, did_you_mean, one_of, quoted
from trualias.policy.tree import Account, Expect, Setting

__all__ = ["SETTINGS", "Configuration", "ConfigurationErrors", "PolicyError", "Settings", "load", "read"]

LEVELS = ("debug", "info", "warning", "error", "critical")


class _Unfit(Exception):
    """A setting's value cannot be used; the text says why."""


def _host(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise _Unfit(f"{quoted(value)} is not an IPv4 or IPv6 address, such as 127.0.0.1") from None


def _port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or int(value) > 65535:
        raise _Unfit(f"{quoted(value)} is not a port; expected a number from 0 to 65535")
    return int(value)


def _level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise _Unfit(f"unknown level {quoted(value)}; expected {one_of(LEVELS)}{did_you_mean(value, LEVELS)}")
    return value.lower()


def _account(value: str) -> str:
    if re.search(r"[\s@]", value) or not value.isprintable():
        raise _Unfit(f"{quoted(value)} is not an account; it may have no space and no '@'")
    return value


def _seconds(value: str) -> int | None:
    if value.lower() in ("no", "none"):
        return None
    if not re.fullmatch("[0-9]{1,9}", value):
        raise _Unfit(f"{quoted(value)} is not a number of seconds; expected a whole number, 0, no or none")
    return int(value)


def _module(value: str) -> str:
    if value.endswith(".py") or not all(part.isidentifier() for part in value.split(".")):
        raise _Unfit(f"{quoted(value)} is not the name of a Python module (without '.py')")
    return value


_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")


def _domains(value: str) -> frozenset[str]:
    for name in value.split():
        if not _DOMAIN.fullmatch(name) or len(name) > 253:
            raise _Unfit(f"{quoted(name)} is not a domain name; names are separated by white space")
    return frozenset(name.lower() for name in value.split())


def _yes_or_no(value: str) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in known:
        raise _Unfit(f"{quoted(value)} is neither yes nor no")
    return known[value.lower()]


def _setting(name: str, read: Callable[[str], Any], default: Any) -> Any:
    return field(default=default, metadata={"name": name, "read": read})


@frozen
class Settings:
    """The settings of a configuration, each with its default.

    ``statistics`` is None where statistics are off, 0 where they are kept but not logged, otherwise the seconds between
    two reports. ``alias_domains`` are in lower case.
    """

    host: str = _setting("HOST", _host, "127.0.0.1")
    port: int = _setting("PORT", _port, 3047)
    logging: str = _setting("LOGGING", _level, "warning")
    debug_account: str | None = _setting("DEBUG ACCOUNT", _account, None)
    statistics: int | None = _setting("STATISTICS", _seconds, None)
    processor: str | None = _setting("PROCESSOR", _module, None)
    alias_domains: frozenset[str] = _setting("ALIAS DOMAINS", _domains, frozenset())
    case_sensitive: bool = _setting("CASE SENSITIVE", _yes_or_no, True)


SETTINGS = {attribute.metadata["name"]: attribute for attribute in Settings.__attrs_attrs__}
"""The settings by the names that the file gives them."""


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
    _places: dict[str, int]

    def error(self, place: int, message: str) -> PolicyError:
        """Make an error for an offset of the text, counted from 0."""
        return PolicyError(self._source, place, message)

    def error_at(self, setting: str, message: str) -> ConfigurationErrors:
        """Make the error for a setting whose value turns out unusable after loading, at its place in the file."""
        return ConfigurationErrors([self.error(self._places.get(setting, 0), message)])


def load(text: str, name: str, pause: Callable[[], None] = lambda: None) -> Configuration:
    """Make a configuration of a text.

    ``name`` stands in errors and is usually the path. ``pause`` is called often while this runs.

    Raises:
        ConfigurationErrors: something is wrong; it has all that is.
    """
    source = Source(text, name)
    parsed = parse(source, pause)
    errors = list(parsed.errors)
    settings, places, unfit = _read_settings(
        source, [statement for statement in parsed.tree.statements if isinstance(statement, Setting)]
    )
    errors += unfit
    accounts = [statement for statement in parsed.tree.statements if isinstance(statement, Account)]
    rules, breaches = check(source, accounts, settings.case_sensitive, pause, parsed.partial)
    errors += breaches
    if errors:
        raise ConfigurationErrors(errors)
    expectations = tuple([statement for statement in parsed.tree.statements if isinstance(statement, Expect)])
    policy = Policy(rules, settings.case_sensitive, pause)
    return Configuration(name, settings, policy, expectations, source, places)


def _read_settings(source: Source, found: list[Setting]) -> tuple[Settings, dict[str, int], list[PolicyError]]:
    settings = Settings()
    places: dict[str, int] = {}
    errors: list[PolicyError] = []
    for setting in found:
        if setting.name not in SETTINGS:
            known = list(SETTINGS)
            message = (
                f"unknown setting {quoted(setting.name)}; expected {one_of(known)}{did_you_mean(setting.name, known)}"
            )
            errors.append(PolicyError(source, setting.place, message))
            continue
        attribute = SETTINGS[setting.name]
        if setting.name in places:
            first = source.position(places[setting.name])[0]
            errors.append(PolicyError(source, setting.place, f"{setting.name} is already given in line {first}"))
            continue
        places[setting.name] = setting.place
        if not setting.value:
            errors.append(PolicyError(source, setting.value_place, f"{setting.name} has no value"))
            continue
        try:
            settings = evolve(settings, **{attribute.name: attribute.metadata["read"](setting.value)})
        except _Unfit as error:
            errors.append(PolicyError(source, setting.value_place, f"{setting.name}: {error}"))
    return settings, places, errors


def read(path: str, pause: Callable[[], None] = lambda: None) -> Configuration:
    """Read and load a file.

    Raises:
        ConfigurationErrors: it cannot be read, is not UTF-8, or something in it is wrong.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        nowhere = Source("", path)
        raise ConfigurationErrors([PolicyError(nowhere, 0, f"cannot be read: {error.strerror}")]) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind a byte order mark.
        before = error.object[: error.start].decode()
        source = Source(content.decode("utf-8-sig", "replace"), path)
        raise ConfigurationErrors([PolicyError(source, len(before), "this is not UTF-8 text")]) from error
    return load(text, path, pause)
