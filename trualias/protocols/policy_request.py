"""The requests and the replies of Postfix' policy delegation protocol, as octets (SMTPD_POLICY_README)."""

from __future__ import annotations

import re

from attrs import define

from trualias.protocols.wire import BadRequest, ReplyFormat, Splitter, Unsendable

LONGEST_REQUEST = 16_384
"""Bytes of the longest request, with the empty line. Postfix 3.7 sends 556 for a usual recipient."""

MOST_LINES = 100
"""The most attributes of a request. Postfix 3.12 sends 32."""

_CR = ord("\r")
_NO_SIGNS = bytes(set(range(256)) - set(b"=\n"))
_SIGNS = b"=\n" * MOST_LINES
_WHOLE = re.compile(rb"(?:[^\n=]*+=[^\n]*+\n){0,%d}+\n" % MOST_LINES).fullmatch


class PolicySplitter(Splitter):
    """Splits input into requests, each with the empty line that ends it.

    A line without ``=`` is refused when its end is there: a client of another protocol waits for a reply to it.
    """

    __slots__ = ("_begin", "_lines")

    def __init__(self) -> None:
        super().__init__()
        self._begin = 0  # of the line that is not complete yet
        self._lines = 0  # complete lines before it

    def next_request(self) -> bytes | BadRequest | None:
        """Remove and return the next request; `BadRequest` for a line without ``=``, and for too much input."""
        buffer = self.buffer
        while (end := buffer.find(b"\n", self._begin)) >= 0:
            if end >= LONGEST_REQUEST:
                return BadRequest.TOO_LONG
            if end == self._begin or (end == self._begin + 1 and buffer[self._begin] == _CR):
                request = bytes(buffer[: end + 1])
                del buffer[: end + 1]
                self._begin = self._lines = 0
                return request
            if buffer.find(b"=", self._begin, end) < 0:
                return BadRequest.MALFORMED
            self._lines += 1
            if self._lines > MOST_LINES:
                return BadRequest.TOO_LONG
            self._begin = end + 1
        return BadRequest.TOO_LONG if len(buffer) >= LONGEST_REQUEST else None

    @staticmethod
    def is_one_request(data: bytes) -> bool:
        """Return whether the data are one request, with line ends as Postfix writes them, and nothing else."""
        if len(data) > LONGEST_REQUEST:
            return False
        # Nearly all requests have one "=" in each line, which shows in a quarter of the time.
        signs = data.translate(None, _NO_SIGNS)
        return (data.endswith(b"\n\n") and signs[:-1] == _SIGNS[: len(signs) - 1]) or _WHOLE(data) is not None


_REQUEST = b"smtpd_access_policy"

_BEGIN = b"request=smtpd_access_policy\nprotocol_state="
_RCPT = _BEGIN + b"RCPT\n"
_END = _BEGIN + b"END-OF-MESSAGE\n"
"""The first two lines of nearly all requests of Postfix."""


@define(eq=False, repr=False)
class PolicyRequest:
    """The attributes of a request that the service reads, each empty if it is missing."""

    request: bytes
    protocol_state: bytes
    recipient: bytes
    _lines: bytes

    @classmethod
    def parse(cls, octets: bytes) -> PolicyRequest:
        """Parse a request with its empty line. Of an attribute that is given twice, the first counts."""
        lines = b"\n" + octets
        recipient = _value(lines, b"\nrecipient=")
        if octets.startswith(_RCPT):
            return cls(_REQUEST, b"RCPT", recipient, lines)
        if octets.startswith(_END):
            return cls(_REQUEST, b"END-OF-MESSAGE", recipient, lines)
        return cls(_value(lines, b"\nrequest="), _value(lines, b"\nprotocol_state="), recipient, lines)

    @property
    def sender(self) -> bytes:
        """The sender of the envelope, empty for the null sender."""
        return _value(self._lines, b"\nsender=")

    @property
    def instance(self) -> bytes:
        """The mail transaction."""
        return _value(self._lines, b"\ninstance=")

    @property
    def client_address(self) -> bytes:
        """The address of the client, ``unknown`` if there is none."""
        return _value(self._lines, b"\nclient_address=")

    @property
    def sasl_username(self) -> bytes:
        """The login name of the client, empty if it has not logged in."""
        return _value(self._lines, b"\nsasl_username=")

    @property
    def recipient_count(self) -> bytes:
        """The number of accepted recipients, in decimal digits."""
        return _value(self._lines, b"\nrecipient_count=")

    @property
    def ends_message(self) -> bool:
        """True if a message is there, and the mail server is about to accept it."""
        return self.request == _REQUEST and self.protocol_state == b"END-OF-MESSAGE"

    @property
    def names_recipient(self) -> bool:
        """True if it is about a recipient that a client of the mail server has named, by RCPT or VRFY."""
        return self.request == _REQUEST and self.protocol_state in (b"RCPT", b"VRFY")


def _value(lines: bytes, name: bytes) -> bytes:
    begin = lines.find(name)
    if begin < 0:
        return b""
    begin += len(name)
    return lines[begin : lines.find(b"\n", begin)].removesuffix(b"\r")


DUNNO = b"action=DUNNO\n\n"
"""No opinion: the mail server goes on with its other checks."""


def action(text: str) -> bytes:
    """Format the reply with an action; raise `Unsendable` for an empty one, and for one that is no line of ASCII.

    Postfix accepts mail for a recipient whose action is empty.
    """
    if not text or not text.isascii() or not text.isprintable():
        raise Unsendable(f"an action that is no line of ASCII: {text!r}")
    return f"action={text}\n\n".encode("ascii")


ACTIONS = ReplyFormat(DUNNO, DUNNO, action)
