"""The state directory of a server, and how files in it are named, read and written."""

import hashlib
import os
from collections.abc import Mapping
from typing import BinaryIO

LARGEST = 16 * 1024 * 1024
"""Octets of the largest file that `read_bounded` reads."""


def state_directory(given: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the absolute path of the state directory: the given one, or the first of systemd's; None for none."""
    path = given or environment.get("STATE_DIRECTORY", "").split(":")[0]
    return os.path.abspath(path) if path else None


def name_of(path: str) -> str:
    """Return a name for the file at an absolute path in the names of other files: 12 hexadecimal digits.

    Files of the state directory have it, so that several servers of one table can share the directory.
    """
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def read_bounded(file: BinaryIO) -> bytes:
    """Return the content of a file; raise OSError, or ValueError if it is larger than `LARGEST`, with the reason."""
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024**2} MiB")
    return content


def replace_file(path: str, content: bytes, *, durable: bool, mode: int = 0o600) -> None:
    """Write a file that only its owner can read, or with another mode, and put it in the place of another.

    Raises OSError.

    At any time the path leads to the whole old file or to the whole new one; with ``durable``, also after a power cut.
    """
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        if durable:
            os.fsync(descriptor)
    os.replace(new, path)
    if durable:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
