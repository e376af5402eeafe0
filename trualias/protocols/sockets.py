"""Plain sockets: those that a reply may be written to without the transport's help, and how they are set up."""

from __future__ import annotations

import socket

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Connection

MORE: int = getattr(socket, "MSG_MORE", 0)
"""Tells Linux that another reply follows at once, so that it sends both together (send(2))."""

_AT_ONCE = 8192
"""Bytes that are read of one client at a time."""

_HELD = {socket.SO_SNDBUF: 16_384, socket.SO_RCVBUF: 65_536}
"""Bytes of replies, and of requests, that the system may hold for a client; Linux doubles them. Left to itself it takes
megabytes, and a server that fills them for many clients that never read has little time for the others. Less than a
segment of requests, which has 64 kB on the loopback interface, would make senders wait."""


def plain_socket(transport: object) -> socket.socket | None:
    """Set up the socket of a TCP or unix connection, and give it; None for any other transport.

    One that wraps another transport, or encrypts, has to be written to in the ordinary way.
    """
    if not isinstance(transport, Connection) or ISSLTransport.providedBy(transport):
        return None
    handle: socket.socket = transport.getHandle()
    for buffer, size in _HELD.items():
        handle.setsockopt(socket.SOL_SOCKET, buffer, size)
    if handle.family != socket.AF_UNIX:
        # A reply must not wait until the client acknowledges the one before, which takes 40 ms.
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    transport.bufferSize = _AT_ONCE
    return handle
