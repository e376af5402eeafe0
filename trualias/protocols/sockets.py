"""Plain sockets: which transports have one, and their options."""

from __future__ import annotations

import socket

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Connection

_READ_SIZE = 8192
"""Bytes that are read of one client at a time."""

_BUFFER_SIZES = {socket.SO_SNDBUF: 16_384, socket.SO_RCVBUF: 65_536}
"""Bytes of replies, and of requests, that the kernel may hold for a client; Linux doubles them. Its own choice is
megabytes, and a server that fills them for many clients that never read has little time for the others. With less than
a segment of requests, which has 64 kB on the loopback interface, senders would wait."""


def plain_socket(transport: object) -> socket.socket | None:
    """Return the socket of a TCP or unix connection, set up for small replies; None for any other transport.

    A transport that wraps another one or encrypts must be written to itself.
    """
    if not isinstance(transport, Connection) or ISSLTransport.providedBy(transport):
        return None
    handle: socket.socket = transport.getHandle()
    for buffer, size in _BUFFER_SIZES.items():
        handle.setsockopt(socket.SOL_SOCKET, buffer, size)
    if handle.family != socket.AF_UNIX:
        # A reply must not wait until the client acknowledges the one before, which takes 40 ms.
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    transport.bufferSize = _READ_SIZE
    return handle
