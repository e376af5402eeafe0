"""The first load of the configuration, before the reactor runs, with the safeguards of a reload."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from trualias.configuration import Configuration, ConfigurationErrors, PolicyError, parse_configuration
from trualias.configuration.files import CopyAccess
from trualias.configuration.fingerprint import Fingerprint, MissingFile, WatchedFiles
from trualias.configuration.reader import read_texts
from trualias.language.source import Source
from trualias.log import logger
from trualias.lookup import Snapshot
from trualias.lookup.loading import STABLE_SECONDS, OtherIncludes, load_snapshot, make_snapshot
from trualias.server.kept_copy import KeptCopy, UnusableCopy, read_copy
from trualias.server.safeguards import check_content

_log = logger(__name__)

WAIT_SECONDS = 30
"""The longest wait for a file that keeps changing, or whose filesystem does not respond."""

RECENT_SECONDS = 1
"""A file that changed within this time may still be being written."""

EXTEND_SECONDS = 10
"""The time that systemd is asked for again and again during a wait."""

_EXPOSING_SETTINGS = ("ALLOW", "LISTEN", "METRICS")

_UNKNOWN = MissingFile("not examined")
"""Differs from every fingerprint of a file, so that the first check loads it."""


class CannotStart(Exception):
    """Neither the file nor its kept copy can be used; ``str()`` has all errors."""


class FirstLoad(NamedTuple):
    """The result of a first load.

    ``seen`` is the fingerprint of the file from before its load; ``kept`` is the kept copy, if there is one;
    ``is_fallback``: the snapshot was loaded from it. ``files`` are the files to watch.
    """

    snapshot: Snapshot
    seen: Fingerprint
    kept: KeptCopy | None
    is_fallback: bool
    files: WatchedFiles


class FirstLoader:
    """Loads the first configuration.

    Args:
        path: of the file, absolute.
        copy: the path of the kept copy; None if it must not be used.
        check: raises ``ConfigurationErrors`` for a configuration that cannot be used.
        notify: sends assignments to systemd.
        sleep, monotonic, time_of_day: as in the module ``time``.

    """

    def __init__(
        self,
        path: str,
        copy: str | None,
        check: Callable[[Configuration], None],
        notify: Callable[..., None],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._files = WatchedFiles(path)
        self._copy = copy
        self._check = check
        self._notify = notify
        self._sleep = sleep
        self._monotonic = monotonic
        self._time_of_day = time_of_day
        self._deadline = monotonic() + WAIT_SECONDS
        self._logged_wait = False
        self._seen: Fingerprint = _UNKNOWN

    def load(self) -> FirstLoad:
        """Load the file, or else the kept copy; raise ``CannotStart``."""
        kept, problem = self._read_copy()
        try:
            self._wait_for_answer()
            snapshot = self._load_stable(kept)
        except ConfigurationErrors as errors:
            if kept is None:
                raise CannotStart(f"{errors}\n{problem}" if problem else str(errors)) from None
            return self._load_copy(kept, errors)
        return FirstLoad(snapshot, self._seen, kept, False, self._files)

    def _read_copy(self) -> tuple[KeptCopy | None, str]:
        """Return the kept copy, or None and the reason why it cannot be used, if there is one."""
        if self._copy is None:
            return None, ""
        try:
            kept = read_copy(self._copy)
            # A server that is started with another file must use that configuration.
            return (kept if kept is not None and kept.path == self._path else None), ""
        except UnusableCopy as error:
            problem = f"the kept copy cannot be used: {error}"
            _log.warn("{problem}", problem=problem)
            return None, problem

    def _wait_for_answer(self) -> None:
        """Return once the file has been read; raise ``ConfigurationErrors`` if its filesystem does not respond."""

        def read() -> None:
            read_texts(self._path)

        thread = threading.Thread(target=read, name="first read of the configuration", daemon=True)
        thread.start()
        thread.join(1)
        while thread.is_alive():
            self._wait_longer(
                "its filesystem does not respond", f"its filesystem has not responded for {WAIT_SECONDS} s"
            )
            thread.join(1)

    def _load_stable(self, kept: KeptCopy | None) -> Snapshot:
        """Load the file. If its times are recent, wait until it has not changed for ``STABLE_SECONDS``."""
        self._seen = self._files.fingerprint()
        while True:
            if self._is_recent(self._seen):
                self._sleep(STABLE_SECONDS)
                if self._has_changed():
                    continue
            try:
                snapshot = load_snapshot(self._path, stable=self._seen, files=self._files)
                self._check(snapshot.configuration)
                if kept is not None:
                    check_content(snapshot.configuration, kept.extent)
                return snapshot
            except OtherIncludes:
                self._seen = self._files.fingerprint()
            except ConfigurationErrors:
                if not self._has_changed():
                    raise

    def _has_changed(self) -> bool:
        """Return whether the file has changed since the last call; raise ``ConfigurationErrors`` if it always does."""
        before, self._seen = self._seen, self._files.fingerprint()
        if self._seen == before:
            return False
        self._wait_longer("it is being changed", f"has been changing for {WAIT_SECONDS} s")
        return True

    def _is_recent(self, seen: Fingerprint) -> bool:
        """Return whether a file changed within the last second, or in the future."""
        if isinstance(seen, MissingFile):
            return False
        return seen.changed_at > (self._time_of_day() - RECENT_SECONDS) * 1e9

    def _wait_longer(self, reason: str, problem: str) -> None:
        """Report a wait; raise ``ConfigurationErrors`` with the problem if it has been too long."""
        if self._monotonic() >= self._deadline:
            self._seen = _UNKNOWN
            raise ConfigurationErrors([PolicyError(Source("", self._path), 0, problem)])
        self._notify(f"EXTEND_TIMEOUT_USEC={EXTEND_SECONDS * 1_000_000}", f"STATUS=waiting for {self._path}: {reason}")
        if not self._logged_wait:
            self._logged_wait = True
            _log.warn(
                "waiting up to {seconds} s for {path}: {reason}", seconds=WAIT_SECONDS, path=self._path, reason=reason
            )

    def _load_copy(self, kept: KeptCopy, errors: ConfigurationErrors) -> FirstLoad:
        if isinstance(errors.__cause__, OSError):
            self._seen = _UNKNOWN
        try:
            snapshot = make_snapshot(parse_configuration(kept.text, self._path, access=CopyAccess(kept.included)))
            self._check(snapshot.configuration)
        except ConfigurationErrors as unusable:
            raise CannotStart(f"{errors}\n{kept.description} has errors as well:\n{unusable}") from None
        _log.error(
            "{path} cannot be used, and the server starts with {copy}, the configuration that was last in use; "
            "{comparison}\n{errors}",
            path=self._path,
            copy=kept.description,
            comparison="the file was not read" if self._seen is _UNKNOWN else _compare_settings(self._path, kept),
            errors=str(errors),
        )
        return FirstLoad(snapshot, self._seen, kept, True, self._files)


def _compare_settings(path: str, kept: KeptCopy) -> str:
    """Describe which settings that expose the server differ between files with errors and their kept texts."""
    texts = read_texts(path)
    if not texts:
        return "the file cannot be read"
    before = [kept.text, *kept.included.values()]
    different = [name for name in _EXPOSING_SETTINGS if _values(texts, name) != _values(before, name)]
    if not different:
        return f"{', '.join(_EXPOSING_SETTINGS)} are the same in both"
    return f"in the file, {', '.join(different)} {'differs' if len(different) == 1 else 'differ'}"


def _values(texts: Iterable[str], name: str) -> list[str]:
    found = [value for text in texts for value in re.findall(rf"(?m)^[^\S\n]*{name}[^\S\n]*:(.*)$", text)]
    return [" ".join(value.split()) for value in found]
