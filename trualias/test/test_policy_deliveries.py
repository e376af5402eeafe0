"""Tests of the deliveries that ``trualias.protocols.policy_delegation`` counts, and of the locks that it enforces."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import CurrentSnapshot
from trualias.lookup.locks import MALFORMED_SENDER
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.counters import Counters
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols.clients import Clients
from trualias.protocols.policy_delegation import PolicyFactory, PolicyProtocol
from trualias.protocols.transactions import MOST_WITHOUT_END, InterruptedTransactions, Outcome
from trualias.test.conversation import NarrowTransport
from trualias.test.lookups import snapshot
from trualias.test.test_recipients import made_snapshot

DUNNO = b"action=DUNNO\n\n"
REFUSED = b"action=550 5.1.1 User unknown in virtual mailbox table\n\n"
DEFERRED = b"action=450 4.2.1 This address is paused, try again later\n\n"

GOOGLE, MACYS = "foo-google-g6@example.com", "foo-macys-m5@example.com"


@define
class Collected:
    """A sink that keeps the deliveries."""

    counters: MemoryCounters = Factory(MemoryCounters)
    interrupted: InterruptedTransactions = Factory(InterruptedTransactions)
    deliveries: list[tuple[str, str, Outcome]] = Factory(list)

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Keep a delivery."""
        self.deliveries.append((recipient.key, sender, outcome))

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Refuse a guess: none is limited here."""
        raise AssertionError(guess)

    def taken(self) -> list[tuple[str, str, Outcome]]:
        """Return and forget the deliveries: the key, the sender and the outcome."""
        taken, self.deliveries = self.deliveries, []
        return taken


def request(state: str, recipient: str = "", instance: str = "1", sender: str = "a@news.test", count: int = 0) -> bytes:
    """Return a request as Postfix makes it."""
    return (
        f"request=smtpd_access_policy\nprotocol_state={state}\nprotocol_name=ESMTP\nsender={sender}\n"
        f"recipient={recipient}\nrecipient_count={count}\ninstance={instance}\nsize=0\n\n"
    ).encode()


class DeliveryTests(SynchronousTestCase):
    """Conversations about mail for aliases."""

    def setUp(self) -> None:
        """Connect a client."""
        self.sink = Collected()
        self.current = CurrentSnapshot(made_snapshot())
        clock = Clock()
        self.counters = Counters()
        clients = Clients(counters=self.counters)
        self.factory = PolicyFactory(clock, self.current, clock.seconds, clients, self.sink)
        self.connect()

    def connect(self) -> None:
        """Connect another client."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, PolicyProtocol)
        self.transport = NarrowTransport()
        self.protocol = protocol
        protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        """Send a request, and return its reply."""
        self.protocol.dataReceived(data)
        return self.transport.empty()

    def rcpt(self, recipient: str, instance: str = "1", sender: str = "a@news.test") -> bytes:
        """Return the reply about a recipient."""
        return self.send(request("RCPT", recipient, instance, sender))

    def end(self, count: int, recipient: str = "", instance: str = "1", sender: str = "a@news.test") -> list[object]:
        """End a message; return what was counted. The reply is always the same."""
        self.assertEqual(DUNNO, self.send(request("END-OF-MESSAGE", recipient, instance, sender, count)))
        return [*self.sink.taken()]

    def test_accepted(self) -> None:
        """A message for an alias is counted at its end, with the sender; the second time too, when all is cached."""
        for number in range(3):
            self.assertEqual(DUNNO, self.rcpt("Foo-Google-G6@example.com", str(number), "A@News.TEST."))
            self.assertEqual([], self.sink.taken())
            self.assertEqual(DUNNO, self.send(request("DATA", "", str(number), "a@news.test", 1)))
            expected = [(GOOGLE, "a@news.test", Outcome.ACCEPTED)]
            self.assertEqual(expected, self.end(1, "Foo-Google-G6@example.com", str(number), "A@News.TEST."))

    def test_several(self) -> None:
        """Several recipients are counted each once, and others are not."""
        for recipient in (GOOGLE, GOOGLE.upper(), "foo@example.com", "x@example.net", "foo-google-g6@example.org"):
            self.assertEqual(DUNNO, self.rcpt(recipient))
        self.assertEqual(
            [(GOOGLE, "", Outcome.ACCEPTED), ("foo-google-g6@example.org", "", Outcome.ACCEPTED)],
            self.end(4, sender=""),
        )

    def test_unattributed(self) -> None:
        """If a later check refused some, all become known without a count, and it is counted that this happened."""
        self.rcpt(GOOGLE)
        self.rcpt("foo-google-g6@example.org")
        self.rcpt("x@example.net")
        expected = [(key, "a@news.test", Outcome.KNOWN) for key in (GOOGLE, "foo-google-g6@example.org")]
        self.assertEqual(expected, self.end(4))
        self.assertEqual(MemoryCounters(unattributed=1), self.sink.counters)

    def test_aborted(self) -> None:
        """The next transaction, and the end of the connection, drop what is open."""
        self.rcpt(GOOGLE, "1")
        self.rcpt("foo-google-g6@example.org", "2")
        self.assertEqual([], self.end(1, GOOGLE, "1"))
        self.rcpt(GOOGLE, "3")
        self.protocol.connectionLost()
        self.connect()
        self.assertEqual([], self.end(1, GOOGLE, "3"))
        self.assertEqual(MemoryCounters(), self.sink.counters)

    def test_restart(self) -> None:
        """A message whose recipients were accepted before the server stopped is counted by another connection, once."""
        self.rcpt(GOOGLE, "7")
        other = "foo-google-g6@example.org"
        self.rcpt(other, "7")
        self.protocol.finish_pending()
        self.protocol.connectionLost()
        self.connect()
        self.rcpt("foo@example.com", "7")
        expected = [(key, "a@news.test", Outcome.ACCEPTED) for key in (GOOGLE, other)]
        self.assertEqual(expected, self.end(3, instance="7"))
        self.assertEqual([], self.end(3, instance="7"))

    def test_lost_connection(self) -> None:
        """The end of a connection drops its transaction, as long as the server goes on."""
        self.rcpt(GOOGLE, "7")
        self.protocol.connectionLost()
        self.connect()
        self.assertEqual([], self.end(1, GOOGLE, "7"))

    def test_locked(self) -> None:
        """A lock refuses other senders as an unknown user, which counts as a refusal, and nothing is remembered."""
        for sender, normal in {
            "a@shop.test": "a@shop.test",
            "a@MACYS.COM.": "a@macys.com",
            "macys.com": MALFORMED_SENDER,
            "a@xmacys.com": "a@xmacys.com",
        }.items():
            self.assertEqual(REFUSED, self.rcpt(MACYS, sender=sender), sender)
            self.assertEqual([(MACYS, normal, Outcome.REFUSED)], self.sink.taken())
        self.rcpt(GOOGLE)
        self.assertEqual([(GOOGLE, "a@news.test", Outcome.ACCEPTED)], self.end(1))

    def test_admitted(self) -> None:
        """The senders of a lock, and the null sender, get in: here those of the lock in all domains."""
        alias = "foo-macys-m5@example.org"
        for sender in ("a@news.test", "A@b.News.test.", ""):
            for typed in (alias, alias.upper(), f"{alias}."):
                self.assertEqual(DUNNO, self.rcpt(typed, sender=sender))
                self.assertEqual(1, len(self.end(1, typed)))
        self.assertEqual(REFUSED, self.rcpt(f"{alias}.", sender="a@shop.test"))

    def test_locks_of_what_is_not_found(self) -> None:
        """A lock says nothing about an address that the tables do not find, or that is a mailbox."""
        self.assertEqual(DUNNO, self.rcpt("foo@example.com", sender="a@shop.test"))
        self.assertEqual([], self.end(1, "foo@example.com"))

    def test_states(self) -> None:
        """What a state refuses or defers counts as a refusal; a REFUSE statement and a quiet alias do not."""
        revoked, deferred = "foo-revoked-r7@example.com", "foo-defer-d5@example.org"
        self.assertEqual(REFUSED, self.rcpt(revoked))
        self.assertEqual(DEFERRED, self.rcpt(deferred))
        refused = [(key, "a@news.test", Outcome.REFUSED) for key in (revoked, deferred)]
        self.assertEqual(refused, self.sink.taken())
        self.assertEqual(REFUSED, self.rcpt("foo-leak-l4@example.com"))
        self.assertEqual(DUNNO, self.rcpt("foo-quiet-q5@example.com"))
        self.assertEqual([], self.end(1, "foo-quiet-q5@example.com"))

    def test_hooks(self) -> None:
        """A recipient goes through the hooks once, also one that is no alias, and whose hook fails."""
        calls: list[str] = []

        def preprocess(alias: str, domain: str | None) -> tuple[str, str | None]:
            calls.append(alias)
            if alias == "fault":
                raise ValueError(alias)
            return alias, domain

        self.current.use_policies(made_snapshot(preprocess=preprocess))
        for recipient in ("foo-google-g6", "foo-google-g7", "foo", "foo-revoked-r7", "fault"):
            calls.clear()
            self.rcpt(f"{recipient}@example.com")
            self.assertEqual([recipient], calls)
        self.flushLoggedErrors(ValueError)

    def test_quiet_beside_others(self) -> None:
        """Mail that is quietly dropped is accepted mail of another recipient in the number at the end."""
        self.rcpt("foo-quiet-q5@example.com")
        self.rcpt(GOOGLE)
        self.assertEqual([(GOOGLE, "a@news.test", Outcome.ACCEPTED)], self.end(2))

    def test_vrfy(self) -> None:
        """VRFY is answered like RCPT, which it has no sender for, and neither remembered nor counted."""
        self.rcpt(GOOGLE)
        for recipient, reply in {GOOGLE: DUNNO, MACYS: DUNNO, "foo-revoked-r7@example.com": REFUSED}.items():
            self.assertEqual(reply, self.send(request("VRFY", recipient, "", "")))
        self.assertEqual([(GOOGLE, "a@news.test", Outcome.ACCEPTED)], self.end(1))

    def test_change_within_a_transaction(self) -> None:
        """What was remembered is counted, though the states have changed since; the next request has the new ones."""
        self.rcpt(GOOGLE)
        self.current.snapshot = made_snapshot({})
        self.assertEqual([(GOOGLE, "a@news.test", Outcome.ACCEPTED)], self.end(1, GOOGLE))
        self.assertEqual(DUNNO, self.rcpt(MACYS, sender="a@shop.test"))

    def test_other_requests(self) -> None:
        """An end of another request type, and one without an instance, count nothing."""
        self.rcpt(GOOGLE)
        self.send(request("END-OF-MESSAGE", GOOGLE, count=1).replace(b"smtpd_access_policy", b"other"))
        self.assertEqual([], self.sink.taken())
        self.assertEqual([], self.end(1, GOOGLE, ""))
        self.rcpt(GOOGLE, "")
        self.assertEqual([], self.end(1, GOOGLE, ""))

    def test_without_second_line(self) -> None:
        """Where no message ends, the log says once what is missing in the mail server."""
        with capturedLogs() as events:
            for number in range(MOST_WITHOUT_END * 2):
                self.rcpt(GOOGLE, str(number))
                self.rcpt(GOOGLE, str(number))
                self.rcpt("x@example.net", f"x{number}")
        self.assertEqual(1, len(events))
        self.assertIn("smtpd_end_of_data_restrictions", formatEvent(events[0]) or "")

    def test_without_store(self) -> None:
        """Without a store, nothing is remembered."""
        self.current.snapshot = snapshot()
        self.assertEqual(DUNNO, self.rcpt(GOOGLE))
        self.assertEqual([], self.end(1, GOOGLE))

    def test_recipient_without_domain(self) -> None:
        """A recipient without a domain is counted in the metrics."""
        self.assertEqual(DUNNO, self.rcpt("foo-google-g6"))
        self.assertEqual(1, sum(self.counters.of("policy", "access").buckets["no_domain"]))
