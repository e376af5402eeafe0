"""The files of a configuration: its own, and those of its ``INCLUDE`` settings, read before anything is parsed."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from attrs import Factory, define, frozen

from trualias.configuration.files import Access, Content, Include, Limits, TooLong, Unreadable, read_regular_file
from trualias.configuration.setting_values import InvalidValue, parse_include
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.language.splitter import pieces

MOST_NESTED = 8
"""Files that may include each other, counted from the first that is included."""

_SETTING = re.compile(r"INCLUDE[ \t]*:[^\S\n]*")


class Pattern(NamedTuple):
    """An ``INCLUDE`` with wildcards: the offset of its value, its path, and the number of files that match it."""

    offset: int
    path: str
    matches: int


@frozen(eq=False, repr=False)
class ReadFile:
    """A file that was read: its path, the offset at which its text begins, and the files that it includes.

    ``included`` are the files of each of its INCLUDE settings, by the setting's offset.
    """

    path: str
    base: int
    included: dict[int, list[ReadFile]] = Factory(dict)


@define(eq=False, repr=False)
class ReadFiles:
    """A configuration's files, and the errors of reading them.

    ``includes`` are the INCLUDE settings, ``patterns`` those with wildcards. ``cause`` is the error of a file that
    could not be read though it may be there.
    """

    source: Source
    main: ReadFile
    errors: list[PolicyError] = Factory(list)
    includes: list[Include] = Factory(list)
    patterns: list[Pattern] = Factory(list)
    cause: OSError | None = None


def read_included(
    source: Source, main: Content, access: Access, pause: Callable[[], None], limits: Limits
) -> ReadFiles:
    """Read all files that the first text of a source includes, and add their texts to the source.

    ``main`` is the content of the first. ``pause`` is called at each file. Stops after more errors than the limit.
    """
    return _Reader(source, main, access, pause, limits).read()


class _Reader:
    def __init__(
        self, source: Source, main: Content, access: Access, pause: Callable[[], None], limits: Limits
    ) -> None:
        self._source = source
        self._access = access
        self._pause = pause
        self._limits = limits
        self._left = limits.octets - len(main.octets)
        self._seen: dict[object, int | None] = {main.identity: None}  # the offset of the INCLUDE of each file
        self._found = ReadFiles(source, ReadFile(source.name, 0))

    def read(self) -> ReadFiles:
        with suppress(TooLong):
            self._read_includes(self._found.main, 1)
        return self._found

    def _read_includes(self, file: ReadFile, depth: int) -> None:
        for offset, value_offset, value in _include_settings(self._source.file(file.base)[0].text, self._pause):
            if len(self._found.errors) > self._limits.errors:
                return
            try:
                folder, name = os.path.split(parse_include(value)[0])
            except InvalidValue:  # reported with the other settings
                continue
            include = Include(os.path.join(os.path.dirname(file.path), folder), name)
            files = self._read_all(include, file.base + value_offset, depth)
            file.included[file.base + offset] = files

    def _read_all(self, include: Include, offset: int, depth: int) -> list[ReadFile]:
        self._found.includes.append(include)
        if depth > MOST_NESTED:
            self._report(offset, f"files include each other more than {MOST_NESTED} deep")
            return []
        try:
            paths = self._access.paths(include)
        except Unreadable as error:
            self._report(offset, str(error), error)
            return []
        if include.is_pattern:
            self._found.patterns.append(Pattern(offset, include.path, len(paths)))
        files = []
        for path in paths:
            self._pause()
            if len(self._found.errors) > self._limits.errors:
                break
            file = self._read_file(path, offset)
            if file is not None:
                files.append(file)
                self._read_includes(file, depth + 1)
        return files

    def _read_file(self, path: str, offset: int) -> ReadFile | None:
        try:
            content = self._access.read(path, max(0, self._left))
        except TooLong:
            self._report(offset, f"with {path}, the files together are longer than {self._limits.octets >> 20} MiB")
            raise
        except Unreadable as error:
            self._report(offset, f"{path} {error}", error)
            return None
        if content.identity in self._seen:
            first = self._seen[content.identity]
            where = "the first file" if first is None else f"included in {self._source.line_text(first, offset)}"
            self._report(offset, f"{path} is read already: it is {where}")
            return None
        self._seen[content.identity] = offset
        self._left -= len(content.octets)
        text, problem = decode(content.octets)
        base = self._source.include(text, path)
        if problem is not None:
            self._found.errors.append(PolicyError(self._source, base + problem, NOT_TEXT))
        return ReadFile(path, base)

    def _report(self, offset: int, problem: str, error: Unreadable | None = None) -> None:
        self._found.errors.append(PolicyError(self._source, offset, f"INCLUDE: {problem}"))
        cause = error.__cause__ if error is not None else None
        # A file that is not there is watched for.
        if isinstance(cause, OSError) and cause.errno not in (errno.ENOENT, errno.ENOTDIR):
            self._found.cause = cause


def _include_settings(text: str, pause: Callable[[], None]) -> Iterator[tuple[int, int, str]]:
    """Yield the offset of each INCLUDE of a text, the offset of its value, and the value."""
    if "INCLUDE" not in text:
        return
    for piece in pieces(text, pause):
        pause()
        setting = _SETTING.match(text, piece.start, piece.end) if piece.kind == "setting" else None
        if setting is not None and (value := text[setting.end() : piece.end].rstrip()):
            yield piece.start, setting.end(), value


def read_text(path: str) -> str:
    """Return the text of one file; raise ``ConfigurationErrors`` if it cannot be read or is not UTF-8."""
    try:
        text, problem = decode(read_regular_file(path).octets)
    except Unreadable as error:
        raise ConfigurationErrors([PolicyError(Source("", path), 0, str(error))]) from error.__cause__
    if problem is not None:
        raise ConfigurationErrors([PolicyError(Source(text, path), problem, NOT_TEXT)])
    return text


NOT_TEXT = "this is not UTF-8 text"


def decode(octets: bytes | bytearray) -> tuple[str, int | None]:
    """Return the text of some octets, and the offset of the first that is not UTF-8, or None.

    A byte order mark at the beginning is no part of the text.
    """
    try:
        return octets.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        # The error's offset does not count a byte order mark.
        return octets.decode("utf-8-sig", "replace"), len(error.object[: error.start].decode())
