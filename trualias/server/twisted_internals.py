"""All uses of Twisted's internals, each with its reason and the Twisted issue that would make it unnecessary."""

import re
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorCore, IReactorTime
from twisted.internet.tcp import Port, _reservedFD
from twisted.internet.unix import Port as UNIXPort
from twisted.logger import LogEvent
from twisted.python import log

from trualias.log import logger

_log = logger(__name__)

LEGACY_NAMESPACE = "log_legacy"
"""The namespace of messages that ``twisted.python.log`` writes: the name of a module that does not exist."""

_PORT_MESSAGE = re.compile(r".* starting on .*|\((\S+ )?Port .* Closed\)", re.DOTALL)


def is_port_message(event: LogEvent) -> bool:
    """Return whether an event is Twisted's message about a port that opens or closes.

    ListeningService logs these with the address. ``noisy`` of a factory does not silence them.
    """
    if event.get("log_namespace") != LEGACY_NAMESPACE or event.get("isError"):
        return False
    return _PORT_MESSAGE.fullmatch(" ".join(map(str, event.get("message", ())))) is not None


def set_reactor_clock(reactor: IReactorTime, seconds: Callable[[], float]) -> None:
    """Replace the clock that a reactor schedules by.

    Twisted's is the time of day, and there is no public way to choose another (twisted#2424, twisted#5552). The reactor
    calls its method ``seconds`` for everything; an attribute replaces the method.
    """
    cast(Any, reactor).seconds = seconds


_EPOLL_PARTS = ("_poller", "_selectables", "_POLL_IN", "_doReadOrWrite", "_disconnectSelectable", "doIteration")


def omit_log_contexts(reactor: object) -> None:
    """Let a reactor on epoll(7) handle events without a log context of its own for each (twisted#2534).

    The context takes 2.8 us, more than a tenth of a request, and has the prefix of the messages that code of before
    `twisted.logger` writes; no message of these servers has it. Other reactors, and one without the parts that are used
    here, are left as they are.
    """
    is_epoll = type(reactor).__module__ == "twisted.internet.epollreactor"
    if is_epoll and all(hasattr(reactor, part) for part in _EPOLL_PARTS):
        cast(Any, reactor).doIteration = partial(_handle_events, reactor)


def _handle_events(reactor: Any, timeout: float | None) -> None:
    """Wait for events, at most ``timeout`` seconds, without a limit if it is None, and handle them.

    Nearly all say that there is something to read, and nothing else. These are handled here as by ``_doReadOrWrite``,
    which takes 4 % of a request longer for the choice among all events.
    """
    selectables = reactor._selectables
    readable = reactor._POLL_IN
    handle = reactor._doReadOrWrite
    for descriptor, event in reactor._poller.poll(-1 if timeout is None else timeout, len(selectables)):
        # Handling another event may have removed it.
        selectable = selectables.get(descriptor)
        if selectable is None:
            continue
        try:
            if event != readable:
                handle(selectable, descriptor, event)
                continue
            try:
                reason = selectable.doRead()
            except BaseException as error:
                log.err()
                reactor._disconnectSelectable(selectable, error, False)
            else:
                if reason:
                    reactor._disconnectSelectable(selectable, reason, True)
        except Exception:
            # An exception in doRead or doWrite ends the connection; this one is from connectionLost.
            _log.failure("the end of a connection raised an exception")


class _AdoptedUNIXPort(UNIXPort):
    """Accepts clients on a listening unix socket that systemd holds.

    The permissions, the backlog and the path are systemd's. Twisted's own port for adopted sockets changes the mode to
    666 and calls listen(2) anew; it fails if the process may not, and removes the path when it closes (twisted#10261).
    """

    def __init__(self, reactor: IReactorCore, adopted: socket.socket, factory: IProtocolFactory) -> None:
        super().__init__(adopted.getsockname(), factory, reactor=reactor)
        self._adopted = adopted

    def startListening(self) -> None:
        """Start to accept clients: ``startListening`` of the superclass without bind, chmod and listen."""
        # For accept(2) when no file descriptor is free.
        _reservedFD.reserve()
        assert self.factory is not None
        self.factory.doStart()
        self.connected = True
        self.socket = self._adopted
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.numberAccepts = 100
        self.startReading()


def adopt_unix_socket(reactor: IReactorCore, descriptor: int, factory: IProtocolFactory) -> IListeningPort:
    """Accept clients on a listening unix socket, given by its file descriptor, and leave its path as it is."""
    adopted = socket.socket(fileno=descriptor)
    adopted.setblocking(False)
    port = _AdoptedUNIXPort(reactor, adopted, factory)
    port.startListening()
    return port


def stop_accepting(port: IListeningPort) -> None:
    """Stop accepting clients on an adopted socket without closing it.

    ``stopListening`` of a unix port removes the path, also while another process listens on the socket (twisted#10261).
    """
    cast(Port, port).stopReading()


def leave_path(port: IListeningPort) -> None:
    """Keep a unix port from removing its path when it stops, since the file there is gone or another's.

    The port removes whatever is there, and fails if nothing is. It leaves abstract addresses alone.
    """
    if isinstance(port, UNIXPort):
        port._bindPath = b"\0"


def listening_socket(port: IListeningPort) -> socket.socket | None:
    """Return the socket that a TCP or unix port listens on; None for any other port.

    Twisted has no public way to set options of it, nor the backlog of every kind of endpoint.
    """
    return cast(socket.socket, port.socket) if isinstance(port, Port) else None


MOST_WAITING = 8192
"""More clients than a backlog holds; ``socket.SOMAXCONN`` is that of the system on which Python was compiled."""


def accept_waiting_clients(port: IListeningPort) -> None:
    """Accept the clients in the backlog of a TCP or unix port; nothing for any other port.

    The kernel has connected them already, and closing the socket would reset their connections. No public call accepts
    more clients than the reactor's next turn would.
    """
    if isinstance(port, Port):
        port.numberAccepts = MOST_WAITING
        port.doRead()
