"""Telling that a file has changed, without reading it."""

import os

from attrs import frozen


@frozen
class Present:
    """What tells one state of a file from another without reading it.

    The time of change comes with the time of modification, so that a file is looked at again whose permissions were
    mended.
    """

    modified: int
    changed: int
    size: int
    inode: int


@frozen
class Absent:
    """There is no such file, or nobody can tell."""

    reason: str


def stamp(path: str) -> Present | Absent:
    """Look at a file; a stamp that differs from the last one, be it older, is a change."""
    try:
        status = os.stat(path)
    except OSError as error:
        return Absent(error.strerror or str(error))
    return Present(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
