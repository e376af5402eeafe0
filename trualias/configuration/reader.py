"""Reading and checking of a configuration file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from attrs import evolve, frozen

from trualias.configuration.addresses import kept_names, refusal_errors
from trualias.configuration.deliveries import DeliveryContext, delivery_errors
from trualias.configuration.settings import SETTINGS, InvalidValue, Settings, exposure_problem, is_loopback
from trualias.language.checks import check
from trualias.language.parser import parse
from trualias.language.rule import folding
from trualias.language.source import MOST_ERRORS, ConfigurationErrors, PolicyError, Source
from trualias.language.splitter import comment_hint
from trualias.language.tree import Account, Deliver, Expect, Refuse, Setting
from trualias.matching.policy import Policy
from trualias.messages import did_you_mean, one_of, quoted


@frozen(eq=False)
class Configuration:
    """A checked configuration, except for its ``expectations``, whose check needs the hooks.

    ``name`` is the path that it was read from. ``refusals`` and ``deliveries`` are its ``REFUSE`` and ``DELIVER``
    statements. ``ended`` is whether the file says with ``END`` that it is complete.
    """

    name: str
    settings: Settings
    policy: Policy
    expectations: tuple[Expect, ...]
    refusals: tuple[Refuse, ...]
    deliveries: tuple[Deliver, ...]
    ended: bool
    _source: Source
    _given: dict[str, list[Setting]]

    @property
    def text(self) -> str:
        """The text of the file."""
        return self._source.text

    def given(self, setting: str) -> bool:
        """Return whether the file has a setting, even with the default value."""
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


@frozen
class Limits:
    """The limits of reading a configuration: it stops after more errors, or octets over all files, than these."""

    errors: int = MOST_ERRORS
    octets: int = 128 << 20


LIMITS = Limits()
"""Far more than a policy has, and soon read: copying another file over a configuration must not keep a server busy."""


def parse_configuration(
    text: str, name: str, pause: Callable[[], None] = lambda: None, limits: Limits = LIMITS
) -> Configuration:
    """Parse and check the text of a configuration.

    ``name`` appears in errors and is usually the path. ``pause`` is called often during the work; an exception that it
    raises ends the work.

    Raises ``ConfigurationErrors`` with the errors in the text.
    """
    source = Source(text, name)
    reader = _SettingsReader(source)
    parsed = parse(source, pause, reader.read, limits.errors)
    if len(parsed.errors) > limits.errors:
        raise ConfigurationErrors(parsed.errors, limits.errors)
    statements = parsed.tree.statements
    settings = reader.settings
    accounts = [statement for statement in statements if isinstance(statement, Account)]
    rules, breaches = check(source, accounts, settings.case_sensitive, pause, parsed.partial, limits.errors)
    contradictions = [PolicyError(source, offset, message) for offset, message in reader.contradictions()]
    refusals = tuple([statement for statement in statements if isinstance(statement, Refuse)])
    deliveries = tuple([statement for statement in statements if isinstance(statement, Deliver)])
    address_errors = _address_errors(source, reader, accounts, refusals, deliveries, pause)
    errors = [*parsed.errors, *contradictions, *breaches, *islice(address_errors, limits.errors + 1)]
    if errors:
        raise ConfigurationErrors(errors, limits.errors)
    expectations = tuple([statement for statement in statements if isinstance(statement, Expect)])
    policy = Policy(rules, settings.case_sensitive, pause)
    return Configuration(
        name, settings, policy, expectations, refusals, deliveries, parsed.tree.ended, source, reader.given
    )


def _address_errors(
    source: Source,
    reader: _SettingsReader,
    statements: Sequence[Account],
    refusals: Sequence[Refuse],
    deliveries: Sequence[Deliver],
    pause: Callable[[], None],
) -> Iterator[PolicyError]:
    """Yield the errors of ``REFUSE`` and ``DELIVER`` statements."""
    if not refusals and not deliveries:
        return

    def line(offset: int) -> int:
        return source.position(offset)[0]

    fold = folding(reader.settings.case_sensitive)
    debug_account = reader.settings.debug_account
    accounts: dict[str, str] = {}
    for statement in statements:
        pause()
        for name in statement.accounts:
            accounts.setdefault(fold(name.text), name.text)
    kept = kept_names(accounts.values(), debug_account, deliveries, reader.alias_domains, line)
    context = DeliveryContext(accounts, debug_account, reader.alias_domains, fold, line)
    found = chain(
        refusal_errors(refusals, reader.alias_domains, kept, pause), delivery_errors(deliveries, context, pause)
    )
    for offset, message in found:
        yield PolicyError(source, offset, message)


_Error = tuple[int, str]
"""An offset in the text, and a message."""


class _SettingsReader:
    """Collects the values and the occurrences of settings."""

    def __init__(self, source: Source) -> None:
        self.settings = Settings()
        self.given: dict[str, list[Setting]] = {}
        self._source = source
        self._value_offsets: dict[str, list[int]] = {}  # of each value of a repeatable setting

    def contradictions(self) -> Iterator[_Error]:
        """Yield an error for each setting that needs another one, which the settings that were read lack.

        An address that other machines can reach needs ALLOW, a listener for addresses ALIAS DOMAINS.
        """
        yield from self._exposure("HOST", self.settings.host)
        if self.settings.metrics is not None:
            yield from self._exposure("METRICS", self.settings.metrics.host)
        if not self.settings.alias_domains:
            yield from self._listeners_without_domains()

    @property
    def alias_domains(self) -> frozenset[str] | None:
        """The alias domains; None if the setting was given, but has an error."""
        return self.settings.alias_domains or (None if "ALIAS DOMAINS" in self.given else frozenset())

    def read(self, setting: Setting) -> Iterator[_Error]:
        """Read a setting and yield its error, if there is one."""
        name = setting.name
        if name not in SETTINGS:
            known = list(SETTINGS)
            message = f"unknown setting {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}"
            yield setting.offset, message
            return
        attribute = SETTINGS[name]
        repeatable = attribute.metadata["repeatable"]
        if name in self.given and not repeatable:
            first, _ = self._source.position(self.given[name][0].offset)
            yield setting.offset, f"{name} is already given in line {first}"
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
            before = getattr(self.settings, attribute.name)
            value = before | value if isinstance(before, frozenset) else before + value
        self.settings = evolve(self.settings, **{attribute.name: value})

    def _listeners_without_domains(self) -> Iterator[_Error]:
        for offset, listener in zip(self._value_offsets.get("LISTEN", ()), self.settings.listen, strict=True):
            if listener.table is not None and listener.table.needs_domains:
                yield offset, f"LISTEN: the table {listener.table.value} needs ALIAS DOMAINS"

    def _exposure(self, name: str, host: str) -> Iterator[_Error]:
        if name in self.given and not is_loopback(host) and "ALLOW" not in self.given:
            yield self.given[name][0].value_offset, f"{name}: {exposure_problem(host)}"


def read_configuration(
    path: str,
    pause: Callable[[], None] = lambda: None,
    is_unchanged: Callable[[], bool] = lambda: True,
    limits: Limits = LIMITS,
) -> Configuration:
    """Read, parse and check a configuration file.

    ``pause`` is called as by ``parse_configuration``. ``is_unchanged`` is called once the file has been read, and
    returns whether the file is still the same.

    Raises ``ConfigurationErrors`` if the file cannot be read, is not a regular file, is too long, has changed, is not
    UTF-8, or has errors.
    """
    no_text = Source("", path)
    try:
        content = read_regular_file(path, limits.octets)
    except Unreadable as error:
        raise ConfigurationErrors([PolicyError(no_text, 0, str(error))]) from error.__cause__
    if not is_unchanged():
        raise ConfigurationErrors([PolicyError(no_text, 0, "changed while it was read, and will be read again")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error's offset does not count a byte order mark.
        before = error.object[: error.start].decode()
        source = Source(content.decode("utf-8-sig", "replace"), path)
        raise ConfigurationErrors([PolicyError(source, len(before), "this is not UTF-8 text")]) from error
    return parse_configuration(text, path, pause, limits)


class Unreadable(Exception):
    """A file is not read; ``str()`` is the reason."""


def read_regular_file(path: str, most: int = LIMITS.octets) -> bytearray:
    """Return the content of a regular file of at most ``most`` octets; raise ``Unreadable`` for any other.

    Never waits for the writer of a FIFO, and reads nothing from it.
    """
    try:
        # A FIFO without a writer would block open(2); a socket cannot be opened.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise Unreadable(_NOT_REGULAR) from None
        raise Unreadable(f"cannot be read: {error.strerror}") from error
    content = bytearray()
    too_long = Unreadable(f"is longer than {most >> 20} MiB")
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(_NOT_REGULAR)
        if status.st_size > most:
            raise too_long
        while chunk := _read_chunk(descriptor, min(_CHUNK, most + 1 - len(content))):
            content += chunk
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise too_long  # it has grown
    return content


def _read_chunk(descriptor: int, most: int) -> bytes:
    try:
        return os.read(descriptor, most)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error


_NOT_REGULAR = "is not a regular file"
_CHUNK = 1 << 20
