"""The line protocol's bytes: requests in, replies out (tcp_table(5)).

Text is decoded once, here, and encoded once, here. No reply that is made here can hold a line feed before its end, or a
``%`` that is not a correct ``%XX``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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


class Misfit(Enum):
    """What is no request; the value is the text of its reply."""

    UNRECOGNIZED = "unrecognized command"
    MALFORMED = "improperly formed request"
    TOO_LONG = "request too long"


Request = Get | Command | Misfit

_WORDS = {b"get": 2, b"stats": 1, b"jstats": 1}
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})?")


def read_request(line: bytes) -> Request:
    """Understand a line, given without its line feed; any bytes are understood as something."""
    words = line.split()
    if not words:
        return Misfit.MALFORMED
    command = words[0].lower()
    if command not in _WORDS:
        return Misfit.UNRECOGNIZED
    if len(words) != _WORDS[command]:
        return Misfit.MALFORMED
    if command != b"get":
        return Command(command)
    return _read_key(words[1])


def _read_key(encoded: bytes) -> Request:
    key = encoded
    if b"%" in encoded:
        if any(match.group(1) is None for match in _ENCODED.finditer(encoded)):
            return Misfit.MALFORMED
        key = _ENCODED.sub(lambda match: bytes.fromhex(match.group(1).decode("ascii")), encoded)
    try:
        return Get(key.decode("utf-8"))
    except UnicodeDecodeError:
        return Get(None)


NOT_FOUND = b"500 not found\n"
FAULT = b"400 temporary failure, see the server's log\n"
"""A fault that may pass: the client defers the mail, and nothing is lost."""
NO_STATISTICS = b"400 statistics disabled\n"

_UNSAFE = re.compile(rb"[^!-$&-~]")


class ReplyTooLong(Exception):
    """A value makes a reply that Postfix would not take."""


def found(value: str) -> bytes:
    """Write the reply with a value.

    Raises:
        ReplyTooLong: the value has too many bytes.
    """
    encoded = _UNSAFE.sub(lambda match: b"%%%02X" % match.group()[0], value.encode("utf-8", "surrogateescape"))
    reply = b"200 " + encoded + b"\n"
    if len(reply) > LONGEST_REPLY:
        raise ReplyTooLong(f"a reply of {len(reply)} bytes; a mail server takes {LONGEST_REPLY}")
    return reply


def refused(misfit: Misfit) -> bytes:
    """Write the reply to what is no request."""
    return f"400 {misfit.value}\n".encode("ascii")


def statistics_lines(lines: Iterable[str]) -> bytes:
    """Write the reply to ``stats``: a line a collector, of which the first has a code of its own."""
    return b"".join(b"%d %s\n" % (212 if number else 210, line.encode("ascii")) for number, line in enumerate(lines))


def statistics_json(text: str) -> bytes:
    """Write the reply to ``jstats``."""
    return b"212 %s\n" % text.encode("ascii")
