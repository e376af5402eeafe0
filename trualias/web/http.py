"""HTTP/1.x messages, without I/O: the head of a request, and a response (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from http import HTTPStatus

import h11
from attrs import field, frozen

MAX_HEAD_BYTES = 8192
"""The most bytes of a request line and its header fields; Prometheus sends about 300."""

MAX_HEAD_LINES = 100
"""The most lines of these. A head of this size and number of lines takes 0.6 ms to parse; one of Prometheus 0.08 ms."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_ABSOLUTE_TARGET = re.compile(r"https?://([^/?]*)([^?]*)", re.IGNORECASE)


@frozen
class Response:
    """A response; ``fields`` are header fields besides those that every response has."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    fields: tuple[tuple[str, str], ...] = ()


class HttpError(Exception):
    """A request that is refused; ``response`` says why."""

    def __init__(self, status: HTTPStatus, reason: str, fields: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.response = Response(status, f"{reason}\n".encode(), fields=fields)


@frozen
class Request:
    """The head of a request.

    ``host`` is the name that the client has for the server, with a port or not; empty if it sent none. ``path`` is
    without the query. ``accept`` is the value of the field Accept.
    """

    method: str
    host: str
    path: str
    accept: str = ""
    has_body: bool = field(default=False, kw_only=True)


def take_head(received: bytes) -> bytes | None:
    """Return the head of the request that the received bytes begin with; None if it is incomplete.

    Raises ``HttpError`` if it is too large.
    """
    end = _END_OF_HEAD.search(received, 0, MAX_HEAD_BYTES)
    head = received[: end.end() if end else None]
    if (end is None and len(head) >= MAX_HEAD_BYTES) or head.count(b"\n") > MAX_HEAD_LINES:
        raise HttpError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"a request may have {MAX_HEAD_BYTES} bytes and {MAX_HEAD_LINES} lines",
        )
    return head if end else None


def parse_request(head: bytes) -> Request:
    """Parse a complete head; raise ``HttpError``."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        parser.receive_data(head)
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        raise HttpError(HTTPStatus(error.error_status_hint), "not a request of HTTP/1.1 that can be read") from error
    if not isinstance(event, h11.Request):
        raise HttpError(HTTPStatus.BAD_REQUEST, "not a complete request")
    if not event.http_version.startswith(b"1."):
        raise HttpError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are supported")
    values: dict[bytes, list[bytes]] = {}
    for name, value in event.headers:  # h11 has made the names lower case
        values.setdefault(name, []).append(value)
    host = b"".join(values.get(b"host", [])).decode("latin-1")
    target = event.target.decode("ascii")
    path = target.partition("?")[0]
    absolute = _ABSOLUTE_TARGET.fullmatch(target.partition("?")[0])
    if absolute is not None:  # RFC 9112, section 3.2.2
        host, path = absolute[1], absolute[2] or "/"
    return Request(
        method=event.method.decode("ascii"),
        host=host,
        path=path,
        accept=b",".join(values.get(b"accept", [])).decode("latin-1"),
        has_body=b"transfer-encoding" in values
        or any(length.strip(b"0") for length in values.get(b"content-length", [])),
    )


def encode_response(response: Response, *, with_body: bool = True) -> bytes:
    """Return the bytes of a response after which the connection is closed; without its body for HEAD."""
    status = response.status
    fields = (
        ("Date", formatdate(time.time(), usegmt=True)),
        ("Connection", "close"),
        ("Cache-Control", "no-store"),
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        *response.fields,
    )
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *[f"{name}: {value}" for name, value in fields], "", ""]
    return "\r\n".join(lines).encode("latin-1") + (response.body if with_body else b"")
