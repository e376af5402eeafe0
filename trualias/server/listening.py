"""Listening on one endpoint, while a server runs."""

import errno
import os
import socket
import stat
from collections.abc import Callable
from typing import cast

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocol, IProtocolFactory, IReactorCore
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection, Port, _reservedFD
from twisted.internet.unix import Port as UNIXPort
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias.configuration.endpoints import PLAIN_ENDPOINTS, error_reason, listening_address
from trualias.configuration.settings import exposure_problem, is_loopback
from trualias.log import logger

_log = logger(__name__)


class CannotListen(SystemExit, Exception):
    """Ends the process with status 1 and no traceback, the reason being in the log.

    It is an Exception besides because twistd then removes its pid file, and tells the reason to the one who waits for
    the daemon to start.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = 1


class _HeldUNIXPort(UNIXPort):
    """Accepts clients at a unix socket that systemd holds.

    Who may use it, how many may wait there, and its place in its folder are systemd's. Twisted would let everybody use
    it (chmod(2), mode 666), and fails where it may not.
    """

    def __init__(self, reactor: IReactorCore, held: socket.socket, factory: IProtocolFactory) -> None:
        super().__init__(held.getsockname(), factory, reactor=reactor)
        self._held = held

    def startListening(self) -> None:
        """Begin to accept."""
        _reservedFD.reserve()
        assert self.factory is not None
        self.factory.doStart()
        self.connected = True
        self.socket = self._held
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.numberAccepts = 100
        self.startReading()


class _Refused(Protocol):
    """Turns a client away."""

    def connectionMade(self) -> None:
        """End the connection at once."""
        cast(Connection, self.transport).abortConnection()


@implementer(IProtocolFactory)
@frozen
class _Wrapped:
    """A factory for endpoints that wrap one protocol in another, as TLS does.

    Where these are given no protocol, for a client that is turned away, they leave it connected.
    """

    factory: IProtocolFactory

    def doStart(self) -> None:
        """Hear that somebody listens."""
        self.factory.doStart()

    def doStop(self) -> None:
        """Hear that somebody listens no more."""
        self.factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol:
        """Take a client, or turn it away."""
        return self.factory.buildProtocol(addr) or _Refused()


class ListeningService(Service):
    """Listens on one endpoint while it runs.

    Args:
        reactor: where the endpoint listens.
        description: of the endpoint; ValueError where Twisted does not understand it.
        factory: builds the protocols.
        allowed: tells whether others than this machine may connect.

    """

    def __init__(
        self,
        reactor: IReactorCore,
        description: str,
        factory: IProtocolFactory,
        allowed: Callable[[], bool] = lambda: False,
    ) -> None:
        self.description = description
        place = listening_address(description)
        self._path = place.path
        self._place_is_known = place.path is not None or place.interface is not None
        if self._path is not None and ":lockfile=" not in description:
            # A lock file that outlives a crash names a process id, which may be another's by then.
            description += ":lockfile=0"
        self._reactor = reactor
        self._endpoint = serverFromString(reactor, description)
        self._factory = factory if description.split(":")[0] in PLAIN_ENDPOINTS else _Wrapped(factory)
        self._allowed = allowed
        self._port: IListeningPort | None = None

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self._port is not None

    def privilegedStartService(self) -> None:
        """Begin to listen, before root is given up; raises `CannotListen`."""
        super().privilegedStartService()
        self._open()

    def startService(self) -> None:
        """Begin to listen, unless that was done already; raises `CannotListen`."""
        super().startService()
        self._open()

    def stopService(self) -> "Deferred[None]":
        """Stop listening; connections that there are stay."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        if isinstance(self._endpoint, AdoptedStreamServerEndpoint):
            # systemd goes on listening for the next process, so that a unix socket must not be removed from its folder.
            cast(Port, port).stopReading()
            return succeed(None)
        if isinstance(port, Port):
            # Those whom the system has connected already are clients, and would be reset.
            port.numberAccepts = socket.SOMAXCONN
            port.doRead()
        return port.stopListening() or succeed(None)

    def _open(self) -> None:
        if self._port is not None:
            return
        try:
            if self._path is not None:
                _remove_stale(self._path)
            self._port = self._listen()
            self._check_place(self._port)
        except Exception as error:
            why = error_reason(error)
            _log.critical("Cannot listen on {endpoint}: {reason}", endpoint=self.description, reason=why)
            raise CannotListen(f"cannot listen on {self.description}: {why}") from error

    def _listen(self) -> IListeningPort:
        endpoint = self._endpoint
        if isinstance(endpoint, AdoptedStreamServerEndpoint) and endpoint.addressFamily == socket.AF_UNIX:
            held = socket.socket(fileno=endpoint.fileno)
            held.setblocking(False)
            port = _HeldUNIXPort(self._reactor, held, self._factory)
            port.startListening()
            return port
        opened: list[IListeningPort] = []
        failures: list[Failure] = []
        endpoint.listen(self._factory).addCallbacks(opened.append, failures.append)
        for failure in failures:
            failure.raiseException()
        return opened[0]

    def _check_place(self, port: IListeningPort) -> None:
        """Raise OSError where others can connect and must not; for endpoints that only show it now."""
        host = getattr(port.getHost(), "host", "127.0.0.1")
        if not self._place_is_known and not is_loopback(host) and not self._allowed():
            raise OSError(errno.EACCES, exposure_problem(host))


def _remove_stale(path: str) -> None:
    """Remove the unix socket that a process left behind; raise OSError where one is listening, or it is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, f"{path} is there and is no socket; remove it, or listen elsewhere")
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)  # a server whose queue is full lets a client wait
        status = client.connect_ex(path)
    if status in (0, errno.EAGAIN):
        raise OSError(errno.EADDRINUSE, "another process is listening there")
    if status != errno.ECONNREFUSED:
        raise OSError(status, os.strerror(status))
    os.unlink(path)
