"""Listening on an endpoint, from the start to the stop of a server."""

import errno
import os
import socket
from collections.abc import Callable
from typing import cast

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, quoteStringArgument, serverFromString
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocol, IProtocolFactory, IReactorCore
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias.configuration.descriptions import listening_address
from trualias.configuration.endpoints import PLAIN_ENDPOINTS, error_reason
from trualias.configuration.listeners import tcp_endpoint
from trualias.configuration.networks import exposure_problem, is_loopback
from trualias.log import logger, unfiltered_logger
from trualias.server.twisted_internals import (
    accept_waiting_clients,
    adopt_unix_socket,
    leave_path,
    listening_socket,
    stop_accepting,
)
from trualias.server.unix_sockets import FileIdentity, UnixSocket, identity, remove_socket, remove_stale_socket

_log = logger(__name__)

BACKLOG = 4096
"""Clients that the kernel connects before they are accepted; it takes the system's limit if that is lower (listen(2)).

With Twisted's 50, of 500 clients that connect at once 281 wait a second, until TCP tries again. A socket that systemd
holds gets it, too, since that of systemd was 128 for long.
"""

_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""Seconds until the first probe of an idle client, seconds between probes, and their number (tcp(7)). A client whose
machine is gone releases its connection after two minutes. The system's own first probe comes after two hours."""


class ListenError(SystemExit, Exception):
    """An endpoint cannot be listened on: ends the process with status 1 and no traceback, once the reason is logged.

    It is an Exception as well because twistd then removes its pid file, and shows the reason to the process that waits
    for the daemon to start.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = 1


class _RejectedClient(Protocol):
    """The protocol of a rejected client: closes the connection at once."""

    def connectionMade(self) -> None:
        """Close the connection."""
        cast(Connection, self.transport).abortConnection()


@implementer(IProtocolFactory)
@frozen(eq=False, repr=False)
class _RejectingFactory:
    """A factory for endpoints that wrap one protocol in another, such as TLS.

    They leave a client connected if the inner factory builds no protocol for it.
    """

    factory: IProtocolFactory

    def doStart(self) -> None:
        """Start the inner factory."""
        self.factory.doStart()

    def doStop(self) -> None:
        """Stop the inner factory."""
        self.factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol:
        """Build the inner factory's protocol, or one that closes the connection."""
        return self.factory.buildProtocol(addr) or _RejectedClient()


class ListeningService(Service):
    """Listens on one endpoint while it runs.

    Args:
        reactor: runs the endpoint.
        description: of the endpoint; ValueError is raised if Twisted does not understand it. Without ``backlog=`` in
            it, the backlog is ``BACKLOG``.
        factory: builds the protocols.
        remote_allowed: returns whether other machines may connect.
        name: the name in the log of what is listened for.

    """

    def __init__(
        self,
        reactor: IReactorCore,
        description: str,
        factory: IProtocolFactory,
        remote_allowed: Callable[[], bool] = lambda: False,
        name: str = __name__,
    ) -> None:
        self._report = unfiltered_logger(name)
        self.description = description
        address = listening_address(description)
        # An abstract socket has no file.
        self._path = None if address.path is None or address.path.startswith("\0") else address.path
        self._mode = address.mode
        self._backlog = address.backlog if ":backlog=" in description else BACKLOG
        self._address_is_checked = address.path is not None or address.interface is not None
        if address.path is not None and ":lockfile=" not in description:
            # A lock file that outlives a crash holds a process id, which another process may have by then.
            description += ":lockfile=0"
        self._reactor = reactor
        self._endpoint = serverFromString(reactor, description)
        self._factory = factory if description.split(":")[0] in PLAIN_ENDPOINTS else _RejectingFactory(factory)
        self._remote_allowed = remote_allowed
        self._port: IListeningPort | None = None
        self._identity: FileIdentity | None = None
        self._loss: str | None = None

    @property
    def listening(self) -> bool:
        """Whether clients can connect, as far as that is known."""
        return self._port is not None and self._loss is None

    @property
    def adopted_address(self) -> str | None:
        """The endpoint with the address of a socket that systemd holds; None for other endpoints."""
        if self._port is None or not isinstance(self._endpoint, AdoptedStreamServerEndpoint):
            return None
        match self._port.getHost():
            case IPv4Address(host=host, port=port) | IPv6Address(host=host, port=port):
                return tcp_endpoint(host, port)
            case UNIXAddress(name=bytes(name)):
                return f"unix:{quoteStringArgument(os.fsdecode(name))}"
        return None

    @property
    def unix_socket(self) -> UnixSocket | None:
        """The unix socket that it listens on and whose file it made; None if there is none."""
        if self._port is None or self._path is None:
            return None
        return UnixSocket(self._path, self._mode, self._backlog, self._identity)

    def replace_socket(self, made: socket.socket, file: FileIdentity | None) -> None:
        """Listen on a new socket at the path instead of the old one; discard it if the service has stopped."""
        assert self._path is not None
        old = self._port
        if old is None:
            made.close()
            remove_socket(self._path, file)
            return
        self._port = adopt_unix_socket(self._reactor, made.detach(), self._factory)
        self._identity = file
        self._loss = None
        _log.warn("the socket {path} was removed, and is made anew", path=self._path)
        accept_waiting_clients(old)
        leave_path(old)
        old.stopListening()

    def report_loss(self, reason: str | None) -> None:
        """Log why clients cannot connect to the unix socket, or that they can again; a reason is logged once."""
        if self._port is None or reason == self._loss:
            return
        self._loss = reason
        if reason is None:
            _log.warn("clients can connect to {path} again", path=self._path)
        else:
            _log.error("clients cannot connect to {path}: {reason}", path=self._path, reason=reason)

    def privilegedStartService(self) -> None:
        """Start to listen, before root privileges are dropped; raise ``ListenError`` if that fails."""
        super().privilegedStartService()
        self._open()

    def startService(self) -> None:
        """Start to listen unless that is done already; raise ``ListenError`` if that fails."""
        super().startService()
        self._open()

    def stopService(self) -> "Deferred[None]":
        """Stop listening; open connections stay open."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        self._report.info("stops listening on {address}", address=_shown_address(port))
        if isinstance(self._endpoint, AdoptedStreamServerEndpoint):
            # systemd keeps listening for the next process, and the path of a unix socket must stay.
            stop_accepting(port)
            return succeed(None)
        accept_waiting_clients(port)
        if self._path is not None and not self._is_own_file(self._path):
            leave_path(port)
        return port.stopListening() or succeed(None)

    def _is_own_file(self, path: str) -> bool:
        try:
            return self._identity is not None and identity(path) == self._identity
        except OSError:
            return False

    def _open(self) -> None:
        if self._port is not None:
            return
        try:
            if self._path is not None:
                remove_stale_socket(self._path)
            self._port = self._listen()
            if self._path is not None:
                self._identity = identity(self._path)
            self._set_options(self._port)
            self._check_address(self._port)
            self._report.info("listening on {address}", address=_shown_address(self._port))
        except Exception as error:
            reason = error_reason(error)
            _log.critical("Cannot listen on {endpoint}: {reason}", endpoint=self.description, reason=reason)
            raise ListenError(f"cannot listen on {self.description}: {reason}") from error

    def _listen(self) -> IListeningPort:
        endpoint = self._endpoint
        if isinstance(endpoint, AdoptedStreamServerEndpoint) and endpoint.addressFamily == socket.AF_UNIX:
            return adopt_unix_socket(self._reactor, endpoint.fileno, self._factory)
        opened: list[IListeningPort] = []
        failures: list[Failure] = []
        endpoint.listen(self._factory).addCallbacks(opened.append, failures.append)
        for failure in failures:
            failure.raiseException()
        return opened[0]

    def _set_options(self, port: IListeningPort) -> None:
        listening = listening_socket(port)
        if listening is None:
            return
        if ":backlog=" not in self.description:
            listening.listen(BACKLOG)
        if listening.family != socket.AF_UNIX:
            # Accepted connections inherit these options.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, True)
            for option, number in _KEEP_ALIVE.items():
                if hasattr(socket, option):
                    listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), number)

    def _check_address(self, port: IListeningPort) -> None:
        """Raise OSError if an endpoint whose address was unknown until it listened is exposed and must not be."""
        host = getattr(port.getHost(), "host", "127.0.0.1")
        if not self._address_is_checked and not is_loopback(host) and not self._remote_allowed():
            raise OSError(errno.EACCES, exposure_problem(host))


def _shown_address(port: IListeningPort) -> str:
    """Return the address of a port for the log: an IP address with its port, or a path."""
    match port.getHost():
        case IPv4Address(host=host, port=number):
            return f"{host}:{number}"
        case IPv6Address(host=host, port=number):
            return f"[{host}]:{number}"
        case UNIXAddress(name=name):
            return os.fsdecode(name or b"an unnamed socket")
        case other:
            return str(other)
