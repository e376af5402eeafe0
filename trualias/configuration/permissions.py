"""Detection of files that another user could modify or replace."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from trualias.messages import escaped

ROOT = 0

_ACCESS_LIST = "system.posix_acl_access"

MOST_LINKS = 40
"""Symbolic links that Linux follows in one path, path_resolution(7)."""


def _on_read_only_mount(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def permission_problem(path: str, on_read_only_mount: Callable[[Path], bool] = _on_read_only_mount) -> str | None:
    """Describe how a user other than root and this process' own could change the contents at a path; None if none can.

    The file, each folder on the path to it, and each symbolic link and its target's path are checked. A sticky folder,
    such as ``/tmp``, is no problem for the files in it: there users can replace only their own. Nor is anything on a
    read-only mount, such as those of Kubernetes, whose modes let all users write. What another mount of the same files
    permits cannot be seen from here.

    Raises OSError if the path leads to no file.
    """
    trusted = {ROOT, os.geteuid()}
    problems = (
        _component_problem(each, status, trusted)
        for each, status in _components(Path(path).absolute())
        # A link is on the mount of its folder, and its target perhaps on another.
        if not on_read_only_mount(each.parent if stat.S_ISLNK(status.st_mode) else each)
    )
    return next((escaped(problem) for problem in problems if problem is not None), None)


def permission_problems(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each path whose contents another user could change, and how; as ``permission_problem``, for many paths.

    The path to a folder is checked once. Files that are not there are left out, but for their folders.
    """
    folders: dict[str, str | None] = {}
    for path in paths:
        with suppress(OSError):
            folder = os.path.dirname(os.path.abspath(path))
            if folder not in folders:
                folders[folder] = permission_problem(folder)
                if folders[folder] is not None:
                    yield folder, folders[folder] or ""
            file = Path(path).absolute()
            status = file.lstat()
            is_link = stat.S_ISLNK(status.st_mode)
            problem = permission_problem(path) if is_link else _file_problem(file, status)
            if problem is not None and problem != folders[folder]:
                yield path, problem


def _file_problem(file: Path, status: os.stat_result) -> str | None:
    problem = _component_problem(file, status, {ROOT, os.geteuid()})
    return None if problem is None or _on_read_only_mount(file) else escaped(problem)


def root_only(path: str) -> str | None:
    """Describe why root alone can read the file at a path; None if the permissions allow another user, or a group, to.

    Raises OSError if the path leads to no file.
    """
    for component, status in _components(Path(path).absolute()):
        others = 0o011 if stat.S_ISDIR(status.st_mode) else 0o044
        is_link = stat.S_ISLNK(status.st_mode)
        if status.st_uid == ROOT and not is_link and not status.st_mode & others:
            verb = "enter" if stat.S_ISDIR(status.st_mode) else "read"
            return escaped(f"only root can {verb} {component}")
    return None


def _components(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Resolve a path as the kernel does; yield each folder and symbolic link on the way, and then the file."""
    folder = Path()
    remaining = [*reversed(path.parts)]
    links = 0
    while remaining:
        part = remaining.pop()
        # The first part of an absolute link is "/", which replaces the folder.
        component = folder.parent if part == os.pardir else folder / part
        status = component.lstat()
        yield component, status
        if not stat.S_ISLNK(status.st_mode):
            folder = component
        elif links < MOST_LINKS:
            links += 1
            remaining += reversed(component.readlink().parts)
        else:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(component))


def _component_problem(path: Path, status: os.stat_result, trusted: set[int]) -> str | None:
    is_link = stat.S_ISLNK(status.st_mode)
    if status.st_uid not in trusted:
        chown = "chown -h root" if is_link else "chown root"
        return f"{path} belongs to user {status.st_uid}, neither root nor the user that loads it ({chown} {path})"
    if is_link or (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return None
    if status.st_mode & stat.S_IWOTH:
        return f"any user may write to {path} (chmod o-w {path})"
    if status.st_mode & stat.S_IWGRP and _has_access_list(path):
        # The group bits of the mode are then the list's mask: the most that any of its entries grants, acl(5).
        return f"an access list may let others write to {path} (getfacl {path}; setfacl -b {path})"
    if status.st_mode & stat.S_IWGRP and status.st_gid != ROOT:
        return f"the group {status.st_gid} may write to {path} (chmod g-w {path})"
    return None


def _has_access_list(path: Path) -> bool:
    try:
        return _ACCESS_LIST in os.listxattr(path)
    except (AttributeError, OSError):  # not Linux, or a file system without access lists
        return False
