"""What systemd is told of the server's life, where it asks for it: sd_notify(3), with no library between.

Nothing of this raises: a server that answers is worth more than one that tells about it.
"""

import socket
import time
from collections.abc import Callable, Mapping

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.internet.task import LoopingCall

from trualias.log import logger
from trualias.lookup import CurrentSnapshot

_log = logger(__name__)


class Reactor(IReactorCore, IReactorTime):
    """What is needed of a reactor."""


class SystemdNotifier:
    """The one that wants to be told, from ``NOTIFY_SOCKET`` in the environment; where there is none, nobody is told."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # The first byte of an abstract socket's name is NUL, which no environment can hold.
        self._address = "\0" + path[1:] if path.startswith("@") else path

    def notify(self, *lines: str) -> None:
        """Send assignments, such as ``READY=1``, in one message."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            _log.warn("systemd was not told {lines}: {error}", lines=" ".join(lines), error=str(error))


def watchdog_seconds(environment: Mapping[str, str], pid: int) -> float | None:
    """Tell how long systemd waits for a sign of life; None where it does not ask this process for one."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    return int(microseconds) / 1_000_000


class NotifyService(Service):
    """Tells when the server is ready, loads and stops, what it answers by, and from the reactor that it lives.

    Args:
        reactor: whose turning is the sign of life.
        supervisor: who is told.
        watchdog: seconds within which a sign of life is wanted; None for none.
        current: hold the configuration in use.
        monotonic: tells the microseconds of CLOCK_MONOTONIC.

    """

    name = "notify"

    def __init__(
        self,
        reactor: Reactor,
        supervisor: SystemdNotifier,
        watchdog: float | None,
        current: CurrentSnapshot,
        monotonic: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000,
    ) -> None:
        self._reactor = reactor
        self._supervisor = supervisor
        self._watchdog = watchdog
        self._current = current
        self._monotonic = monotonic
        self._living = LoopingCall(supervisor.notify, "WATCHDOG=1")
        self._living.clock = reactor

    def startService(self) -> None:
        """Tell that the server is ready, once all of it has started and the reactor turns."""
        super().startService()
        self._reactor.callWhenRunning(self._ready)

    def _ready(self) -> None:
        if not self.running:
            return
        self._supervisor.notify("READY=1", self._status())
        if self._watchdog is not None:
            self._living.start(self._watchdog / 2)

    def stopService(self) -> None:
        """Tell that the server stops."""
        super().stopService()
        self._supervisor.notify("STOPPING=1")
        if self._living.running:
            self._living.stop()

    def load_begun(self) -> None:
        """Tell that a configuration is being loaded."""
        if not self.running:
            return
        self._supervisor.notify("RELOADING=1", f"MONOTONIC_USEC={self._monotonic()}")

    def load_ended(self, loaded: bool) -> None:
        """Tell that the server is as ready as before, and by what it answers; after its end it is not ready again."""
        if not self.running:
            return
        problem = "" if loaded else "; the last change has errors, which are in the log"
        self._supervisor.notify("READY=1", self._status() + problem)

    def _status(self) -> str:
        return f"STATUS={self._current.snapshot.configuration.policy.size}"
