"""Reading and checking of a configuration file."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeVar

from attrs import frozen

from trualias.configuration.addresses import account_domains, domain_errors, kept_names, refusal_errors
from trualias.configuration.deliveries import DeliveryContext, delivery_errors
from trualias.configuration.files import (
    LIMITS,
    Access,
    Content,
    DiskAccess,
    Include,
    Limits,
    Unreadable,
    read_regular_file,
)
from trualias.configuration.includes import NOT_TEXT, Pattern, ReadFile, ReadFiles, decode, read_included
from trualias.configuration.settings import Settings
from trualias.configuration.settings_reader import SettingsReader
from trualias.language.checks import check
from trualias.language.parser import parse
from trualias.language.pauses import with_pauses
from trualias.language.rule import folding
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.language.tree import Account, Deliver, End, Expect, Refuse, Setting, Statement
from trualias.matching.policy import Policy


@frozen(eq=False, repr=False)
class Configuration:
    """A checked configuration, except for its ``expectations``, whose check needs the hooks.

    ``name`` is the path that it was read from. ``refusals`` and ``deliveries`` are its ``REFUSE`` and ``DELIVER``
    statements. ``ended_files`` are the paths of its files that say with ``END`` that they are complete, ``patterns``
    its ``INCLUDE`` with wildcards. Offsets count through the text of the file and those that it includes.
    """

    name: str
    settings: Settings
    policy: Policy
    expectations: tuple[Expect, ...]
    refusals: tuple[Refuse, ...]
    deliveries: tuple[Deliver, ...]
    ended_files: frozenset[str]
    patterns: tuple[Pattern, ...]
    _source: Source
    _given: dict[str, list[Setting]]

    @property
    def text(self) -> str:
        """The text of the file, without those that it includes."""
        return self._source.text

    @property
    def included(self) -> Mapping[str, str]:
        """The texts of the files that it includes, by their paths."""
        return {file.name: file.text for file in self._source.files[1:]}

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the file and of those that it includes."""
        return tuple([file.name for file in self._source.files])

    @property
    def ended(self) -> bool:
        """True if the file says with ``END`` that it is complete."""
        return self.name in self.ended_files

    @property
    def needs_known_aliases(self) -> bool:
        """True if lookups ask which aliases the store knows."""
        return self.policy.retired is not None or self.settings.guesses is not None

    @property
    def store_path(self) -> str | None:
        """The absolute path of the store, which STORE has relative to the folder of its file; None without one."""
        if self.settings.store is None:
            return None
        file, _ = self._source.file(self.offset("STORE"))
        return os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(file.name)), self.settings.store))

    def given(self, setting: str) -> bool:
        """Return whether the file has a setting, even with the default value."""
        return setting in self._given

    def occurrences(self, setting: str) -> tuple[Setting, ...]:
        """Return a setting as the files have it, each time."""
        return tuple(self._given.get(setting, ()))

    def offset(self, setting: str) -> int:
        """Return the offset in the text, counted from 0, of a setting's first occurrence; 0 if the file has none."""
        return self._given[setting][0].offset if setting in self._given else 0

    def line(self, offset: int) -> int:
        """Return the line, counted from 1, of an offset in its file."""
        return self._source.position(offset)[0]

    def line_text(self, offset: int, seen_from: int | None = None) -> str:
        """Return ``line 3``, or ``line 3 of NAME``; as ``Source.line_text``."""
        return self._source.line_text(offset, seen_from)

    def file(self, offset: int) -> str:
        """Return the path of an offset's file."""
        return self._source.file(offset)[0].name

    @property
    def starts(self) -> tuple[tuple[str, int], ...]:
        """The path of each file, and the offset at which it begins."""
        return self._source.starts

    def folder(self, setting: str) -> str:
        """Return the absolute path of the folder of the file that has a setting, from which its paths begin."""
        return os.path.dirname(os.path.abspath(self.file(self.offset(setting))))

    def error(self, offset: int, message: str) -> PolicyError:
        """Make an error at an offset in the text, counted from 0."""
        return PolicyError(self._source, offset, message)

    def setting_error(self, setting: str, message: str, occurrence: int = 0) -> PolicyError:
        """Make an error at a setting that the file has; a repeated one has several occurrences, counted from 0."""
        return self.error(self._given[setting][occurrence].offset, message)


def parse_configuration(
    text: str,
    name: str,
    pause: Callable[[], None] = lambda: None,
    limits: Limits = LIMITS,
    access: Access | None = None,
) -> Configuration:
    """Parse and check the text of a configuration, and of the files that it includes.

    ``name`` appears in errors and is usually the path. ``pause`` is called often during the work; an exception that it
    raises ends the work. ``access`` reads the included files; by default from the disk.

    Raises ``ConfigurationErrors`` with the errors in the texts.
    """
    main = Content(text.encode("utf-8", "surrogatepass"), name)
    return _check(read_included(Source(text, name), main, access or DiskAccess(), pause, limits), pause, limits)


def _check(files: ReadFiles, pause: Callable[[], None], limits: Limits) -> Configuration:
    """Parse and check a configuration whose files were read; raise ``ConfigurationErrors``."""
    source = files.source
    parser = _Parser(files, pause, limits.errors)
    parser.parse(files.main)
    reader, statements, errors = parser.settings, parser.statements, [*files.errors, *parser.errors]
    if len(errors) > limits.errors:
        raise ConfigurationErrors(errors, limits.errors) from files.cause
    settings = reader.settings
    accounts = _of_kind(Account, statements, pause)
    rules, breaches = check(source, accounts, settings.case_sensitive, pause, parser.partial, limits.errors)
    contradictions = [PolicyError(source, offset, message) for offset, message in reader.contradictions()]
    refusals = tuple(_of_kind(Refuse, statements, pause))
    deliveries = tuple(_of_kind(Deliver, statements, pause))
    address_errors = _address_errors(source, reader, accounts, refusals, deliveries, pause)
    contradictions += _retired_errors(source, reader, with_pauses(accounts, pause))
    errors += [*contradictions, *breaches, *islice(address_errors, limits.errors + 1)]
    if errors:
        raise ConfigurationErrors(errors, limits.errors) from files.cause
    expectations = tuple(_of_kind(Expect, statements, pause))
    retired_rules = [rule for rule in with_pauses(rules, pause) if rule.statement.retired]
    retired = Policy(retired_rules, settings.case_sensitive, pause) if retired_rules else None
    live = [rule for rule in with_pauses(rules, pause) if not rule.statement.retired] if retired_rules else rules
    policy = Policy(live, settings.case_sensitive, pause, retired)
    return Configuration(
        source.name,
        settings,
        policy,
        expectations,
        refusals,
        deliveries,
        frozenset(parser.ended),
        tuple(files.patterns),
        source,
        reader.given,
    )


_Kind = TypeVar("_Kind", bound=Statement)


def _of_kind(kind: type[_Kind], statements: Sequence[Statement], pause: Callable[[], None]) -> list[_Kind]:
    return [statement for statement in with_pauses(statements, pause) if isinstance(statement, kind)]


def _retired_errors(source: Source, reader: SettingsReader, statements: Iterable[Account]) -> Iterator[PolicyError]:
    """Yield the error of the first retired statement where no store can keep its aliases."""
    problem = reader.retired_problem
    if problem is not None:
        retired = (PolicyError(source, statement.offset, problem) for statement in statements if statement.retired)
        yield from islice(retired, 1)


def _address_errors(
    source: Source,
    reader: SettingsReader,
    statements: Sequence[Account],
    refusals: Sequence[Refuse],
    deliveries: Sequence[Deliver],
    pause: Callable[[], None],
) -> Iterator[PolicyError]:
    """Yield the errors of ``AT``, and of ``REFUSE`` and ``DELIVER`` statements."""
    domains = reader.alias_domains
    restricted = (statement.domains for statement in with_pauses(statements, pause) if statement.domains)
    found = chain.from_iterable(domain_errors(names, domains) for names in restricted)
    if refusals or deliveries:
        fold, debug_account = folding(reader.settings.case_sensitive), reader.settings.debug_account
        accounts = account_domains(statements, fold, pause)
        line = source.line_text
        kept = kept_names(accounts.values(), debug_account, deliveries, domains, line, pause)
        context = DeliveryContext(accounts, debug_account, domains, fold, line, reader.has_store)
        found = chain(
            found, refusal_errors(refusals, domains, kept, pause), delivery_errors(deliveries, context, pause)
        )
    for offset, message in found:
        yield PolicyError(source, offset, message)


class _Parser:
    """Parses the files of a configuration. Statements of an included file stand in place of its INCLUDE."""

    def __init__(self, files: ReadFiles, pause: Callable[[], None], most_errors: int) -> None:
        self.settings = SettingsReader(files.source)
        self.statements: list[Statement] = []
        self.partial: list[Account] = []
        self.errors: list[PolicyError] = []
        self.ended: list[str] = []  # the paths of the files with END
        self._source = files.source
        self._pause = pause
        self._most_errors = most_errors

    def parse(self, file: ReadFile) -> None:
        """Parse a file, and those that it includes."""
        left = self._most_errors - len(self.errors)
        if left < 0:
            return
        parsed = parse(self._source, self._pause, self.settings.read, left, file.base)
        self.errors += parsed.errors
        self.partial += parsed.partial
        for statement in with_pauses(parsed.statements, self._pause):
            if isinstance(statement, End):
                self.ended.append(file.path)
            else:
                self.statements.append(statement)
            for included in file.included.get(statement.offset, ()):
                self.parse(included)


def read_texts(path: str) -> list[str]:
    """Return the texts of a configuration file and of those that it includes, whatever errors they have.

    Files that cannot be read are left out; without the first, the list is empty.
    """
    try:
        main = read_regular_file(path)
    except Unreadable:
        return []
    source = Source(decode(main.octets)[0], path)
    read_included(source, main, DiskAccess(), lambda: None, LIMITS)
    return [file.text for file in source.files]


def read_configuration(
    path: str,
    pause: Callable[[], None] = lambda: None,
    is_unchanged: Callable[[Sequence[Include]], bool] = lambda _: True,
    limits: Limits = LIMITS,
) -> Configuration:
    """Read, parse and check a configuration file, and the files that it includes.

    ``pause`` is called as by ``parse_configuration``. ``is_unchanged`` is called once all files have been read, with
    their INCLUDE settings, and returns whether they are still the same.

    Raises ``ConfigurationErrors`` if a file cannot be read, is not a regular file, has changed, is not UTF-8, or has
    errors, or if all together are too long.
    """
    no_text = Source("", path)
    try:
        main = read_regular_file(path, limits.octets)
    except Unreadable as error:
        raise ConfigurationErrors([PolicyError(no_text, 0, str(error))]) from error.__cause__
    text, problem = decode(main.octets)
    source = Source(text, path)
    files = read_included(source, main, DiskAccess(), pause, limits) if problem is None else None
    if not is_unchanged(files.includes if files is not None else ()):
        raise ConfigurationErrors([PolicyError(no_text, 0, "changed while it was read, and will be read again")])
    if files is None:
        raise ConfigurationErrors([PolicyError(source, problem or 0, NOT_TEXT)])
    return _check(files, pause, limits)
