"""Collects the settings of a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any

from trualias.configuration.networks import exposure_problem, is_loopback
from trualias.configuration.setting_values import InvalidValue
from trualias.configuration.settings import SETTINGS, Settings
from trualias.language.source import Source
from trualias.language.splitter import comment_hint
from trualias.language.tree import Setting
from trualias.messages import did_you_mean, one_of, quoted

_Error = tuple[int, str]
"""An offset in the text, and a message."""


class SettingsReader:
    """Collects the values and the occurrences of settings."""

    def __init__(self, source: Source) -> None:
        self.given: dict[str, list[Setting]] = {}
        self._source = source
        self._values: dict[str, list[Any]] = {}  # by the names of the attributes of Settings
        self._value_offsets: dict[str, list[int]] = {}  # of each value of a repeatable setting

    @cached_property
    def settings(self) -> Settings:
        """The settings, once all were read."""
        return Settings(**{name: _joined(values) for name, values in self._values.items()})

    def contradictions(self) -> Iterator[_Error]:
        """Yield an error for each setting that needs another one, which the settings that were read lack.

        An address that other machines can reach needs ALLOW, a listener for addresses ALIAS DOMAINS, and GUESSES a
        store and the policy service.
        """
        yield from self._exposure("HOST", self.settings.host)
        if self.settings.metrics is not None:
            yield from self._exposure("METRICS", self.settings.metrics.host)
        if not self.settings.alias_domains:
            yield from self._listeners_without_domains()
        if self.settings.guesses is not None:
            if not self.has_store:
                yield self._offset("GUESSES"), "GUESSES spares the aliases that a STORE knows, and there is none"
            elif not self.has_policy_service:
                message = "GUESSES limits the policy service, and there is no LISTEN: policy ENDPOINT"
                yield self._offset("GUESSES"), message
        if self.settings.quiet_domain in self.settings.alias_domains:
            domain = self.settings.quiet_domain
            yield self._offset("QUIET DOMAIN"), f"QUIET DOMAIN: {domain} is one of ALIAS DOMAINS, and delivers its mail"

    @property
    def alias_domains(self) -> frozenset[str] | None:
        """The alias domains; None if the setting was given, but has an error."""
        return self.settings.alias_domains or (None if "ALIAS DOMAINS" in self.given else frozenset())

    @property
    def has_store(self) -> bool:
        """True if STORE was given, even if it has an error."""
        return "STORE" in self.given

    @property
    def has_policy_service(self) -> bool:
        """True if a listener speaks the policy delegation protocol, or may be meant to: a LISTEN has an error."""
        has_error = len(self.given.get("LISTEN", ())) > len(self._value_offsets.get("LISTEN", ()))
        return self.settings.has_policy_service or has_error

    @property
    def retired_problem(self) -> str | None:
        """Why no store can keep the aliases of RETIRED statements, or None."""
        if not self.has_store:
            return "RETIRED keeps the aliases that a STORE knows, and there is none"
        if not self.has_policy_service:
            return "RETIRED keeps the aliases that received mail, and there is no LISTEN: policy ENDPOINT to count it"
        return None

    def read(self, setting: Setting) -> Iterator[_Error]:
        """Read a setting and yield its error, if there is one."""
        name = setting.name
        if name not in SETTINGS:
            yield from unknown_name(setting)
            return
        attribute = SETTINGS[name]
        repeatable = attribute.metadata["repeatable"]
        if name in self.given and not repeatable:
            first = self._source.line_text(self.given[name][0].offset, setting.offset)
            yield setting.offset, f"{name} is already given in {first}"
            return
        self.given.setdefault(name, []).append(setting)
        if not setting.value:
            yield setting.value_offset, f"{name} has no value"
            return
        try:
            value = attribute.metadata["parse"](setting.value)
        except InvalidValue as error:
            yield setting.value_offset, f"{name}: {error}{comment_hint(setting.value)}"
            return
        if repeatable:
            self._value_offsets.setdefault(name, []).extend([setting.value_offset] * len(value))
        self._values.setdefault(attribute.name, []).append(value)

    def _listeners_without_domains(self) -> Iterator[_Error]:
        for offset, listener in zip(self._value_offsets.get("LISTEN", ()), self.settings.listen, strict=True):
            if listener.needs_domains:
                what = "policy" if listener.table is None else f"the table {listener.table.value}"
                yield offset, f"LISTEN: {what} needs ALIAS DOMAINS"

    def _offset(self, name: str) -> int:
        return self.given[name][0].value_offset if name in self.given else 0

    def _exposure(self, name: str, host: str) -> Iterator[_Error]:
        if name in self.given and not is_loopback(host) and "ALLOW" not in self.given:
            yield self.given[name][0].value_offset, f"{name}: {exposure_problem(host)}"


def unknown_name(setting: Setting) -> Iterator[_Error]:
    """Yield an error if there is no setting of this name."""
    if setting.name not in SETTINGS:
        known = list(SETTINGS)
        suggestion = did_you_mean(setting.name, known)
        yield setting.offset, f"unknown setting {quoted(setting.name)}; expected {one_of(known)}{suggestion}"


def _joined(values: list[Any]) -> Any:
    """Return the only value of a setting, or what the tuples or sets of a repeated one have together.

    To join each of 30,000 lines with those before it took 10 s.
    """
    first, *others = values
    return type(first)(chain.from_iterable(values)) if others else first
