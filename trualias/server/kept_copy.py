"""The copy of the last configuration in use, from which a server starts if the file cannot be used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from glob import escape, glob
from pathlib import Path

from attrs import Factory, asdict, evolve, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration import Configuration
from trualias.configuration.permissions import permission_problem
from trualias.configuration.tables import Table
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server.daemon_thread import Worker
from trualias.server.reload import STOP_SECONDS
from trualias.server.reload_listener import ReloadListener
from trualias.server.safeguards import Extent
from trualias.state_files import name_of, replace_file

_log = logger(__name__)

WRITE_SECONDS = 60
"""The longest that the writing of a copy may take before the next one is written beside it."""


class UnusableCopy(Exception):
    """There is a copy that cannot be used; ``str()`` is the reason."""


@frozen
class KeptCopy:
    """The text of a configuration, the path of its file, when it was kept, in seconds since 1970, and its extent.

    ``included`` are the texts of the files that it includes, by their paths.
    """

    path: str
    text: str
    kept_at: float
    extent: Extent
    included: Mapping[str, str] = Factory(dict)

    @property
    def description(self) -> str:
        """The date of the copy, for messages."""
        return f"the copy of {datetime.fromtimestamp(self.kept_at).astimezone():%Y-%m-%d %H:%M:%S %z}"


def copy_path(state: str, table: Table, configuration: str) -> str:
    """Return the path, in the state directory, of a table's copy of the configuration at an absolute path.

    Servers of one table with different files have different copies.
    """
    return os.path.join(state, f"{table.value}-{name_of(configuration)}.kept")


def path_to_read(state: str, table: Table, configuration: str) -> str:
    """Return the path of the copy to start from: that of earlier versions, named by the table, if there is no other."""
    path = copy_path(state, table, configuration)
    return path if os.path.lexists(path) else _path_before(state, table)


def latest_copy(state: str, table: Table) -> KeptCopy | None:
    """Return the copy that a table has kept last, of any file; None if there is none that can be used."""
    found = []
    for path in (_path_before(state, table), *glob(os.path.join(escape(state), f"{table.value}-*.kept"))):
        with suppress(UnusableCopy):
            found.append(read_copy(path))
    return max(filter(None, found), key=lambda copy: copy.kept_at, default=None)


def _path_before(state: str, table: Table) -> str:
    return os.path.join(state, f"{table.value}.kept")


def read_copy(path: str) -> KeptCopy | None:
    """Return the copy at a path, or None if there is none; raise ``UnusableCopy``.

    The first line is JSON, with a checksum of the texts that follow, and the octets of each included one.
    """
    try:
        content = Path(path).read_bytes()
        problem = permission_problem(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableCopy(f"{path} cannot be read: {error.strerror}") from error
    if problem is not None:
        raise UnusableCopy(f"others could change {path}: {problem}")
    head, _, text = content.partition(b"\n")
    try:
        header = json.loads(head)
        if header["sha256"] != hashlib.sha256(text).hexdigest():
            raise UnusableCopy(f"{path} is damaged")
        included = {}
        octets = len(text) - sum(size for _, size in header.get("included", ()))
        main, at = text[:octets], octets
        for included_path, size in header.get("included", ()):
            included[str(included_path)] = text[at : at + size].decode()
            at += size
        extent = Extent(**header["extent"])
        kept_at = float(header["kept_at"])
        datetime.fromtimestamp(kept_at).astimezone()  # raises for a number that is no time
        return KeptCopy(str(header["path"]), main.decode(), kept_at, extent, included)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise UnusableCopy(f"{path} is damaged") from error


def write_copy(path: str, copy: KeptCopy) -> None:
    """Write a copy, unless there is one with this text; raise OSError."""
    try:
        kept = read_copy(path)
    except UnusableCopy:
        kept = None
    if kept is not None and evolve(kept, kept_at=copy.kept_at) == copy:
        return
    texts = [text.encode() for text in (copy.text, *copy.included.values())]
    text = b"".join(texts)
    header = {
        "path": copy.path,
        "kept_at": copy.kept_at,
        "extent": asdict(copy.extent),
        "included": [(name, len(octets)) for name, octets in zip(copy.included, texts[1:], strict=True)],
        "sha256": hashlib.sha256(text).hexdigest(),
    }
    replace_file(path, json.dumps(header).encode() + b"\n" + text, durable=True)


@frozen(eq=False, repr=False)
class CopyHealth:
    """The remark of ``/healthz`` that a kept copy is in use."""

    loads: LoadCounters

    def problem(self) -> None:
        """Return no problem: the server answers."""

    def remarks(self) -> Sequence[str]:
        """Name the copy."""
        return [f"started from {self.loads.fallback}, since the file cannot be used"] if self.loads.fallback else []


class CopyService(Service, ReloadListener):
    """Keeps a copy of each configuration that comes into use.

    Args:
        path: of the copy.
        current: holds the snapshot in use.
        clock: the reactor's.
        worker: writes the copies.
        time_of_day: returns seconds since 1970.

    """

    name = "copy"

    def __init__(
        self,
        path: str,
        current: CurrentSnapshot,
        clock: IReactorTime,
        worker: Worker,
        time_of_day: Callable[[], float],
    ) -> None:
        self._path = path
        self._current = current
        self._clock = clock
        self._worker = worker
        self._time_of_day = time_of_day
        self._begun: float | None = None
        self._next: KeptCopy | None = None
        self._ended: Deferred[None] | None = None
        self._logged = ""

    def startService(self) -> None:
        """Keep the configuration that the server started with."""
        super().startService()
        self.applied(self._current.snapshot.configuration)

    def stopService(self) -> Deferred[None] | None:
        """Wait for the current write; the Deferred fires when it has ended, or after ``STOP_SECONDS``."""
        super().stopService()
        self._next = None
        if self._begun is None:
            return None
        self._ended = Deferred()
        return self._ended.addTimeout(STOP_SECONDS, self._clock, onTimeoutCancel=lambda failure, seconds: None)

    def applied(self, configuration: Configuration) -> None:
        """Keep a copy of a configuration."""
        # The copy refers to the texts alone, so that the configuration can be freed.
        extent = Extent.of(configuration)
        included = configuration.included
        self._next = KeptCopy(configuration.name, configuration.text, self._time_of_day(), extent, included)
        if self._begun is not None and self._clock.seconds() >= self._begun + WRITE_SECONDS:
            self._worker.abandon()
        self._write_next()

    def _write_next(self) -> None:
        if self._begun is not None or self._next is None or not self._worker.available:
            return
        copy, self._next = self._next, None
        self._begun = self._clock.seconds()
        writing = self._worker.run(partial(write_copy, self._path, copy))
        writing.addCallbacks(self._handle_success, self._handle_failure)
        writing.addCallback(self._end_write)

    def _handle_success(self, _: None) -> None:
        self._logged = ""

    def _handle_failure(self, failure: Failure) -> None:
        reason = f"{failure.type.__name__ if failure.type else ''}: {failure.getErrorMessage()}"
        if reason != self._logged:
            self._logged = reason
            _log.warn(
                "no copy of the configuration can be kept at {path}, and a start needs a file without errors: {reason}",
                path=self._path,
                reason=reason,
            )

    def _end_write(self, _: None) -> None:
        self._begun = None
        ended, self._ended = self._ended, None
        if ended is not None:
            ended.callback(None)
        self._write_next()
