"""The fuzz targets: five functions that take any bytes, and raise `Broken` if a promise does not hold.

They do not depend on the fuzzer, so that a test can run the seeds without it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.files import CopyAccess
from trualias.configuration.tables import Table
from trualias.language.addresses import split_address
from trualias.language.rule import folding
from trualias.lookup import CurrentSnapshot, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import BudgetExceeded
from trualias.matching.policy import LONGEST, Policy
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols import wire
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.policy_delegation import PolicyFactory
from trualias.protocols.policy_request import DUNNO, LONGEST_REQUEST, MOST_LINES
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.protocols.transactions import InterruptedTransactions, Outcome

SLOWEST_LOAD = 5.0
"""The bound on the load of any configuration of a few thousand characters, in seconds of processor time."""

_TRIED = 20_000
"""The number of tried readings after which the matcher counts them instead."""

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
_PROBES = ("", "a", "foo-a-1", "x" * 64, "foo-google-g6", "samissexy.34")


class Broken(Exception):
    """A promise does not hold."""


def promise(holds: bool, what: str, *details: object) -> None:
    """Raise `Broken` with a message and details unless ``holds``."""
    if not holds:
        raise Broken(f"{what}: {details!r}")


def configuration(data: bytes) -> None:
    """Load a configuration; the texts after a zero byte are those of ``1.conf``, ``2.conf`` and so on, to be included.

    It raises nothing but ``ConfigurationErrors``, each with a position and a message, and ends in time. No address that
    it refuses is found.
    """
    text, *included = data.decode("utf-8-sig", "replace").split("\0")
    start = time.process_time()
    loaded = _loaded(text, included)
    seconds = time.process_time() - start
    promise(seconds < SLOWEST_LOAD, "a load takes too long", seconds)
    if loaded is not None:
        for probe in _PROBES:
            for domain in _domains(loaded):
                loaded.policy.resolve(probe, domain)
        _look_up_refused(Snapshot(loaded))


def _domains(loaded: Configuration) -> list[str | None]:
    """Return the local-part table's domain, which is None, and a few that statements name."""
    return [None, *sorted(loaded.policy.domains)[:2]]


def _look_up_refused(snapshot: Snapshot) -> None:
    domains = sorted(snapshot.configuration.settings.alias_domains)
    addresses = [address.text for refusal in snapshot.configuration.refusals for address in refusal.addresses]
    for address in addresses[:8]:
        local_part, domain = split_address(address)
        keys = [(Table.VIRTUAL, f"{local_part}@{at}") for at in ([domain] if domain is not None else domains)[:2]]
        for table, key in keys if domain is not None else [(Table.LOCAL_PART, local_part), *keys]:
            answer = snapshot.tables[table](key)
            promise(answer == NotFound(NotFoundReason.REFUSED), "a refused address is found", key, answer)


def _loaded(text: str, included: Sequence[str] = ()) -> Configuration | None:
    files = CopyAccess({f"{number}.conf": text for number, text in enumerate(included, 1)})
    try:
        return parse_configuration(text, "fuzzed.conf", access=files)
    except ConfigurationErrors as errors:
        promise(bool(errors.errors) and bool(str(errors)), "errors without a text")
        lines = max(text.count("\n") for text in (text, *included)) + 1
        for error in errors.errors:
            promise(1 <= error.line <= lines and error.column >= 1, "an error without a position", error.line)
            promise("\n" not in error.message and bool(error.message), "a message of several lines", error.message)
        return None


def matcher(data: bytes) -> None:
    """Look up the lines after the first zero byte in the policy before it.

    Nothing is raised, no lookup that is answered takes more steps than the budget allows, and counting readings gives
    the same number and the same near misses as trying them.
    """
    text, _, keys = data.decode("utf-8", "replace").partition("\0")
    loaded = _loaded(text)
    if loaded is None:
        return
    for key in keys.split("\n")[:8]:
        policy = loaded.policy
        for domain in _domains(loaded):
            outcome, steps = policy.resolve_counting(key, domain)
            promise(isinstance(outcome, BudgetExceeded) == (steps > BUDGET), "too many steps", key, steps)
            if len(key) <= LONGEST and key.isascii():
                _compare(policy, key, domain)


def _compare(policy: Policy, key: str, domain: str | None) -> None:
    fold = folding(policy.case_sensitive)
    for candidate in policy.candidates(key, domain)[:8]:
        counts = []
        for few in (0, _TRIED):
            record = LookupRecord(fold(key))
            matcher = Matcher(candidate.matcher.rule, fold, few)
            try:
                count = matcher.count(record, candidate.account, candidate.alias)
            except StepBudgetExceeded:
                return
            counts.append((count, not count and record.shape_matches))
        promise(counts[0] == counts[1], "counting and trying readings differ", key, *counts)


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


TARGETS: dict[str, Callable[[bytes], None]] = {
    "configuration": configuration,
    "line_protocol": line_protocol,
    "socketmap": socketmap,
    "policy": policy,
    "matcher": matcher,
}
