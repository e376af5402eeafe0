"""The bytes of the two protocols: requests in, replies out (tcp_table(5), socketmap_table(5)).

Text is decoded once, here, and encoded once, here. No reply of the line protocol that is made here can hold a line feed
before its end, or a ``%`` that is not a correct ``%XX``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum

from attrs import frozen

LONGEST_REQUEST = 65536
"""Bytes that a request may have, without its end. Postfix has no limit and was seen to send more than 6000."""

LONGEST_REPLY = 4096
"""Bytes that Postfix takes of a reply, its end included."""


@frozen
class Get:
    """``get KEY``. The key is decoded; None where its bytes are no UTF-8, so that no table can have it."""

    key: str | None


class Command(Enum):
    """The requests without a key."""

    STATS = b"stats"
    JSTATS = b"jstats"


class BadRequest(Enum):
    """What is no request; the value is the text of its reply."""

    UNRECOGNIZED = "unrecognized command"
    MALFORMED = "improperly formed request"
    TOO_LONG = "request too long"


Request = Get | Command | BadRequest

_WORDS = {b"get": 2, b"stats": 1, b"jstats": 1}
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})?")


_PLAIN = re.compile(rb"get ([!-$&-~]+)\n").fullmatch


def fast_key(line: bytes) -> str | None:
    """Give the key that a line asks for in the form that nearly all have; None for all others, right or wrong.

    `read_request` understands all of them, at twice the cost.
    """
    plain = _PLAIN(line)
    return None if plain is None else plain[1].decode("ascii")


def read_request(line: bytes) -> Request:
    """Understand a line, with its line feed or without; any bytes are understood as something."""
    words = line.split()
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
    return _read_key(words[1])


def _read_key(key: bytes) -> Request:
    if b"%" in key:
        if any(match.group(1) is None for match in _ENCODED.finditer(key)):
            return BadRequest.MALFORMED
        key = _ENCODED.sub(lambda match: bytes.fromhex(match.group(1).decode("ascii")), key)
    try:
        return Get(key.decode("utf-8"))
    except UnicodeDecodeError:
        return Get(None)


NOT_FOUND = b"500 not found\n"
FAULT = b"400 temporary failure, see the server's log\n"
"""A fault that may pass: the client defers the mail, and nothing is lost."""
NO_STATISTICS = b"400 statistics disabled\n"

_UNSAFE = re.compile(rb"[^!-$&-~]")


class Unsendable(Exception):
    """A value makes a reply that a mail server would not take, or would misunderstand."""


class ReplyTooLong(Unsendable):
    """A value makes a reply that Postfix would not take."""


def _bytes_of(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unsendable(f"a value with half a character: {value!a}") from None


@frozen(eq=False)
class ReplyFormat:
    """How a protocol writes its replies to a lookup; ``found`` raises `Unsendable`."""

    not_found: bytes
    fault: bytes
    found: Callable[[str], bytes]


def found(value: str) -> bytes:
    """Write the reply with a value.

    Raises:
        Unsendable: the value has too many bytes, or is no text.
    """
    encoded = _UNSAFE.sub(lambda match: b"%%%02X" % match.group()[0], _bytes_of(value))
    reply = b"200 " + encoded + b"\n"
    if len(reply) > LONGEST_REPLY:
        raise ReplyTooLong(f"a reply of {len(reply)} bytes; a mail server takes {LONGEST_REPLY}")
    return reply


LINES = ReplyFormat(NOT_FOUND, FAULT, found)


def refused(bad_request: BadRequest) -> bytes:
    """Write the reply to what is no request."""
    return f"400 {bad_request.value}\n".encode("ascii")


def statistics_lines(lines: Iterable[str]) -> bytes:
    """Write the reply to ``stats``: a line a collector, of which the first has a code of its own."""
    return b"".join(b"%d %s\n" % (212 if number else 210, line.encode("ascii")) for number, line in enumerate(lines))


def statistics_json(text: str) -> bytes:
    """Write the reply to ``jstats``."""
    return b"212 %s\n" % text.encode("ascii")


LONGEST_NETSTRING = 100_000
"""Bytes that a request or a reply of socketmap may have, without the length before it and the comma behind it."""


@frozen
class MapGet:
    """A key for a map. It is None where its bytes are no UTF-8, so that no table can have it."""

    map_name: str
    key: str | None


def read_map_request(payload: bytes) -> MapGet | BadRequest:
    """Understand what a netstring holds: the name of the map, a space, and the key, which may have spaces itself."""
    name, space, key = payload.partition(b" ")
    if not name or not space:
        return BadRequest.MALFORMED
    map_name = name.decode("ascii", "replace")
    try:
        return MapGet(map_name, key.decode("utf-8"))
    except UnicodeDecodeError:
        return MapGet(map_name, None)


def _netstring(payload: bytes) -> bytes:
    return b"%d:%s," % (len(payload), payload)


MAP_NOT_FOUND = _netstring(b"NOTFOUND ")
MAP_FAULT = _netstring(b"TEMP temporary failure, see the server's log")
MAP_UNKNOWN = _netstring(b"PERM there is no such map; ask for table or virtual")
MAP_MALFORMED = _netstring(b"PERM improperly formed request; expected the name of a map, a space and a key")


def map_found(value: str) -> bytes:
    """Write the reply with a value.

    Raises:
        Unsendable: the value is empty, which Postfix takes for a fault, or too long, or has a character that would end
            it for a program written in C, or begin another line.
    """
    if not value:
        raise Unsendable("an empty value")
    if any(character in value for character in "\0\r\n"):
        raise Unsendable(f"a value with a line break or a NUL: {value!r}")
    payload = b"OK " + _bytes_of(value)
    if len(payload) > LONGEST_NETSTRING:
        raise ReplyTooLong(f"a reply of {len(payload)} bytes; a mail server takes {LONGEST_NETSTRING}")
    return _netstring(payload)


NETSTRINGS = ReplyFormat(MAP_NOT_FOUND, MAP_FAULT, map_found)
