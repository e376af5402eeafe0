"""The two ways of writing a reply: straight to a plain socket, or through the transport.

A reply goes straight to the socket where possible, since registering with the reactor for each reply costs more than a
whole lookup. Through TLS, or any other transport that wraps one, it goes through the transport.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.tcp import Connection
from zope.interface import implementer

from trualias.protocols.sockets import plain_socket

MORE: int = getattr(socket, "MSG_MORE", 0)
"""The flag for a reply that another one follows at once: Linux sends both together (send(2))."""


@implementer(IPullProducer)
class DirectWriter:
    """Writes to a plain socket; the transport gets only what the socket does not take.

    ``write`` is `socket.socket.send` itself: it takes bytes and flags, returns how many bytes the socket has taken, and
    raises OSError. ``is_batching`` is True for a writer whose replies are worth gathering in a write batch.
    ``reply_taken`` is called when the rest that was left to the transport is taken.
    """

    __slots__ = ("_has_rest", "_reply_taken", "_transport", "is_batching", "write")

    def __init__(self, transport: Connection, plain: socket.socket, reply_taken: Callable[[], None]) -> None:
        self.write: Callable[[bytes, int], int] = plain.send
        self.is_batching = True
        self._transport = transport
        self._reply_taken = reply_taken
        self._has_rest = False

    def write_rest(self, rest: bytes) -> None:
        """Leave the rest of a reply to the transport."""
        self._transport.write(rest)
        # A pull producer is asked for more at once, here, and again when all is taken.
        self._transport.registerProducer(self, False)
        self._has_rest = True

    def resumeProducing(self) -> None:
        """Go on: the transport has written everything."""
        if self._has_rest:
            self._has_rest = False
            self._transport.unregisterProducer()
            self._reply_taken()

    def stopProducing(self) -> None:
        """Do nothing: ``connectionLost`` handles the end of the connection."""

    def end_input(self) -> bool:
        """End the input after what the kernel has of it; return False if the connection is broken."""
        try:
            # What Linux has of requests can still be read, and after it their end.
            self._transport.getHandle().shutdown(socket.SHUT_RD)
        except OSError:
            return False
        return True

    def half_close(self) -> None:
        """Close our side, and read on."""
        self._transport.resumeProducing()
        self._transport.loseWriteConnection()

    def close(self) -> None:
        """Close the connection when all that was written is taken."""
        self._transport.loseConnection()


@implementer(IPushProducer)
class TransportWriter:
    """Writes through the transport, which pauses its producer when it holds too much.

    ``reply_taken`` is called when it resumes.
    """

    __slots__ = ("_is_full", "_is_registered", "_reply_taken", "_transport", "is_batching")

    def __init__(self, transport: Connection, reply_taken: Callable[[], None]) -> None:
        self._transport = transport
        self._reply_taken = reply_taken
        self.is_batching = False
        self._is_full = False
        self._is_registered = True
        transport.registerProducer(self, True)

    def write(self, octets: bytes, flags: int) -> int:
        """Write; return the number of bytes if the transport has room for more, else 0."""
        self._transport.write(octets)
        return 0 if self._is_full else len(octets)

    def write_rest(self, rest: bytes) -> None:
        """Do nothing: the transport has everything."""

    def pauseProducing(self) -> None:
        """Report replies as not taken from now on."""
        self._is_full = True

    def resumeProducing(self) -> None:
        """Go on: the transport has room again."""
        self._is_full = False
        self._reply_taken()

    def stopProducing(self) -> None:
        """Do nothing: ``connectionLost`` handles the end of the connection."""

    def end_input(self) -> bool:
        """Return False: only what was read already is known to be input."""
        return False

    def half_close(self) -> None:
        """Close the connection: TLS cannot close one side."""
        self.close()

    def close(self) -> None:
        """Close the connection when all that was written is taken."""
        if self._is_registered:
            # TLS waits for what a producer may still have.
            self._is_registered = False
            self._transport.unregisterProducer()
        self._transport.loseConnection()


Writer = DirectWriter | TransportWriter


def writer_for(transport: Connection, reply_taken: Callable[[], None]) -> Writer:
    """Return the writer for a transport; it refers to ``reply_taken`` until the connection is lost."""
    plain = plain_socket(transport)
    return TransportWriter(transport, reply_taken) if plain is None else DirectWriter(transport, plain, reply_taken)
