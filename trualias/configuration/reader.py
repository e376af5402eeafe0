"""Reading and checking of a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import evolve, frozen

from trualias.configuration.settings import SETTINGS, InvalidValue, Settings, exposure_problem, is_loopback
from trualias.language.checks import check
from trualias.language.parser import parse
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.language.tree import Account, Expect, Setting
from trualias.matching.policy import Policy
from trualias.messages import did_you_mean, one_of, quoted


@frozen(eq=False)
class Configuration:
    """A checked configuration, except for its ``expectations``, whose check needs the hooks.

    ``name`` is the path that it was read from. ``ended`` is whether the file says with ``END`` that it is complete.
    """

    name: str
    settings: Settings
    policy: Policy
    expectations: tuple[Expect, ...]
    ended: bool
    _source: Source
    _given: dict[str, list[Setting]]

    @property
    def text(self) -> str:
        """The text of the file."""
        return self._source.text

    def given(self, setting: str) -> bool:
        """Return whether the file has a setting, be it with the default value."""
        return setting in self._given

    def offset(self, setting: str) -> int:
        """Return the offset in the text, counted from 0, of a setting's first occurrence; 0 if the file has none."""
        return self._given[setting][0].offset if setting in self._given else 0

    def line(self, offset: int) -> int:
        """Return the line, counted from 1, of an offset in the text."""
        return self._source.position(offset)[0]

    def error(self, offset: int, message: str) -> PolicyError:
        """Make an error at an offset in the text, counted from 0."""
        return PolicyError(self._source, offset, message)

    def setting_error(self, setting: str, message: str, occurrence: int = 0) -> PolicyError:
        """Make an error at a setting that the file has; a repeated one has several occurrences, counted from 0."""
        return self.error(self._given[setting][occurrence].offset, message)


def parse_configuration(text: str, name: str, pause: Callable[[], None] = lambda: None) -> Configuration:
    """Parse and check the text of a configuration.

    ``name`` appears in errors and is usually the path. ``pause`` is called often during the work; an exception that it
    raises ends the work.

    Raises ``ConfigurationErrors`` with all errors in the text.
    """
    source = Source(text, name)
    parsed = parse(source, pause)
    statements = parsed.tree.statements
    reader = _SettingsReader(source)
    reader.read(statement for statement in statements if isinstance(statement, Setting))
    settings = reader.settings
    accounts = [statement for statement in statements if isinstance(statement, Account)]
    rules, breaches = check(source, accounts, settings.case_sensitive, pause, parsed.partial)
    errors = [*parsed.errors, *reader.errors, *breaches]
    if errors:
        raise ConfigurationErrors(errors)
    expectations = tuple([statement for statement in statements if isinstance(statement, Expect)])
    policy = Policy(rules, settings.case_sensitive, pause)
    return Configuration(name, settings, policy, expectations, parsed.tree.ended, source, reader.given)


class _SettingsReader:
    """Collects the values, the occurrences and the errors of settings."""

    def __init__(self, source: Source) -> None:
        self.settings = Settings()
        self.given: dict[str, list[Setting]] = {}
        self.errors: list[PolicyError] = []
        self._source = source

    def read(self, settings: Iterable[Setting]) -> None:
        """Read all settings of a file."""
        for setting in settings:
            self._read_setting(setting)
        self._check_exposure("HOST", self.settings.host)
        if self.settings.metrics is not None:
            self._check_exposure("METRICS", self.settings.metrics.host)

    def _read_setting(self, setting: Setting) -> None:
        name = setting.name
        if name not in SETTINGS:
            known = list(SETTINGS)
            message = f"unknown setting {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}"
            self._add_error(setting.offset, message)
            return
        attribute = SETTINGS[name]
        repeatable = attribute.metadata["repeatable"]
        if name in self.given and not repeatable:
            first, _ = self._source.position(self.given[name][0].offset)
            self._add_error(setting.offset, f"{name} is already given in line {first}")
            return
        self.given.setdefault(name, []).append(setting)
        if not setting.value:
            self._add_error(setting.value_offset, f"{name} has no value")
            return
        try:
            value = attribute.metadata["parse"](setting.value)
        except InvalidValue as error:
            self._add_error(setting.value_offset, f"{name}: {error}")
            return
        if repeatable:
            value = getattr(self.settings, attribute.name) + value
        self.settings = evolve(self.settings, **{attribute.name: value})

    def _check_exposure(self, name: str, host: str) -> None:
        if name in self.given and not is_loopback(host) and "ALLOW" not in self.given:
            self._add_error(self.given[name][0].value_offset, f"{name}: {exposure_problem(host)}")

    def _add_error(self, offset: int, message: str) -> None:
        self.errors.append(PolicyError(self._source, offset, message))


def read_configuration(
    path: str, pause: Callable[[], None] = lambda: None, is_unchanged: Callable[[], bool] = lambda: True
) -> Configuration:
    """Read, parse and check a configuration file.

    ``pause`` is called as by ``parse_configuration``. ``is_unchanged`` is called once the file has been read, and
    returns whether the file is still the same.

    Raises ``ConfigurationErrors`` if the file cannot be read, has changed, is not UTF-8, or has errors.
    """
    no_text = Source("", path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationErrors([PolicyError(no_text, 0, f"cannot be read: {error.strerror}")]) from error
    if not is_unchanged():
        raise ConfigurationErrors([PolicyError(no_text, 0, "changed while it was read, and will be read again")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error's offset does not count a byte order mark.
        before = error.object[: error.start].decode()
        source = Source(content.decode("utf-8-sig", "replace"), path)
        raise ConfigurationErrors([PolicyError(source, len(before), "this is not UTF-8 text")]) from error
    return parse_configuration(text, path, pause)
