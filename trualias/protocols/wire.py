"""The bytes of the two protocols: requests in, replies out (tcp_table(5), socketmap_table(5)).

Input is split into requests, requests are parsed, and replies are formatted, without any input or output. Text is
decoded once and encoded once, here. No reply of the line protocol has a line feed before its end, or a ``%`` that is
not part of a correct ``%XX``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from attrs import frozen

from trualias.configuration.tables import Table
from trualias.messages import one_of

LONGEST_REQUEST = 65536
"""Bytes of the longest request line, without its end. Postfix has no limit, and was seen to send more than 6000."""

LONGEST_KEY = 64 + 1 + 255
"""Bytes of the longest decoded key that is looked up: a local part, ``@`` and a domain (RFC 5321, section 4.5.3.1)."""

LONGEST_REPLY = 4096
"""Bytes of the longest reply line that Postfix accepts, with its end."""

LONGEST_NETSTRING = 100_000
"""Bytes of the longest request or reply of socketmap, without the length before it and the comma after it."""


class BadRequest(Enum):
    """Input that is no request; the value is the text of its reply in the line protocol."""

    UNRECOGNIZED = "unrecognized command"
    MALFORMED = "improperly formed request"
    TOO_LONG = "request too long"


class Splitter:
    """Splits the input of one connection into requests; ``buffer`` has the input that is not split yet."""

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Append input."""
        self.buffer += data

    def next_request(self) -> bytes | BadRequest | None:
        """Remove and return the next complete request, with its framing; None if there is none yet.

        Return a `BadRequest`, and remove nothing, if no request can be split off any more.
        """
        raise NotImplementedError


class LineSplitter(Splitter):
    """Splits input into lines, each with its line feed."""

    __slots__ = ("_searched",)

    def __init__(self) -> None:
        super().__init__()
        self._searched = 0  # bytes of the buffer without a line feed, which are not searched again

    def next_request(self) -> bytes | BadRequest | None:
        """Remove and return the next line; `BadRequest.TOO_LONG` also for the beginning of a line."""
        buffer = self.buffer
        end = buffer.find(b"\n", self._searched)
        if (len(buffer) if end < 0 else end) > LONGEST_REQUEST:
            return BadRequest.TOO_LONG
        if end < 0:
            self._searched = len(buffer)
            return None
        line = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        self._searched = 0
        return line


_DIGITS = re.compile(rb"[0-9]{1,6}(:?)")


def begins_netstring(beginning: bytearray) -> bool | None:
    """Return whether the input of a connection begins as a netstring does; None if only more bytes can show it."""
    digits = _DIGITS.match(beginning)
    if digits is None:
        return False
    if digits[1]:
        return True
    return None if digits.end() == len(beginning) else False


_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,5})(:?)")


class NetstringSplitter(Splitter):
    """Splits input into netstrings (https://cr.yp.to/proto/netstrings.txt).

    A length with leading zeros, or above `LONGEST_NETSTRING`, is refused as soon as its digits show it.
    """

    __slots__ = ()

    def next_request(self) -> bytes | BadRequest | None:
        """Remove and return the next netstring; `BadRequest.MALFORMED` if the input does not begin with one."""
        buffer = self.buffer
        if not buffer:
            return None
        length = _LENGTH.match(buffer)
        if length is None or int(length[1]) > LONGEST_NETSTRING:
            return BadRequest.MALFORMED
        if not length[2]:
            return None if length.end() == len(buffer) else BadRequest.MALFORMED
        comma = length.end() + int(length[1])
        if comma >= len(buffer):
            return None
        if buffer[comma] != ord(","):
            return BadRequest.MALFORMED
        netstring = bytes(buffer[: comma + 1])
        del buffer[: comma + 1]
        return netstring


class Get(NamedTuple):
    """``get KEY``. The key is decoded; None if no table can have it: it is not UTF-8, or too long."""

    key: str | None


class Command(Enum):
    """The requests without a key."""

    STATS = b"stats"
    JSTATS = b"jstats"


Request = Get | Command | BadRequest

_WORDS = {b"get": 2, b"stats": 1, b"jstats": 1}
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_ORDINARY = re.compile(rb"get ([!-$&-~]{1,%d})\n" % LONGEST_KEY).fullmatch

_HEXADECIMAL = b"0123456789ABCDEFabcdef"
_CLASSES = bytes(ord("h") if byte in _HEXADECIMAL else byte if byte == ord("%") else 0 for byte in range(256))


def fast_key(line: bytes) -> str | None:
    """Return the key of data that are one line in the form that nearly all have; None for all other data.

    `parse_request` parses all lines, at twice the cost.
    """
    ordinary = _ORDINARY(line)
    return None if ordinary is None else ordinary[1].decode("ascii")


def parse_request(line: bytes) -> Request:
    """Parse a line, with or without its line feed."""
    words = line.split(None, 2)
    if not words:
        return BadRequest.MALFORMED
    command = words[0]
    if command != b"get":
        command = command.lower()
    if command not in _WORDS:
        return BadRequest.UNRECOGNIZED
    if len(words) != _WORDS[command]:
        return BadRequest.MALFORMED
    if command != b"get":
        return Command(command)
    return _parse_key(words[1])


def _parse_key(key: bytes) -> Request:
    if b"%" in key:
        # For a key of 64 KiB this takes 0.1 ms, a regular expression 2.4 ms, and decoding it 130 ms.
        classes = key.translate(_CLASSES)
        if classes.count(b"%") != classes.count(b"%hh"):
            return BadRequest.MALFORMED
        if len(key) > 3 * LONGEST_KEY:
            return Get(None)
        key = _ENCODED.sub(lambda match: bytes.fromhex(match.group(1).decode("ascii")), key)
    return Get(decode_key(key))


def decode_key(key: bytes) -> str | None:
    """Return a key as text; None if no table can have it."""
    if len(key) > LONGEST_KEY:
        return None
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        return None


NOT_FOUND = b"500 not found\n"
FAULT = b"400 temporary failure, see the server's log\n"
"""A temporary error: the client defers the mail, and nothing is lost."""
NO_STATISTICS = b"400 statistics disabled\n"

_UNSAFE = re.compile(rb"[^!-$&-~]")


class Unsendable(Exception):
    """The reply with a value is one that a mail server would refuse or misunderstand."""


class ReplyTooLong(Unsendable):
    """The reply with a value is longer than a mail server accepts."""


def _encode(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unsendable(f"a value with half a character: {value!a}") from None


@frozen(eq=False, repr=False)
class ReplyFormat:
    """The replies of a protocol to a lookup; ``found`` formats a value and raises `Unsendable`."""

    not_found: bytes
    fault: bytes
    found: Callable[[str], bytes]


def found(value: str) -> bytes:
    """Format the reply with a value.

    Raises:
        Unsendable: the value has too many bytes, or cannot be encoded.
    """
    encoded = _UNSAFE.sub(lambda match: b"%%%02X" % match.group()[0], _encode(value))
    reply = b"200 " + encoded + b"\n"
    if len(reply) > LONGEST_REPLY:
        raise ReplyTooLong(f"a reply of {len(reply)} bytes; a mail server takes {LONGEST_REPLY}")
    return reply


LINES = ReplyFormat(NOT_FOUND, FAULT, found)


def refused(bad_request: BadRequest) -> bytes:
    """Format the reply to a bad request."""
    return f"400 {bad_request.value}\n".encode("ascii")


def statistics_lines(lines: Iterable[str]) -> bytes:
    """Format the reply to ``stats``: one line for each collector, the first with code 210, the others with 212."""
    return b"".join(b"%d %s\n" % (212 if number else 210, line.encode("ascii")) for number, line in enumerate(lines))


def statistics_json(text: str) -> bytes:
    """Format the reply to ``jstats``."""
    return b"212 %s\n" % text.encode("ascii")


class MapGet(NamedTuple):
    """A key for a map. The key is None if no table can have it: it is not UTF-8, or too long."""

    map_name: bytes
    key: str | None


def parse_map_request(netstring: bytes) -> MapGet | BadRequest:
    """Parse a netstring with the name of a map, a space, and a key, which may have spaces itself."""
    payload = netstring[netstring.index(b":") + 1 : -1]
    name, space, key = payload.partition(b" ")
    if not name or not space:
        return BadRequest.MALFORMED
    return MapGet(name, decode_key(key))


_ORDINARY_MAP = re.compile(rb"([1-9][0-9]{0,2}):(([a-z]+) ([!-~]{1,%d}))," % LONGEST_KEY).fullmatch


def fast_map_request(netstring: bytes) -> tuple[bytes, str] | None:
    """Return the map's name and the key of data that are one netstring in the form that nearly all have, or None.

    `parse_map_request` parses all netstrings, after they are split off; together, at twice the cost.
    """
    ordinary = _ORDINARY_MAP(netstring)
    if ordinary is None:
        return None
    length, payload, name, key = ordinary.groups()
    return (name, key.decode("ascii")) if len(payload) == int(length) else None


def _netstring(payload: bytes) -> bytes:
    return b"%d:%s," % (len(payload), payload)


MAP_NOT_FOUND = _netstring(b"NOTFOUND ")
MAP_FAULT = _netstring(b"TEMP temporary failure, see the server's log")
MAP_AT_LINES = _netstring(b"PERM this port speaks tcp_table")
"""The reply to a netstring where lines are expected."""
MAP_UNKNOWN = _netstring(
    f"PERM there is no such map; ask for {one_of([table.value for table in Table])}".encode("ascii")
)
MAP_MALFORMED = _netstring(b"PERM improperly formed request; expected the name of a map, a space and a key")


def map_found(value: str) -> bytes:
    """Format the reply with a value.

    Raises:
        Unsendable: the value is too long, or empty, which is an error for Postfix, or has a NUL, which ends it for a
            program written in C, or a line break.
    """
    if not value:
        raise Unsendable("an empty value")
    if any(character in value for character in "\0\r\n"):
        raise Unsendable(f"a value with a line break or a NUL: {value!r}")
    payload = b"OK " + _encode(value)
    if len(payload) > LONGEST_NETSTRING:
        raise ReplyTooLong(f"a reply of {len(payload)} bytes; a mail server takes {LONGEST_NETSTRING}")
    return _netstring(payload)


NETSTRINGS = ReplyFormat(MAP_NOT_FOUND, MAP_FAULT, map_found)
