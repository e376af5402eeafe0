"""Fingerprints of files: they differ when a file has changed, and need only stat(2) and the names in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from trualias.configuration.files import Include, Unreadable


class ExistingFile(NamedTuple):
    """The fingerprint of a file that exists; times in nanoseconds since 1970.

    ctime is compared as well as mtime, so that fixing a file's permissions triggers a reload. ``included`` is a digest
    of the fingerprints of the included files, ``newest`` their latest time.
    """

    mtime: int
    ctime: int
    size: int
    inode: int
    included: bytes = b""
    newest: int = 0

    @property
    def changed_at(self) -> int:
        """The latest time of the file and the included ones."""
        return max(self.mtime, self.ctime, self.newest)


class MissingFile(NamedTuple):
    """The fingerprint of a file that stat(2) fails for, with the text of the error."""

    reason: str


Fingerprint = ExistingFile | MissingFile


def fingerprint(path: str, includes: Sequence[Include] = (), pause: Callable[[], None] = lambda: None) -> Fingerprint:
    """Return the fingerprint of a file, and of those that it includes. Any difference is a change, also an older time.

    An included file that appears or disappears is a change; a file whose name does not match is none. ``pause`` is
    called at each included file.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        return MissingFile(error.strerror or str(error))
    included, newest = _included(includes, pause) if includes else (b"", 0)
    return ExistingFile(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, included, newest)


def _included(includes: Sequence[Include], pause: Callable[[], None]) -> tuple[bytes, int]:
    digest = blake2b()
    newest = 0
    for include in includes:
        try:
            paths = include.paths()
        except Unreadable as error:
            digest.update(repr(str(error)).encode())
            continue
        for path in paths:
            pause()
            try:
                status = os.stat(path)
            except OSError as error:
                digest.update(f"{path}\n{error.strerror}\n".encode("utf-8", "surrogateescape"))
                continue
            modified, changed = status.st_mtime_ns, status.st_ctime_ns
            seen = f"{path}\n{modified} {changed} {status.st_size} {status.st_ino}\n"
            digest.update(seen.encode("utf-8", "surrogateescape"))
            newest = max(newest, modified, changed)
    return digest.digest(), newest


class WatchedFiles:
    """A configuration's file, and those that it included when it was last read.

    A load assigns ``includes``, a thread that watches the files reads it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.includes: tuple[Include, ...] = ()

    def fingerprint(self, pause: Callable[[], None] = lambda: None) -> Fingerprint:
        """Return the fingerprint of all the files; ``pause`` is called at each included one."""
        return fingerprint(self.path, self.includes, pause)
