"""Fingerprints of files: they differ when a file has changed, and need only stat(2)."""

import os

from attrs import frozen


@frozen
class ExistingFile:
    """The fingerprint of a file that exists; times in nanoseconds since 1970.

    ctime is compared as well as mtime, so that fixing a file's permissions triggers a reload.
    """

    mtime: int
    ctime: int
    size: int
    inode: int


@frozen
class MissingFile:
    """The fingerprint of a file that stat(2) fails for, with the text of the error."""

    reason: str


Fingerprint = ExistingFile | MissingFile


def fingerprint(path: str) -> Fingerprint:
    """Return the fingerprint of a file. Any difference is a change, also an older time."""
    try:
        status = os.stat(path)
    except OSError as error:
        return MissingFile(error.strerror or str(error))
    return ExistingFile(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
