"""The fuzz targets that are protocols: each sends any bytes to a service, and compares its replies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, field
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from faults.promises import Broken, promise
from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols import wire
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.policy_delegation import PolicyFactory
from trualias.protocols.policy_request import DUNNO, LONGEST_REQUEST, MOST_LINES
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.protocols.transactions import InterruptedTransactions, Outcome

_LONG = b"\xfe\xfe"
"""Replaced by a text that is longer than any request may be."""

_POLICY = parse_configuration(
    """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT bar MATCHES %alpha%x%alpha%.%code% WITH CHARS(1);
ACCOUNT baz MATCHES both%alpha%.%code% WITH ANY(1);
ACCOUNT fox MATCHES bo%alpha%.%code% WITH ANY(1);
ACCOUNT percent MATCHES 100%%%number%+%code% WITH DIGITS();
REFUSE foo-ab-2;
""",
    "fuzzed.conf",
)


@define
class _Connection:
    """A client of a protocol, on a transport without a socket."""

    factory: ClientFactory
    clock: Clock
    transport: StringTransport = field(factory=StringTransport)

    def run(self, pieces: Iterator[bytes]) -> bytes:
        """Deliver the pieces as a transport would, end the sending side, and return the replies."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, ClientProtocol)
        self.transport.abortConnection = self.transport.loseConnection  # type: ignore[method-assign]
        protocol.makeConnection(self.transport)  # type: ignore[no-untyped-call]
        for piece in pieces:
            self._wait_for_turn()
            if self.transport.disconnecting:
                break
            protocol.dataReceived(piece)
        self._wait_for_turn()
        protocol.readConnectionLost()
        self._wait_for_turn()
        return self._end(protocol)

    def _wait_for_turn(self) -> None:
        """Run the protocol's next turns while it has paused the transport."""
        while self.transport.producerState == "paused" and not self.transport.disconnecting:
            promise(bool(self.clock.getDelayedCalls()), "paused forever")
            self.clock.advance(0)

    def _end(self, protocol: ClientProtocol) -> bytes:
        promise(self.transport.disconnecting or bool(self.clock.getDelayedCalls()), "left open after the client's end")
        protocol.connectionLost()
        promise(not self.clock.getDelayedCalls(), "a call is scheduled for a disconnected client")
        promise(not len(self.factory.clients), "a disconnected client is still counted")
        written: bytes = self.transport.value()
        return written


def _pieces(stream: bytes, size: int) -> Iterator[bytes]:
    """Yield pieces of this size of a stream; of size 0, the whole stream."""
    size = size or max(1, len(stream))
    return (stream[at : at + size] for at in range(0, len(stream), size))


_LINE_REPLY = re.compile(rb"(?:200 (?:[!-$&-~]|%[0-9A-F]{2})+|[45]00 [ -$&-~]+)\n")


def line_protocol(data: bytes) -> None:
    """Send bytes to the line protocol, in pieces of the size that the first byte gives.

    Every complete line gets exactly one reply, in order, the same as if it were the only one; a request that is too
    long gets the last reply.
    """
    stream = data[1:].replace(_LONG, b"a" * (wire.LONGEST_REQUEST + 1))
    expected = b""
    lines = stream.split(b"\n")
    for number, line in enumerate(lines):
        if len(line) > wire.LONGEST_REQUEST:
            expected += wire.refused(wire.BadRequest.TOO_LONG)
            break
        if number < len(lines) - 1:
            reply = _table([line + b"\n"])
            promise(_LINE_REPLY.fullmatch(reply) is not None, "not a reply of the protocol", line, reply)
            promise(len(reply) <= wire.LONGEST_REPLY, "too long a reply", line, reply)
            expected += reply
    got = _table(_pieces(stream, data[0] if data and len(stream) < 10_000 else 0))
    promise(got == expected, "replies in another order or number", got[-200:], expected[-200:])


def _table(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    clock = Clock()
    return _Connection(
        TableFactory(clock, CurrentSnapshot(Snapshot(_POLICY)), Table.VIRTUAL, clock.seconds), clock
    ).run(iter(pieces))


_NETSTRING = re.compile(rb"(0|[1-9][0-9]*):")
# After a line feed that follows the length, Twisted waits for more as well.
_BEGINNING = re.compile(rb"(0|[1-9][0-9]{0,5})(?:\n|:(.*))?", re.DOTALL)
_MAP_REPLY = re.compile(rb"OK .+|NOTFOUND |(?:TEMP|PERM) [ -~]+", re.DOTALL)


def socketmap(data: bytes) -> None:
    """Send each line as a netstring; or, if the first byte is odd, the bytes as they are.

    Every complete netstring gets exactly one reply, in order, the same as if it were the only one; an invalid one is
    refused, and nothing after it gets a reply.
    """
    mode, stream = data[:1] or b"\0", data[1:].replace(_LONG, b"a" * (wire.LONGEST_NETSTRING + 1))
    if not mode[0] & 1:
        stream = b"".join(b"%d:%s," % (len(line), line) for line in stream.split(b"\n"))
    expected, at = b"", 0
    for payload in _netstrings(stream):
        at += len(b"%d:%s," % (len(payload), payload))
        reply = _map([b"%d:%s," % (len(payload), payload)])
        replies = list(_netstrings(reply))
        promise(len(replies) == 1 and _MAP_REPLY.fullmatch(replies[0]) is not None, "no reply", payload, reply)
        expected += reply
    if not _is_incomplete(stream[at:]):
        expected += wire.MAP_MALFORMED
    got = _map(_pieces(stream, mode[0] >> 1 if len(stream) < 10_000 else 0))
    promise(got == expected, "replies in another order or number", got[-200:], expected[-200:])


def _map(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    clock = Clock()
    return _Connection(SocketmapFactory(clock, CurrentSnapshot(Snapshot(_POLICY)), clock.seconds), clock).run(
        iter(pieces)
    )


def _netstrings(stream: bytes) -> Iterator[bytes]:
    """Yield the contents of a stream's netstrings, up to the first that is invalid, too long or incomplete."""
    at = 0
    while (length := _NETSTRING.match(stream, at)) is not None and len(length.group(1)) <= 6:
        end = length.end() + int(length.group(1))
        if int(length.group(1)) > wire.LONGEST_NETSTRING or stream[end : end + 1] != b",":
            return
        yield stream[length.end() : end]
        at = end + 1


def _is_incomplete(rest: bytes) -> bool:
    """Return whether more bytes can complete these to a netstring."""
    if not rest:
        return True
    beginning = _BEGINNING.fullmatch(rest)
    if beginning is None or int(beginning[1]) > wire.LONGEST_NETSTRING:
        return False
    return len(beginning[2] or b"") <= int(beginning[1])


_ACTION = re.compile(
    rb"action=(?:DUNNO|550 5\.1\.1 User unknown in virtual mailbox table"
    rb"|450 4\.2\.1 This address is paused, try again later)\n\n"
)

_STATES = AliasStates(
    {
        "foo-leak-4@example.com": AliasRecord(AliasState.REVOKED),
        "foo-later-5@example.com": AliasRecord(AliasState.DEFER),
        "foo-still-5@example.com": AliasRecord(AliasState.QUIET),
        "foo-shop-4@example.com": AliasRecord(locks=(Lock(("shop.test", "me@news.test")),)),
        "foo-first-5@example.com": AliasRecord(locks=(Lock(first=True),)),
        "kept@example.com": AliasRecord(kept_for="foo"),
    }
)


@define
class _Sink:
    """Takes the deliveries that the service counts, as they go to the store."""

    counters: MemoryCounters = field(factory=MemoryCounters)
    interrupted: InterruptedTransactions = field(factory=InterruptedTransactions)
    mails: list[tuple[str, str, Outcome]] = field(factory=list)

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Take a mail, of a sender that can be kept."""
        is_address = "@" in sender and sender.isprintable() and sender == sender.lower()
        promise(sender in ("", MALFORMED_SENDER) or is_address, "a sender that is no address", sender)
        promise(bool(recipient.account) or outcome is Outcome.REFUSED, "a mail for no account", recipient)
        sender.encode()
        self.mails.append((recipient.key, sender, outcome))

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Take a guess, which this configuration does not count."""
        raise Broken(f"a guess: {guess!r}, {network!r}")


def policy(data: bytes) -> None:
    """Send bytes to the policy protocol, in pieces of the size that the first byte gives.

    Every complete request gets exactly one action, in order, the same as if it were the only one; a line without ``=``
    and too much input get none, and nothing after them does. The end of a message is no reason for an action. The mails
    that are counted are no more than the requests, and do not depend on the pieces.
    """
    stream = data[1:].replace(_LONG, b"a" * (LONGEST_REQUEST + 1))
    expected = b""
    request: list[bytes] = []
    for line in stream.split(b"\n")[:-1]:
        request.append(line + b"\n")
        if len(b"".join(request)) > LONGEST_REQUEST:
            break
        if line not in (b"", b"\r"):
            if b"=" not in line or len(request) > MOST_LINES:
                break
            continue
        octets = b"".join(request)
        reply = _actions([octets])[0]
        promise(_ACTION.fullmatch(reply) is not None, "not an action that the service has", request, reply)
        promise(reply == DUNNO or b"END-OF-MESSAGE" not in octets or b"RCPT" in octets or b"VRFY" in octets, "an end")
        expected += reply
        request = []
    got, mails = _actions(_pieces(stream, data[0] if data and len(stream) < 10_000 else 0))
    promise(got == expected, "actions in another order or number", got[-200:], expected[-200:])
    promise(len(mails) <= got.count(b"\n\n"), "more mails than requests", mails)
    promise(mails == _actions([stream])[1], "mails that depend on the pieces", mails)


def _actions(pieces: Iterator[bytes] | list[bytes]) -> tuple[bytes, list[tuple[str, str, Outcome]]]:
    """Return the replies to some input, and the mails that they made count."""
    clock, sink = Clock(), _Sink()
    current = CurrentSnapshot(Snapshot(_POLICY, states=_STATES))
    replies = _Connection(PolicyFactory(clock, current, clock.seconds, sink=sink), clock).run(iter(pieces))
    return replies, sink.mails
