"""The files of the statuses of servers in a state directory: their names, and how they are read and written."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from trualias.monitoring.status import Status, UnusableStatus, boot_id, status_clock
from trualias.state_files import name_of, read_bounded, replace_file

_SUFFIX = ".status"


class StatusFile:
    """The status of this process; servers of one table with different configurations have different files.

    Args:
        state: the state directory.
        table: the table that the server's line protocol answers from.
        configuration: the absolute path of its file.

    """

    def __init__(self, state: str, table: str, configuration: str) -> None:
        self.path = os.path.join(state, f"{table}-{name_of(configuration)}{_SUFFIX}")
        self._state = state
        self._table = table
        self._configuration = configuration
        self._is_first = True

    def write(self, content: bytes) -> None:
        """Write the status; the first time, remove those that no server replaces any more. Raises OSError."""
        replace_file(self.path, content, durable=False)
        if self._is_first:
            self._is_first = False
            with suppress(OSError):  # the directory cannot be listed
                self._remove_left()

    def _remove_left(self) -> None:
        for path in status_paths(self._state, self._table):
            if path != self.path and self._is_left(path):
                with suppress(OSError):  # another server has just removed it, or it is another user's
                    os.unlink(path)

    def remove(self) -> None:
        """Remove the status, but not that of another process in its place."""
        with suppress(OSError):  # it was never written, or is on a disk that is gone
            with suppress(UnusableStatus):
                if read_status(self.path)[0].pid != os.getpid():
                    return
            os.unlink(self.path)

    def _is_left(self, path: str) -> bool:
        """Return whether a status is left from an earlier version, by a server whose file is gone, or is damaged."""
        try:
            status, is_fresh = read_status(path)
        except UnusableStatus:
            return True
        except OSError:
            return False
        return status.path == self._configuration or (not is_fresh and _is_gone(status.path))


def status_paths(state: str, table: str) -> list[str]:
    """Return the paths of the statuses of a table's servers, also by the name of earlier versions; raise OSError.

    A state directory that is not there has none.
    """
    try:
        names = os.listdir(state)
    except FileNotFoundError:
        return []
    return [
        os.path.join(state, name)
        for name in sorted(names)
        if name == f"{table}{_SUFFIX}" or (name.startswith(f"{table}-") and name.endswith(_SUFFIX))
    ]


def read_status(path: str) -> tuple[Status, bool]:
    """Return the status in a file, and whether it is fresh; raise OSError or ``UnusableStatus``."""
    with open(path, "rb") as file:
        try:
            status = Status.from_json(read_bounded(file))
        except ValueError as error:
            raise UnusableStatus from error
        age = time.time() - os.fstat(file.fileno()).st_mtime
    return status, status.is_fresh(boot_id(), status_clock(), age)


def _is_gone(path: str) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
