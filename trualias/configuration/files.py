"""Access to the files of a configuration: regular files, and the folders of ``INCLUDE``."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from attrs import frozen

from trualias.language.source import MOST_ERRORS


class Limits(NamedTuple):
    """The limits of reading a configuration: it stops after more errors, or octets over all files, than these."""

    errors: int = MOST_ERRORS
    octets: int = 128 << 20


LIMITS = Limits()
"""Far more than a policy has, and soon read: copying another file over a configuration must not keep a server busy."""

MOST_NAMES = 100_000
"""Files that the folder of an ``INCLUDE`` may have, whether they match or not."""


class Unreadable(Exception):
    """A file is not read; ``str()`` is the reason."""


class TooLong(Unreadable):
    """A file is longer than what may be read of it."""


class Include(NamedTuple):
    """The files that an ``INCLUDE`` names: one of a folder, or those whose names match a pattern with wildcards."""

    folder: str
    name: str

    @property
    def is_pattern(self) -> bool:
        """True if the name has wildcards."""
        return has_wildcards(self.name)

    @property
    def path(self) -> str:
        """The path, perhaps with wildcards."""
        return os.path.join(self.folder, self.name)

    def paths(self) -> list[str]:
        """Return the paths that exist, sorted by name; of a name without wildcards that path, which may not exist.

        Raises ``Unreadable`` if the folder cannot be listed, or has too many files.
        """
        return self.matching(_names(self.folder)) if self.is_pattern else [self.path]

    def matching(self, names: list[str]) -> list[str]:
        """Return the paths of those of a folder's names that match the pattern, sorted; no hidden ones."""
        found = [name for name in names if name[:1] != "." and fnmatchcase(name, self.name)]
        return [os.path.join(self.folder, name) for name in sorted(found)]


def has_wildcards(path: str) -> bool:
    """Return whether a path has a character that is special in a pattern, glob(7)."""
    return any(sign in path for sign in "*?[")


def _names(folder: str) -> list[str]:
    names: list[str] = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if len(names) == MOST_NAMES:
                    raise Unreadable(f"the folder {folder} has more than {MOST_NAMES} files")
                names.append(entry.name)
    except OSError as error:
        raise Unreadable(f"the folder {folder} cannot be read: {error.strerror}") from error
    return names


class Content(NamedTuple):
    """The octets of a file; ``identity`` is equal for two paths of one file."""

    octets: bytes | bytearray
    identity: object


class Access(Protocol):
    """Access to included files; both methods raise ``Unreadable``."""

    def paths(self, include: Include) -> list[str]:
        """Return the paths of an ``INCLUDE``."""

    def read(self, path: str, most: int) -> Content:
        """Return the content of a file of at most ``most`` octets."""


class DiskAccess:
    """Access to the files themselves."""

    def paths(self, include: Include) -> list[str]:
        """Return the paths of an ``INCLUDE``."""
        return include.paths()

    def read(self, path: str, most: int) -> Content:
        """Return the content of a file."""
        return read_regular_file(path, most)


@frozen(eq=False, repr=False)
class CopyAccess:
    """Access to the texts of included files that were kept, by their paths."""

    texts: Mapping[str, str]

    def paths(self, include: Include) -> list[str]:
        """Return the paths of an ``INCLUDE``."""
        if not include.is_pattern:
            return [include.path]
        folder = include.folder
        return include.matching([os.path.basename(path) for path in self.texts if os.path.dirname(path) == folder])

    def read(self, path: str, most: int) -> Content:
        """Return the content of a file."""
        if path not in self.texts:
            raise Unreadable("is not in the copy")
        return Content(self.texts[path].encode(), path)


def read_regular_file(path: str, most: int = LIMITS.octets) -> Content:
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
    too_long = TooLong(f"is longer than {most >> 20} MiB")
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
    return Content(content, (status.st_dev, status.st_ino))


def _read_chunk(descriptor: int, most: int) -> bytes:
    try:
        return os.read(descriptor, most)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error


_NOT_REGULAR = "is not a regular file"
_CHUNK = 1 << 20
