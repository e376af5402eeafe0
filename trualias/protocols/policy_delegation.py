"""Postfix' access policy delegation protocol: lines of attributes in, one action out (SMTPD_POLICY_README).

A request is lines ``name=value`` that an empty line ends; the reply is ``action=TEXT`` and an empty line. The service
answers with the verdicts of the access table, and with DUNNO to everything else. It never answers with an action that
decides about other recipients of the message, or that ends the other checks of the mail server.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from trualias.configuration.setting_values import WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import Answer, CurrentSnapshot, NotFound, NotFoundReason, Snapshot
from trualias.lookup.access import AccessLookup, ConsultedAlias
from trualias.lookup.recipients import Recipient, UnownedCode, WrongCode
from trualias.monitoring.statistics import ReplyKind
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory, ClientProtocol
from trualias.protocols.envelope import envelope_sender
from trualias.protocols.guess_limit import TOO_MANY, GuessLimit, client_address, network_of
from trualias.protocols.policy_request import ACTIONS, DUNNO, LONGEST_REQUEST, MOST_LINES, PolicyRequest, PolicySplitter
from trualias.protocols.recipient_cache import RecipientCache
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.responder import Responder
from trualias.protocols.transactions import DeliverySink, EndWatch, OpenTransaction, Outcome
from trualias.protocols.wire import BadRequest, decode_key


class PolicyProtocol(ClientProtocol):
    """The connection of one smtpd process."""

    factory: PolicyFactory
    splitter = PolicySplitter

    def __init__(self, factory: PolicyFactory) -> None:
        super().__init__(factory)
        self._responder = factory.responder
        self._verdicts = factory.verdicts
        self._transaction = OpenTransaction(None if factory.sink is None else factory.sink.interrupted)
        self._is_stopped = False

    def finish_pending(self) -> None:
        """Answer what the client has sent so far, then end the connection, and leave its transaction to another one."""
        self._is_stopped = True
        super().finish_pending()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Drop the transaction that is open, or leave it to another connection if the server stops."""
        if self._is_stopped:
            self._transaction.interrupt()
        super().connectionLost(reason)

    def reply_to_whole(self, data: bytes) -> Reply | None:
        """Return the reply to data that are one request, as nearly all are."""
        return self.reply_to(data) if PolicySplitter.is_one_request(data) else None

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
        reply = verdicts.recent.get(parsed.recipient)
        if sink is None or snapshot.recipients is None:
            return reply or self._responder.reply(parsed.recipient, key, snapshot.tables[Table.ACCESS], verdicts)
        consulted: ConsultedAlias | NotFound | None = None
        if reply is None:
            consultation = _Consultation(snapshot.recipients.access)
            reply = self._responder.reply(parsed.recipient, key, consultation, verdicts)
            consulted = consultation.found
        is_vrfy = parsed.protocol_state == b"VRFY"
        is_limited = snapshot.configuration.settings.guesses is not None
        if is_vrfy and not is_limited:
            return reply
        recipient = self.factory.recipients.get(parsed.recipient, key, snapshot, consulted)
        if is_limited and self._is_past_guesses(parsed, recipient, snapshot, sink):
            return self._responder.found(TOO_MANY, self._verdicts)
        if is_vrfy:
            return reply
        self._transaction.enter(parsed.instance)
        if not isinstance(recipient, Recipient):
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
        self,
        request: PolicyRequest,
        recipient: Recipient | WrongCode | UnownedCode | None,
        snapshot: Snapshot,
        sink: DeliverySink,
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


class _Consultation:
    """The lookup in the access table, which leaves what it found for the lookup of the recipient."""

    __slots__ = ("_access", "found")

    def __init__(self, access: AccessLookup) -> None:
        self._access = access
        self.found: ConsultedAlias | NotFound | None = None

    def __call__(self, key: str) -> Answer:
        """Return the answer of the access table to an address."""
        self.found = _NOTHING  # if a hook fails, it is not called again
        self.found = self._access.consult(key)
        return self._access.verdict(self.found)


_NOTHING = NotFound(NotFoundReason.NO_MATCH)

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
