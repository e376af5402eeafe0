"""Notifications to systemd by the protocol of sd_notify(3), without a library.

No failure in here is raised: lookups matter more than notifications.
"""

import socket
import time
from collections.abc import Callable, Mapping

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.internet.task import LoopingCall

from trualias.configuration import Configuration
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server.reload_listener import ReloadListener

_log = logger(__name__)


class Reactor(IReactorCore, IReactorTime):
    """The interfaces that the service needs of its reactor."""


class SystemdNotifier:
    """Sends notifications to the socket named by ``NOTIFY_SOCKET`` in the environment; without it, sends none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket's name begins with a NUL byte, written as "@" since no environment can hold one.
        self._address = "\0" + path[1:] if path.startswith("@") else path

    def notify(self, *assignments: str) -> None:
        """Send assignments, such as ``READY=1``, in one message."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(assignments).encode(), self._address)
        except OSError as error:
            _log.warn(
                "cannot notify systemd of {assignments}: {error}", assignments=" ".join(assignments), error=str(error)
            )


def watchdog_seconds(environment: Mapping[str, str], process_id: int) -> float | None:
    """Return the longest time between two watchdog notifications, sd_watchdog_enabled(3); None if none are wanted."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if environment.get("WATCHDOG_PID", str(process_id)) != str(process_id):
        return None
    return int(microseconds) / 1_000_000


class SystemdService(Service, ReloadListener):
    """Notifies systemd when the server is ready, reloads and stops, and sends watchdog notifications from the reactor.

    Args:
        reactor: its timers send the watchdog notifications, so that these end if it hangs.
        notifier: sends the notifications.
        watchdog: the longest time between two watchdog notifications in seconds; None for none.
        current: holds the snapshot in use.
        loads: counts its loads.
        monotonic: returns the microseconds of CLOCK_MONOTONIC.

    """

    name = "systemd"

    def __init__(
        self,
        reactor: Reactor,
        notifier: SystemdNotifier,
        watchdog: float | None,
        current: CurrentSnapshot,
        loads: LoadCounters,
        monotonic: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000,
    ) -> None:
        self._reactor = reactor
        self._notifier = notifier
        self._watchdog = watchdog
        self._current = current
        self._loads = loads
        self._monotonic = monotonic
        self._watchdog_calls = LoopingCall(notifier.notify, "WATCHDOG=1")
        self._watchdog_calls.clock = reactor

    def startService(self) -> None:
        """Report that the server is ready once all services have started and the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._report_ready)

    def stopService(self) -> None:
        """Report that the server stops."""
        super().stopService()
        self._notifier.notify("STOPPING=1")
        if self._watchdog_calls.running:
            self._watchdog_calls.stop()

    def begun(self) -> None:
        """Report that a configuration is being loaded."""
        if self.running:
            self._notifier.notify("RELOADING=1", f"MONOTONIC_USEC={self._monotonic()}")

    def applied(self, configuration: Configuration) -> None:
        """Report the size of the new configuration."""
        if self.running:
            self._notifier.notify("READY=1", self._status())

    def failed(self) -> None:
        """Report that the previous configuration stays in use."""
        if self.running:
            self._notifier.notify("READY=1", self._status())

    def _report_ready(self) -> None:
        if not self.running:
            return
        self._notifier.notify("READY=1", self._status())
        if self._watchdog is not None:
            self._watchdog_calls.start(self._watchdog / 2)

    def _status(self) -> str:
        status = f"STATUS={self._current.snapshot.configuration.policy.size}"
        if self._loads.fallback:
            return f"{status}; in use is {self._loads.fallback}, since the file has errors, which are in the log"
        return status if self._loads.current else f"{status}; the last change has errors, which are in the log"
