"""Tests of ``trualias.protocols.policy_delegation``."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import Counters, RequestOutcome
from trualias.monitoring.statistics import ReplyKind, Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.policy_delegation import PolicyFactory, PolicyProtocol
from trualias.protocols.policy_request import LONGEST_REQUEST, MOST_LINES, PolicySplitter, action
from trualias.protocols.wire import Unsendable
from trualias.test.conversation import NarrowTransport
from trualias.test.lookups import Hooks, snapshot

DUNNO = b"action=DUNNO\n\n"
REFUSED = b"action=550 5.1.1 User unknown in virtual mailbox table\n\n"

STATEMENTS = """
ALIAS DOMAINS: example.com example.org
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
REFUSE foo-macys-m5, foo-leak-l4@example.org;
"""

# A complete request of Postfix 3.7, in a session with TLS and SASL.
POSTFIX = b"""\
request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address=127.0.0.1
client_name=unknown
client_port=52478
reverse_client_name=unknown
server_address=127.0.0.1
server_port=2603
helo_name=c2.test
sender=samissexy.34@example.com
recipient=foo-macys-m5@example.com
recipient_count=0
queue_id=
instance=50ed.6b0703c8.b40a0.0
size=0
etrn_domain=
stress=
sasl_method=PLAIN
sasl_username=baz
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=TLSv1.3
encryption_cipher=TLS_AES_256_GCM_SHA384
encryption_keysize=256
policy_context=rcpt

"""


def rcpt(recipient: bytes, state: bytes = b"RCPT") -> bytes:
    """Return a request about a recipient."""
    return b"request=smtpd_access_policy\nprotocol_state=" + state + b"\nrecipient=" + recipient + b"\n\n"


CHAT = (
    (POSTFIX, REFUSED),
    (POSTFIX.replace(b"\n", b"\r\n"), REFUSED),
    (rcpt(b"foo-macys-m5@example.com"), REFUSED),
    (rcpt(b"Foo-Macys-M5@Example.COM"), REFUSED),
    (rcpt(b"foo-macys-m5@example.com."), REFUSED),
    (rcpt(b"foo-macys-m5@example.com", b"VRFY"), REFUSED),
    (rcpt(b"foo-macys-m5@example.org"), REFUSED),
    (rcpt(b"foo-leak-l4@example.org"), REFUSED),
    (rcpt(b"foo-leak-l4@example.com"), DUNNO),
    (rcpt(b"foo-google-g6@example.com"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com.."), DUNNO),
    (rcpt(b"foo-macys-m5@example.net"), DUNNO),
    (rcpt(b"foo-macys-m5"), DUNNO),
    (rcpt(b"foo-macys-m5@"), DUNNO),
    (rcpt(b""), DUNNO),
    (rcpt(b"@example.com"), DUNNO),
    (rcpt(b"no a@example.com"), DUNNO),
    (rcpt(b"\xff@example.com"), DUNNO),
    (rcpt("sämisso.43@example.com".encode()), DUNNO),
    (rcpt(b"a\0b@example.com"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com=x"), DUNNO),
    (rcpt(b"x" * 5000 + b"@example.com"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com", b"DATA"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com", b"END-OF-MESSAGE"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com", b"rcpt"), DUNNO),
    (rcpt(b"foo-macys-m5@example.com").replace(b"request=smtpd", b"request=other"), DUNNO),
    (b"recipient=foo-macys-m5@example.com\nprotocol_state=RCPT\nrequest=smtpd_access_policy\n\n", REFUSED),
    (b"protocol_state=RCPT\nrecipient=foo-macys-m5@example.com\n\n", DUNNO),
    (b"xrecipient=foo-macys-m5@example.com\n" + rcpt(b"a@example.com"), DUNNO),
    (b"=\n=x\n\n", DUNNO),
    (b"\n", DUNNO),
    (b"\r\n", DUNNO),
    (b"a=b\n" * MOST_LINES + b"\n", DUNNO),
    (b"a=" + b"b" * (LONGEST_REQUEST - 4) + b"\n\n", DUNNO),
)
"""Each request with its reply."""

MALFORMED = "it sent a line without '=', which is no request of Postfix' policy protocol"
TOO_LONG = f"it sent a policy request of more than {LONGEST_REQUEST} bytes or {MOST_LINES} lines"

BAD_INPUT = {
    b"get foo-macys-m5@example.com\n": MALFORMED,
    b"27:virtual a@example.com,\n": MALFORMED,
    b"GET / HTTP/1.1\r\n": MALFORMED,
    b"\0\n": MALFORMED,
    b"a=b\nc\n\n": MALFORMED,
    b"a=b\n \n": MALFORMED,
    b"a=b\n\r\r\n": MALFORMED,
    b"a=b\n" * (MOST_LINES + 1): TOO_LONG,
    b"a=b\n" * (MOST_LINES + 1) + b"\n": TOO_LONG,
    b"a=" + b"b" * LONGEST_REQUEST: TOO_LONG,
    b"a=" + b"b" * (LONGEST_REQUEST - 3) + b"\n\n": TOO_LONG,
    (b"a=" + b"b" * 1000 + b"\n") * 1000: TOO_LONG,
    b"\xff" * LONGEST_REQUEST: TOO_LONG,
}
"""Input that ends the connection, with the reason in the log."""


class PolicyTests(SynchronousTestCase):
    """Conversations in the protocol."""

    def setUp(self) -> None:
        """Make a factory with statistics and counters."""
        self.clock = Clock()
        self.current = CurrentSnapshot(snapshot(statements=STATEMENTS))
        self.counters = Counters()
        self.clients = Clients(limit=5, counters=self.counters)
        self.statistics = self.clients.statistics = Statistics()
        self.factory = PolicyFactory(self.clock, self.current, self.clock.seconds, self.clients)

    def connect(self) -> tuple[PolicyProtocol, NarrowTransport]:
        """Connect a client."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, PolicyProtocol)
        transport = NarrowTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def send(self, pieces: list[bytes]) -> tuple[bytes, bool]:
        """Send pieces on a new connection, each after all turns; return what comes back, and whether it is ended."""
        protocol, transport = self.connect()
        for piece in pieces:
            protocol.dataReceived(piece)
            while transport.producerState == "paused":
                self.clock.advance(1)
        received: bytes = transport.value()
        protocol.connectionLost()
        return received, transport.disconnecting

    def test_chat(self) -> None:
        """Each request gets its action, and the connection stays open; the second time, verdicts are cached."""
        for sent, received in CHAT * 2:
            self.assertEqual((received, False), self.send([sent]), sent)

    def test_in_pieces(self) -> None:
        """Requests may arrive in any pieces, and several at once; each gets its reply, in order."""
        sent = b"".join(sent for sent, _ in CHAT)
        received = b"".join(received for _, received in CHAT)
        self.assertEqual((received, False), self.send([sent]))
        for size in (1, 7, 300):
            pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
            self.assertEqual((received, False), self.send(pieces))

    def test_one_request(self) -> None:
        """Data that are split as one request are known to be one at once, if their lines end as Postfix ends them."""
        data = [*(sent for sent, _ in CHAT), *BAD_INPUT, POSTFIX + POSTFIX, POSTFIX[:-1], POSTFIX + b"a", b"a=b\nc\n\n"]
        data += [
            b"a=b\nc=\n=d\n\n",
            b"a=b=c\n\n",
            b"a\nb==c\n\n",
            b"\n\n",
            b"\na=b\n\n",
            b"a=b\n\nc=d\n\n",
            b"",
            b"=\n\n",
        ]
        for each in data:
            splitter = PolicySplitter()
            splitter.feed(each)
            is_one = splitter.next_request() == each and b"\r" not in each
            self.assertEqual(is_one, PolicySplitter.is_one_request(each), each[:80])

    def test_bad_input(self) -> None:
        """Input that is no request ends the connection without a reply, as soon as it shows, and is logged once."""
        for sent, reason in BAD_INPUT.items():
            for pieces in ([sent], [sent[at : at + 1000] for at in range(0, len(sent), 1000)]):
                self.clients.refusal_log = type(self.clients.refusal_log)()
                with capturedLogs() as events:
                    self.assertEqual((b"", True), self.send(pieces), sent[:50])
                self.assertEqual([f"refused a connection from 192.168.1.1: {reason}"], [*map(formatEvent, events)])

    def test_bad_input_after_requests(self) -> None:
        """Requests before bad input are answered; nothing after it is."""
        with capturedLogs():
            self.assertEqual((REFUSED, True), self.send([POSTFIX + b"get x\n\n" + POSTFIX]))

    def test_incomplete(self) -> None:
        """Half a request gets no reply, and its connection stays open until the client ends it."""
        protocol, transport = self.connect()
        protocol.dataReceived(POSTFIX[:-1])
        self.assertEqual((b"", False), (transport.value(), transport.disconnecting))
        protocol.readConnectionLost()
        self.assertEqual((b"", True), (transport.value(), transport.disconnecting))

    def test_bounded(self) -> None:
        """However long the input is, no more than a request of it is kept."""
        protocol, transport = self.connect()
        with capturedLogs():
            for _ in range(1000):
                protocol.dataReceived(b"a" * 1000)
                while transport.producerState == "paused":
                    self.clock.advance(1)
                self.assertLessEqual(len(protocol._input.buffer), LONGEST_REQUEST + 1000)

    def test_unknown_user(self) -> None:
        """The text of a refusal is UNKNOWN USER, so that the address reads like one that never was."""
        self.current.snapshot = snapshot("UNKNOWN USER: User unknown in virtual alias table", STATEMENTS)
        self.assertEqual((b"action=550 5.1.1 User unknown in virtual alias table\n\n", False), self.send([POSTFIX]))

    def test_reload(self) -> None:
        """The next request is answered by the new snapshot, also if its verdict was cached."""
        self.assertEqual((REFUSED, False), self.send([POSTFIX]))
        self.current.snapshot = snapshot(statements=STATEMENTS.replace("foo-macys-m5, ", ""))
        self.assertEqual((DUNNO, False), self.send([POSTFIX]))

    def test_hook_that_raises(self) -> None:
        """A fault is no verdict: the table, which is looked up next, gives the temporary error."""

        def fail(alias: str, domain: str | None) -> tuple[str, str | None]:
            if alias == "x":
                raise ZeroDivisionError
            return alias, domain

        self.current.snapshot = snapshot(statements=STATEMENTS, hooks=Hooks(preprocess=fail))
        self.assertEqual((DUNNO, False), self.send([rcpt(b"x@example.com")]))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual(1, self.statistics.outcomes[ReplyKind.BAD].ended)

    def test_counts(self) -> None:
        """A refusal counts as found, DUNNO as not found, in the statistics and in the metrics of the access table."""
        for request in (POSTFIX, rcpt(b"foo-google-g6@example.com"), rcpt(b"a@example.net"), b"\n"):
            self.send([request])
        ended = {kind: self.statistics.outcomes[kind].ended for kind in ReplyKind}
        self.assertEqual({ReplyKind.SUCCESS: 1, ReplyKind.NOT_FOUND: 3, ReplyKind.BAD: 0, ReplyKind.STATS: 0}, ended)
        buckets = self.counters.of("policy", "access").buckets
        counted = {outcome: sum(numbers) for outcome, numbers in buckets.items() if sum(numbers)}
        self.assertEqual({RequestOutcome.FOUND: 1, "no_match": 2, "unknown_domain": 1}, counted)


class ActionTests(SynchronousTestCase):
    """The format of an action."""

    def test_unsendable(self) -> None:
        """An empty action would accept the recipient, and another line would be another attribute."""
        for text in ("", "a\nb", "a\rb", "a\0b", "é"):
            self.assertRaises(Unsendable, action, text)
