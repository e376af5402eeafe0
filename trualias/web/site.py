"""The HTTP site: its clients, and how much of the reactor's time they get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.tcp import Connection as TCPConnection
from twisted.python.failure import Failure
from zope.interface import implementer

from trualias.log import logger
from trualias.web.http import HttpError, Request, Response, encode_response, parse_request, take_head

_log = logger(__name__)


class Page(Protocol):
    """A page of the site."""

    def render(self, accept: str) -> Response:
        """Return the response to GET; ``accept`` is the value of the request's field Accept."""


class State(Enum):
    """The states of a connection, in this order."""

    READING = auto()
    """The request's head is incomplete."""
    WAITING = auto()
    """The request waits for its turn."""
    ANSWERED = auto()
    """The response is being sent, or the client has not closed the connection yet."""
    CLOSED = auto()


@implementer(IHalfCloseableProtocol)
class Connection(TwistedProtocol):
    """A client's connection: one request without a body, one response.

    Bytes after the request's head are discarded, and not read any more beyond ``MAX_DISCARDED``. The server closes its
    side alone: closing both with unread bytes would reset the connection, by which the client could lose the response
    (RFC 9112, section 9.6).
    """

    DEADLINE = 10.0
    """Seconds until a connection is aborted, whatever its state."""

    MAX_DISCARDED = 65536

    transport: TCPConnection

    def __init__(self, site: Site, reactor: IReactorTime, client: object) -> None:
        self.client = client
        self.host = str(getattr(client, "host", ""))
        self.state = State.READING
        self._site = site
        self._reactor = reactor
        self._received = b""
        self._make_response: Callable[[], bytes] = bytes
        self._discarded = 0
        self._client_has_closed = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Start the time limit."""
        self._site.opened(self)
        self._deadline = self._reactor.callLater(self.DEADLINE, self.abort)

    def dataReceived(self, data: bytes) -> None:
        """Collect the request's head, and discard what follows it."""
        if self.state is not State.READING:
            self._discarded += len(data)
            if self._discarded > self.MAX_DISCARDED:
                self.transport.pauseProducing()
            return
        # Empty lines before a request are ignored (RFC 9112, section 2.2).
        self._received = (self._received + data).lstrip(b"\r\n")
        try:
            head = take_head(self._received)
        except HttpError as error:
            self._make_response = partial(encode_response, error.response)
        else:
            if head is None:
                return
            self._make_response = partial(self._site.respond, head)
        self._received = b""
        self.state = State.WAITING
        self._site.wait(self)

    def answer(self) -> None:
        """Send the response; the site calls this when it is the request's turn."""
        self.state = State.ANSWERED
        self.transport.write(self._make_response())
        if self._client_has_closed:
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()

    def readConnectionLost(self) -> None:
        """Close the connection of a client that has closed its side; after the response, if it waits for that."""
        self._client_has_closed = True
        if self.state is not State.WAITING:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Do nothing: the response is sent, and the client closes the connection."""

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Release the connection."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self.state = State.CLOSED
        self._site.closed(self)

    def abort(self) -> None:
        """End the connection now."""
        self.connectionLost()
        self.transport.abortConnection()


class Site(Factory):
    """Serves pages to allowed clients, at a rate that leaves the reactor's time and the file descriptors to lookups.

    One request is answered in an iteration of the reactor, and the next one ``INTERVAL`` seconds later at the earliest.

    One more client than ``MAX_CONNECTIONS`` replaces the oldest one whose request is incomplete or answered; if all
    requests wait for their turn, it replaces the newest client of the address with the most connections. So neither
    clients that send nothing nor many clients of one address shut out the others.

    Args:
        reactor: for time limits and turns.
        pages: by path.
        is_known_host: returns whether a value of the field Host is served.
        is_allowed: returns whether a client's address may connect.
        report_refusal: receives the address of a client that was one too many, and the reason.

    """

    MAX_CONNECTIONS = 32

    INTERVAL = 0.02

    noisy = False

    def __init__(
        self,
        reactor: IReactorTime,
        pages: Mapping[str, Page],
        is_known_host: Callable[[str], bool],
        is_allowed: Callable[[object], bool],
        report_refusal: Callable[[object, str], None],
    ) -> None:
        self._reactor = reactor
        self._pages = pages
        self._is_known_host = is_known_host
        self._is_allowed = is_allowed
        self._report_refusal = report_refusal
        self._connections: dict[Connection, None] = {}  # the oldest first
        self._waiting: dict[Connection, None] = {}  # in the order of their turns
        self._next_turn = 0.0
        self._call: IDelayedCall | None = None

    def buildProtocol(self, addr: object) -> Connection | None:
        """Build the protocol for a client, or return None to close its connection."""
        if not self._is_allowed(addr):
            return None
        connection = Connection(self, self._reactor, addr)
        if len(self._connections) >= self.MAX_CONNECTIONS and not self._make_room(connection.host):
            self._report_refusal(addr, f"{self.MAX_CONNECTIONS} HTTP clients are connected already")
            return None
        return connection

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self._connections[connection] = None

    def closed(self, connection: Connection) -> None:
        """Forget a connection, and its turn."""
        self._connections.pop(connection, None)
        self._waiting.pop(connection, None)

    def wait(self, connection: Connection) -> None:
        """Call the ``answer`` of a connection when it is its turn."""
        self._waiting[connection] = None
        self._schedule()

    def respond(self, head: bytes) -> bytes:
        """Return the response to a request with this complete head."""
        try:
            request = parse_request(head)
            return encode_response(self._render(request), with_body=request.method != "HEAD")
        except HttpError as error:
            return encode_response(error.response)

    def _render(self, request: Request) -> Response:
        if not self._is_known_host(request.host):
            reason = "the request is for a host that is not served here; METRICS can list more names after the address"
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, reason)
        if request.method not in ("GET", "HEAD"):
            fields = (("Allow", "GET, HEAD"),)
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are allowed", fields)
        if request.has_body:
            raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request may have no body")
        page = self._pages.get(request.path)
        if page is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"not found; there are {' and '.join(self._pages)}")
        try:
            return page.render(request.accept)
        except Exception:
            _log.failure("{path} cannot be rendered", path=request.path)
            raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "failed; the log has the reason") from None

    def _make_room(self, host: str) -> bool:
        """Close a connection for a new one from an address; return False if no connection should be closed."""
        idle = [connection for connection in self._connections if connection.state is not State.WAITING]
        if idle:
            self._replace(idle[0], "more HTTP clients connected while it was idle")
            return True
        numbers = Counter(connection.host for connection in self._connections)
        [(busiest, number)] = numbers.most_common(1)
        if number <= numbers[host] + 1:
            return False
        newest = next(connection for connection in reversed(self._connections) if connection.host == busiest)
        self._replace(newest, "of all HTTP clients its address has the most connections")
        return True

    def _replace(self, connection: Connection, reason: str) -> None:
        self._report_refusal(connection.client, reason)
        connection.abort()

    def _schedule(self) -> None:
        if self._waiting and self._call is None:
            self._call = self._reactor.callLater(max(0.0, self._next_turn - self._reactor.seconds()), self._take_turn)

    def _take_turn(self) -> None:
        self._call = None
        connection = next(iter(self._waiting), None)
        if connection is None:
            return
        del self._waiting[connection]
        self._next_turn = self._reactor.seconds() + self.INTERVAL
        self._schedule()
        connection.answer()
