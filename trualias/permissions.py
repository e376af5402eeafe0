"""Who may write to a file: what others may change, they decide about."""

import os
import stat
from pathlib import Path

ROOT = 0


def writable_by_others(path: str, owner: int | None = None) -> str | None:
    """Say how somebody but root and the server could change what a path leads to; None where nobody could.

    That is whoever may write to the file or to its folder, or to a folder above, where all could be replaced; a folder
    in which everybody may only touch his own, such as ``/tmp``, does not count for what is in it. The way to a link
    counts as does the way to where it leads. ``owner`` is the server's user id, by default this process'.

    Raises OSError where the file is missing.
    """
    trusted = {ROOT, os.geteuid() if owner is None else owner}
    ways = (Path(os.path.abspath(path)), Path(os.path.realpath(path)))
    for place in dict.fromkeys(place for way in ways for place in (way, *way.parents)):
        problem = _problem(place, trusted)
        if problem is not None:
            return problem
    return None


def _problem(place: Path, trusted: set[int]) -> str | None:
    status = place.stat()
    if status.st_uid not in trusted:
        return f"{place} belongs to user {status.st_uid}, neither root nor the server's own (chown root {place})"
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return None
    if status.st_mode & stat.S_IWOTH:
        return f"everybody may write to {place} (chmod o-w {place})"
    if status.st_mode & stat.S_IWGRP and status.st_gid != ROOT:
        return f"the group {status.st_gid} may write to {place} (chmod g-w {place})"
    return None
