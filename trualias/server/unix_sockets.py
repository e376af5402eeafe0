"""Unix sockets in the file system: their files, stale sockets, and new ones. Every function can block."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import NamedTuple


class FileIdentity(NamedTuple):
    """The identity of a file, which no other file has as long as it exists, under whatever name."""

    device: int
    inode: int


class UnixSocket(NamedTuple):
    """A socket that a process listens on, and the file that it made at ``path``."""

    path: str
    mode: int
    backlog: int
    identity: FileIdentity | None


def identity(path: str) -> FileIdentity | None:
    """Return the identity of the file at a path, without following a symbolic link; None if there is none.

    Raises OSError if that cannot be known, for example without permission to search a directory.
    """
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileIdentity(status.st_dev, status.st_ino)


def remove_stale_socket(path: str) -> None:
    """Remove a unix socket that no process listens on; raise OSError if one listens, or if the file is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, f"{path} is there and is no socket; remove it, or listen elsewhere")
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)  # connect(2) blocks while a server's backlog is full
        status = client.connect_ex(path)
    if status in (0, errno.EAGAIN):
        raise OSError(errno.EADDRINUSE, "another process is listening there")
    if status != errno.ECONNREFUSED:
        raise OSError(status, os.strerror(status))
    os.unlink(path)


def make_socket(path: str, mode: int, backlog: int) -> tuple[socket.socket, FileIdentity | None]:
    """Make a socket at a path where there is no file, and listen on it; return it and the identity of its file.

    Raises OSError, ``EADDRINUSE`` if there is a file.
    """
    made = socket.socket(socket.AF_UNIX)
    try:
        made.setblocking(False)
        made.bind(path)
        # Clients can connect from listen(2) on, when the mode is right.
        os.chmod(path, mode)
        made.listen(backlog)
        return made, identity(path)
    except BaseException:
        made.close()
        raise


def remove_socket(path: str, own: FileIdentity | None) -> None:
    """Remove the file at a path if it has this identity."""
    if own is not None and identity(path) == own:
        os.unlink(path)
