"""Who may write to a file: what others may change, they decide about."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

ROOT = 0

_ACCESS_LIST = "system.posix_acl_access"

MOST_LINKS = 40
"""How many links Linux follows on the way to a file, path_resolution(7)."""


def writable_by_others(path: str) -> str | None:
    """Say how somebody but root and the user of this process could change what a path leads to; None where nobody can.

    That is whoever may write to the file or to a folder on the way there, where all could be replaced; a folder in
    which everybody may only touch his own, such as ``/tmp``, does not count for what is in it. A link on the way counts
    as does a file, and the way that it leads counts as well.

    Raises OSError where the path leads to no file.
    """
    trusted = {ROOT, os.geteuid()}
    problems = (_problem(path, status, trusted) for path, status in _way(Path(path).absolute()))
    return next(filter(None, problems), None)


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Go part by part, as the system does, and give each folder and each link on the way, and then the file."""
    here = Path()
    ahead = [*reversed(path.parts)]
    links = 0
    while ahead:
        part = ahead.pop()
        path = here.parent if part == os.pardir else here / part  # an absolute link has "/" for its first part
        status = path.lstat()
        yield path, status
        if not stat.S_ISLNK(status.st_mode):
            here = path
        elif links < MOST_LINKS:
            links += 1
            ahead += reversed(path.readlink().parts)
        else:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _problem(path: Path, status: os.stat_result, trusted: set[int]) -> str | None:
    is_link = stat.S_ISLNK(status.st_mode)
    if status.st_uid not in trusted:
        chown = "chown -h root" if is_link else "chown root"
        return f"{path} belongs to user {status.st_uid}, neither root nor the user that loads it ({chown} {path})"
    if is_link or (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return None
    if status.st_mode & stat.S_IWOTH:
        return f"everybody may write to {path} (chmod o-w {path})"
    if status.st_mode & stat.S_IWGRP and _has_access_list(path):
        # The group's part of the mode is then the most that the list gives anybody, acl(5).
        return f"an access list may let others write to {path} (getfacl {path}; setfacl -b {path})"
    if status.st_mode & stat.S_IWGRP and status.st_gid != ROOT:
        return f"the group {status.st_gid} may write to {path} (chmod g-w {path})"
    return None


def _has_access_list(path: Path) -> bool:
    try:
        return _ACCESS_LIST in os.listxattr(path)
    except (AttributeError, OSError):  # not Linux, or a file system without such lists
        return False
