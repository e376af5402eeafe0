"""What is fuzzed: four functions that take any bytes, and raise where a promise does not hold.

They know nothing of the fuzzer, so that the seeds are also tried where it is not installed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from attrs import define, field
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.language.rule import folding
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded
from trualias.matching.matcher import FEW, Matcher
from trualias.matching.policy import LONGEST, Policy
from trualias.protocols import wire
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory

SLOWEST_LOAD = 5.0
"""Seconds of processor time that a configuration of a few thousand characters may take, whatever is in it."""

_TRIED = 20_000
"""Attempts after which even the way that tries readings gives up and counts them."""

_LONG = b"\xfe\xfe"
"""Stands for a text that no request may be as long as."""

_POLICY = parse_configuration(
    """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT bar MATCHES %alpha%x%alpha%.%code% WITH CHARS(1);
ACCOUNT baz MATCHES both%alpha%.%code% WITH ANY(1);
ACCOUNT fox MATCHES bo%alpha%.%code% WITH ANY(1);
ACCOUNT percent MATCHES 100%%%number%+%code% WITH DIGITS();
""",
    "fuzzed.conf",
)
_PROBES = ("", "a", "foo-a-1", "x" * 64, "foo-google-g6", "samissexy.34")


class Broken(Exception):
    """A promise that does not hold."""


def promise(holds: bool, what: str, *details: object) -> None:
    """Raise `Broken` unless something holds."""
    if not holds:
        raise Broken(f"{what}: {details!r}")


def configuration(data: bytes) -> None:
    """Load a configuration: only ConfigurationErrors are raised, each with a place and a text, and soon."""
    text = data.decode("utf-8-sig", "replace")
    start = time.process_time()
    loaded = _loaded(text)
    seconds = time.process_time() - start
    promise(seconds < SLOWEST_LOAD, "a load takes too long", seconds)
    if loaded is not None:
        for probe in _PROBES:
            loaded.policy.resolve(probe)


def _loaded(text: str) -> Configuration | None:
    try:
        return parse_configuration(text, "fuzzed.conf")
    except ConfigurationErrors as errors:
        promise(bool(errors.errors) and bool(str(errors)), "errors without a text")
        lines = text.count("\n") + 1
        for error in errors.errors:
            promise(1 <= error.line <= lines and error.column >= 1, "an error without a place", error.line)
            promise("\n" not in error.message and bool(error.message), "a message of several lines", error.message)
        return None


def matcher(data: bytes) -> None:
    """Ask a policy, the text before a zero byte, for the lines after it.

    Nothing is raised, no lookup takes more steps than the budget allows, and counting readings gives the same number
    and the same near misses as trying them.
    """
    text, _, asked = data.decode("utf-8", "replace").partition("\0")
    loaded = _loaded(text)
    if loaded is None:
        return
    for key in asked.split("\n")[:8]:
        policy = loaded.policy
        candidates = len(policy.candidates(key))
        _, steps = policy.resolve_counting(key)
        # What is tried before anything is counted, and the classes of spans, are added without a look at the budget.
        promise(steps <= BUDGET + candidates * FEW + 5 * LONGEST, "too many steps", key, steps)
        if len(key) <= LONGEST and key.isascii():
            _compare(policy, key)


def _compare(policy: Policy, key: str) -> None:
    fold = folding(policy.case_sensitive)
    for candidate in policy.candidates(key)[:8]:
        found = []
        for few in (0, _TRIED):
            record = LookupRecord(fold(key))
            matcher = Matcher(candidate.matcher.rule, fold, few)
            try:
                count = matcher.count(record, candidate.account, candidate.alias)
            except StepBudgetExceeded:
                return
            found.append((count, not count and record.shape_matches))
        promise(found[0] == found[1], "counted otherwise than tried", key, *found)


@define
class _Talk:
    """A client of a protocol that sits on a transport without a socket."""

    factory: ClientFactory
    clock: Clock
    transport: StringTransport = field(factory=StringTransport)

    def run(self, pieces: Iterator[bytes]) -> bytes:
        """Send everything as the transport would, close our side, and give what came back."""
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
        """A transport that is paused delivers nothing; the protocol's next turn lets it go on, or ends it all."""
        while self.transport.producerState == "paused" and not self.transport.disconnecting:
            promise(bool(self.clock.getDelayedCalls()), "paused for ever")
            self.clock.advance(0)

    def _end(self, protocol: ClientProtocol) -> bytes:
        promise(self.transport.disconnecting or bool(self.clock.getDelayedCalls()), "left open after the client's end")
        protocol.connectionLost()
        promise(not self.clock.getDelayedCalls(), "something is scheduled for a client that is gone")
        promise(not len(self.factory.clients), "a client that is gone is still counted")
        written: bytes = self.transport.value()
        return written


def _pieces(stream: bytes, size: int) -> Iterator[bytes]:
    """Cut what is sent; a size of 0 sends all at once."""
    size = size or max(1, len(stream))
    return (stream[at : at + size] for at in range(0, len(stream), size))


_LINE_REPLY = re.compile(rb"(?:200 (?:[!-$&-~]|%[0-9A-F]{2})+|[45]00 [ -$&-~]+)\n")


def line_protocol(data: bytes) -> None:
    """Send bytes, cut into pieces of as many as the first of them says.

    Every complete line is answered exactly once and in order, each as if it were the only one; a request that is too
    long is the last that is answered.
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
            promise(_LINE_REPLY.fullmatch(reply) is not None, "no reply of the protocol's", line, reply)
            promise(len(reply) <= wire.LONGEST_REPLY, "too long a reply", line, reply)
            expected += reply
    got = _table(_pieces(stream, data[0] if data and len(stream) < 10_000 else 0))
    promise(got == expected, "replies in another order or number", got[-200:], expected[-200:])


def _table(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    clock = Clock()
    return _Talk(TableFactory(clock, CurrentSnapshot(Snapshot(_POLICY)), Table.VIRTUAL, clock.seconds), clock).run(
        iter(pieces)
    )


_NETSTRING = re.compile(rb"(0|[1-9][0-9]*):")
_BEGINNING = re.compile(rb"(0|[1-9][0-9]{0,5})(?::(.*))?", re.DOTALL)
_MAP_REPLY = re.compile(rb"OK .+|NOTFOUND |(?:TEMP|PERM) [ -~]+", re.DOTALL)


def socketmap(data: bytes) -> None:
    """Send netstrings, those that the lines are; or bytes as they are where the first byte is odd.

    Every complete netstring is answered exactly once and in order, each as if it were the only one; a wrong one is
    refused, and nothing behind it is answered.
    """
    how, stream = data[:1] or b"\0", data[1:].replace(_LONG, b"a" * (wire.LONGEST_NETSTRING + 1))
    if not how[0] & 1:
        stream = b"".join(b"%d:%s," % (len(line), line) for line in stream.split(b"\n"))
    expected, at = b"", 0
    for payload in _netstrings(stream):
        at += len(b"%d:%s," % (len(payload), payload))
        reply = _map([b"%d:%s," % (len(payload), payload)])
        replies = list(_netstrings(reply))
        promise(len(replies) == 1 and _MAP_REPLY.fullmatch(replies[0]) is not None, "no reply", payload, reply)
        expected += reply
    if not _may_go_on(stream[at:]):
        expected += wire.MAP_MALFORMED
    got = _map(_pieces(stream, how[0] >> 1 if len(stream) < 10_000 else 0))
    promise(got == expected, "replies in another order or number", got[-200:], expected[-200:])


def _map(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    clock = Clock()
    return _Talk(SocketmapFactory(clock, CurrentSnapshot(Snapshot(_POLICY)), clock.seconds), clock).run(iter(pieces))


def _netstrings(stream: bytes) -> Iterator[bytes]:
    """Give what the netstrings of a stream hold, up to the first that is wrong, too long or incomplete."""
    at = 0
    while (length := _NETSTRING.match(stream, at)) is not None and len(length.group(1)) <= 6:
        end = length.end() + int(length.group(1))
        if int(length.group(1)) > wire.LONGEST_NETSTRING or stream[end : end + 1] != b",":
            return
        yield stream[length.end() : end]
        at = end + 1


def _may_go_on(rest: bytes) -> bool:
    """Tell whether more bytes can make a netstring of these, which are none yet."""
    if not rest:
        return True
    beginning = _BEGINNING.fullmatch(rest)
    if beginning is None or int(beginning[1]) > wire.LONGEST_NETSTRING:
        return False
    return len(beginning[2] or b"") <= int(beginning[1])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "configuration": configuration,
    "line_protocol": line_protocol,
    "socketmap": socketmap,
    "matcher": matcher,
}
