"""Postfix' access policy delegation protocol: lines of attributes in, one action out (SMTPD_POLICY_README).

A request is lines ``name=value`` that an empty line ends; the reply is ``action=TEXT`` and an empty line. The service
answers with the verdicts of the access table, and with DUNNO to everything else. It never answers with an action that
decides about other recipients of the message, or that ends the other checks of the mail server.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define
from twisted.internet.interfaces import IReactorTime

from trualias.configuration.settings import WireProtocol
from trualias.configuration.tables import Table
from trualias.log import lookup_log
from trualias.lookup import CurrentSnapshot, NotFoundReason, Snapshot
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.statistics import ReplyKind
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.envelope import envelope_sender
from trualias.protocols.guess_limit import TOO_MANY, GuessLimit, client_address, network_of
from trualias.protocols.recipient_cache import RecipientCache
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.responder import Responder
from trualias.protocols.transactions import DeliverySink, EndWatch, OpenTransaction, Outcome
from trualias.protocols.wire import BadRequest, ReplyFormat, Splitter, Unsendable, decode_key

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


@define(eq=False)
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


class PolicyProtocol(ClientProtocol):
    """The connection of one smtpd process."""

    factory: PolicyFactory
    splitter = PolicySplitter

    def __init__(self, factory: PolicyFactory) -> None:
        super().__init__(factory)
        self._responder = factory.responder
        self._verdicts = factory.verdicts
        self._transaction = OpenTransaction()

    def reply_to(self, request: bytes) -> Reply:
        """Return the reply to a request, which is given with its empty line."""
        parsed = PolicyRequest.parse(request)
        key = decode_key(parsed.recipient) if parsed.names_recipient else None
        sink = self.factory.sink
        if not key:
            if sink is not None and parsed.ends_message:
                self._count(parsed, sink)
            return self.factory.no_opinion
        snapshot = self._current.snapshot
        verdicts = self._verdicts
        verdicts.use(snapshot)
        reply = None if lookup_log.is_on else verdicts.recent.get(parsed.recipient)
        if reply is None:
            reply = self._responder.reply(parsed.recipient, key, snapshot.tables[Table.ACCESS], verdicts)
        if sink is None or snapshot.recipients is None:
            return reply
        is_vrfy = parsed.protocol_state == b"VRFY"
        is_limited = snapshot.configuration.settings.guesses is not None
        if is_vrfy and not is_limited:
            return reply
        recipient = self.factory.recipients.get(parsed.recipient, key, snapshot)
        if is_limited and self._is_past_guesses(parsed, recipient, snapshot, sink):
            return self._responder.found(TOO_MANY, self._verdicts)
        if is_vrfy:
            return reply
        self._transaction.enter(parsed.instance)
        if recipient is None or isinstance(recipient, WrongCode):
            if reply.octets == DUNNO:
                self._transaction.add(parsed.recipient, None)
            return reply
        if recipient.account and (not recipient.locks or recipient.admits(envelope_sender(parsed.sender))):
            if self._transaction.add(parsed.recipient, recipient):
                self.factory.end_watch.begin()
            return reply
        sink.add(recipient, envelope_sender(parsed.sender), Outcome.REFUSED)
        # Without an account, the state has refused it already.
        is_locked = bool(recipient.account)
        return self._responder.found(snapshot.recipients.access.refusal.value, verdicts) if is_locked else reply

    def _is_past_guesses(
        self, request: PolicyRequest, recipient: Recipient | WrongCode | None, snapshot: Snapshot, sink: DeliverySink
    ) -> bool:
        """Count a wrong code, and return whether the client's network is past the limit for an unknown alias.

        A right address is refused like a wrong one then: another reply would tell which of them is right.
        """
        limits = snapshot.configuration.settings.guesses
        if limits is None or recipient is None or snapshot.recipients is None or request.sasl_username:
            return False
        if isinstance(recipient, Recipient) and not recipient.account:
            return False  # refused by its state
        address = client_address(request.client_address)
        if address is None or snapshot.recipients.is_known(recipient.key) is not False:
            return False
        if any(address.version == one.version and address in one for one in limits.exempt):
            return False
        network = network_of(address)
        is_past = self.factory.guess_limit.is_past(network, limits)
        if isinstance(recipient, WrongCode):
            self.factory.guess_limit.count(network, limits)
            sink.add_guess(recipient, network)
        if is_past:
            sink.counters.slowed += 1
        return is_past

    def _count(self, request: PolicyRequest, sink: DeliverySink) -> None:
        """Count the deliveries of the message that is there."""
        self.factory.end_watch.end()
        self._transaction.enter(request.instance)
        recipients, outcome = self._transaction.end(
            request.recipient, b"" if request.recipient else request.recipient_count
        )
        if not recipients:
            return
        if outcome is Outcome.KNOWN:
            sink.counters.unattributed += 1
        sender = envelope_sender(request.sender)
        for recipient in recipients:
            sink.add(recipient, sender, outcome)

    def refuse(self, bad_request: BadRequest) -> None:
        """Discard the input, after which the connection ends without a reply, and log the reason."""
        reason = _REASONS[bad_request]
        self._clients.refusal_log.refused(self._transport.getPeer(), reason)
        self._discard_input()


_REASONS = {
    BadRequest.MALFORMED: "it sent a line without '=', which is no request of Postfix' policy protocol",
    BadRequest.TOO_LONG: f"it sent a policy request of more than {LONGEST_REQUEST} bytes or {MOST_LINES} lines",
}


class PolicyFactory(ClientFactory):
    """Builds the protocol for each client that speaks the policy delegation protocol.

    ``sink`` takes the deliveries; None for none.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        current: CurrentSnapshot,
        clock: Callable[[], float],
        clients: Clients | None = None,
        sink: DeliverySink | None = None,
    ) -> None:
        super().__init__(reactor, current, clock, clients)
        self.sink = sink
        self.recipients = RecipientCache()
        self.end_watch = EndWatch()
        self.guess_limit = GuessLimit(reactor.seconds)
        counters = self.request_counters(WireProtocol.POLICY, Table.ACCESS.value)
        self.responder = Responder(ACTIONS, counters, self.clients.address_warnings)
        self.no_opinion = self.responder.make(DUNNO, ReplyKind.NOT_FOUND, NotFoundReason.NO_MATCH)
        # By the recipient alone; ``cache`` has replies by whole requests, which are never the same twice.
        self.verdicts = ReplyCache()

    def client(self) -> PolicyProtocol:
        """Return a protocol for one client."""
        return PolicyProtocol(self)
