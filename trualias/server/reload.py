"""The configuration in use: loaded anew after each change of its file, beside the lookups."""

import errno
import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.configuration import Configuration
from trualias.configuration.fingerprint import Fingerprint, MissingFile, fingerprint
from trualias.language.source import ConfigurationErrors
from trualias.log import logger
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.counters import Loads
from trualias.protocols.clients import GracefulShutdownService
from trualias.server import gc_tuning as memory
from trualias.server.periodic import every

_log = logger(__name__)

WATCH_SECONDS = 2

# How long a load that runs sleeps each time that it gives way to the lookups, in seconds.
YIELD_SECONDS = 0.001

# Why a file that is there cannot be read for now: no more descriptors or memory, a disk or a network that fails.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EAGAIN, errno.ESTALE})


def _yield_to_reactor() -> None:
    """Let the reactor's thread run; called by another one."""
    time.sleep(YIELD_SECONDS)


def _forget(parts: list[object], with_hooks: bool) -> None:
    memory.release(parts, _yield_to_reactor)
    if with_hooks:
        memory.collect_all()


class LoadAbandoned(Exception):
    """The server stops, so that nobody waits for this load any more."""


_Result = TypeVar("_Result")


class InThread(Protocol):
    """Runs a function outside the reactor's thread."""

    def __call__(self, function: Callable[[], _Result], /) -> "Deferred[_Result]":
        """Return a Deferred of what the function returns."""
        ...


class LoadWatcher(Protocol):
    """Who is told of each load after the first."""

    def load_begun(self) -> None:
        """Hear that a load begins."""

    def load_ended(self, loaded: bool) -> None:
        """Hear that it has ended, and whether a new configuration is in use."""


class AliasService(Service):
    """Watches the configuration, loads it anew after each change, and swaps it in.

    There is always a configuration in use: one that cannot be loaded is logged, once for each change of the file. Never
    do two loads run at the same time; a change during a load is loaded after it.

    ``loads`` counts what became of them.

    Args:
        path: the configuration file, absolute.
        seen: the stamp of the file from before it was loaded for the first time.
        current: where the loaded snapshot is put.
        effects: told of each configuration that came into use.
        clock: of the reactor.
        in_thread: runs a load outside the reactor's thread.
        check: raises `ConfigurationErrors` for what else is wrong with a configuration that was loaded.
        watchers: told when a load begins and ends.
        settle: returns the stamp of the file when it is whole, raises `ConfigurationErrors` where it does not become
            so; it is given what to call while it waits, and is called in the thread of the load.
        time_of_day: tells the seconds since 1970, for ``loads``. The reactor's go on from the time at its start, which
            a machine without a clock of its own learns later.

    """

    name = "aliases"

    def __init__(
        self,
        path: str,
        seen: Fingerprint,
        current: CurrentSnapshot,
        effects: Iterable[Callable[[Configuration], None]],
        clock: IReactorTime,
        in_thread: InThread,
        check: Callable[[Configuration], None] = lambda configuration: None,
        watchers: Iterable[LoadWatcher] = (),
        wait_until_stable: Callable[[Callable[[], None]], Fingerprint] | None = None,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._wait_until_stable = wait_until_stable or (lambda pause: fingerprint(path))
        self.loads = Loads(time_of_day())
        self._check = check
        self._clock = clock
        self._time_of_day = time_of_day
        self._watchers = tuple(watchers)
        self._path = path
        self._seen = seen
        self._current = current
        self._effects = tuple(effects)
        self._in_thread = in_thread
        self._watching = every(clock, WATCH_SECONDS, self._watch)
        self._loading: Deferred[None] | None = None
        self._again = False
        self._stopping = False

    def startService(self) -> None:
        """Begin to watch."""
        super().startService()
        self._stopping = False
        self._tell_loaded()
        self._watching.start(WATCH_SECONDS, now=False)

    def stopService(self) -> "Deferred[None] | None":
        """Stop watching; the Deferred fires when a load that still runs has ended, or is not worth the wait.

        A load gives up when it is told to, but a hook may take its time.
        """
        super().stopService()
        self._stopping = True
        self._watching.stop()
        if self._loading is None:
            return None
        ended: Deferred[None] = Deferred()
        self._loading.addCallback(ended.callback)
        return ended.addTimeout(
            GracefulShutdownService.PATIENCE, self._clock, onTimeoutCancel=lambda failure, seconds: None
        )

    def load(self) -> None:
        """Load the file now, changed or not; where a load runs already, load once more after it."""
        if self._loading is not None:
            self._again = True
            return
        # Before it is read: what is written meanwhile is a change that the next look will see.
        self._seen = fingerprint(self._path)
        if isinstance(self._seen, MissingFile):
            self._fail()
            _log.error(
                "{path}: {reason}; the configuration from before stays in use until it is back",
                path=self._path,
                reason=self._seen.reason,
            )
            return
        self._loading = Deferred()
        for watcher in self._watchers:
            watcher.load_begun()
        loading = maybeDeferred(self._in_thread, self._load_apart)
        loading.addCallbacks(self._swap, self._keep)
        loading.addErrback(lambda failure: _log.failure("A new configuration had no full effect", failure))
        loading.addCallback(self._end_load)

    def _watch(self, count: int) -> None:
        if fingerprint(self._path) != self._seen:
            self.load()

    def _load_apart(self) -> Snapshot:
        """Load, in another thread than the reactor's."""
        try:
            self._seen = self._wait_until_stable(self._pause)
            with memory.growing():
                snapshot = load_snapshot(self._path, self._pause, self._seen)
            self._check(snapshot.configuration)
            return snapshot
        except ConfigurationErrors as errors:
            if isinstance(errors.__cause__, OSError) and errors.__cause__.errno in _PASSING:
                # The file need not change for the next attempt to succeed.
                self._seen = MissingFile(str(errors))
            # The traceback would keep all that was read until somebody forgets the errors.
            raise errors.with_traceback(None) from None

    def _pause(self) -> None:
        if self._stopping:
            raise LoadAbandoned
        _yield_to_reactor()

    def _swap(self, snapshot: Snapshot) -> "Deferred[None]":
        before, self._current.snapshot = self._current.snapshot, snapshot
        self.loads.succeed(self._time_of_day())
        self._tell_ended(True)
        for effect in self._effects:
            effect(snapshot.configuration)
        self._tell_loaded()
        parts = before.configuration.policy.parts()
        # A module and its functions are in cycles, which only the garbage collector ends.
        with_hooks = before.hooks is not None
        return self._in_thread(lambda: _forget(parts, with_hooks))

    def _tell_loaded(self) -> None:
        size = self._current.snapshot.configuration.policy.size
        _log.info("{path} is loaded: {size}", path=self._path, size=size)

    def _tell_ended(self, loaded: bool) -> None:
        for watcher in self._watchers:
            watcher.load_ended(loaded)

    def _fail(self) -> None:
        self.loads.fail()
        self._tell_ended(False)

    def _keep(self, failure: Failure) -> None:
        if failure.check(LoadAbandoned):
            return
        self._fail()
        if failure.check(ConfigurationErrors):
            _log.error(
                "{path} has errors; the configuration from before stays in use\n{errors}",
                path=self._path,
                errors=failure.value,
            )
        else:
            _log.failure(
                "{path} cannot be loaded; the configuration from before stays in use", failure, path=self._path
            )

    def _end_load(self, _: object) -> None:
        ended, self._loading = self._loading, None
        again, self._again = self._again, False
        if again and not self._stopping:
            self.load()
        assert ended is not None
        ended.callback(None)
