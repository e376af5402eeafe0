"""Tests of trualias.protocols.clients."""

from attrs import define, field
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.lookup import NotFoundReason
from trualias.monitoring.counters import BOUNDS, Counters
from trualias.monitoring.statistics import NullStatistics, ReplyKind, Statistics
from trualias.protocols import wire
from trualias.protocols.clients import Clients
from trualias.protocols.reply import Reply
from trualias.protocols.responder import AddressWarnings, Responder


@define(eq=False)
class RecordingClient:
    """A client that records the calls; it closes when it is asked to finish, unless ``stays``."""

    clients: Clients
    stays: bool = False
    calls: list[str] = field(factory=list)

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Record the call."""
        self.calls.append("report")

    def finish_pending(self) -> None:
        """Record the call, and close unless ``stays``."""
        self.calls.append("finish")
        if not self.stays:
            self.clients.closed(self)

    def abort(self) -> None:
        """Record the call, and close."""
        self.calls.append("abort")
        self.clients.closed(self)


def from_host(host: str) -> IAddress:
    """Return the address of a client at a host."""
    return IPv6Address("TCP", host, 4711) if ":" in host else IPv4Address("TCP", host, 4711)


class AdmissionTests(SynchronousTestCase):
    """Networks and limits."""

    def assert_admitted(self, clients: Clients, hosts: dict[str, bool]) -> None:
        """Assert which hosts are admitted, and that refusals are counted."""
        before = clients.refused_by_network
        self.assertEqual(hosts, {host: clients.admit(from_host(host)) for host in hosts})
        self.assertEqual(list(hosts.values()).count(False), clients.refused_by_network - before)

    def test_this_machine(self) -> None:
        """Without ALLOW only clients on the loopback interface are admitted."""
        self.assert_admitted(
            Clients(),
            {
                "127.0.0.1": True,
                "127.8.9.1": True,
                "::1": True,
                "::ffff:127.0.0.1": True,
                "192.0.2.1": False,
                "::": False,
            },
        )

    def test_allow(self) -> None:
        """With ALLOW only its networks are admitted; an IPv4 client of an IPv6 socket counts as IPv4."""
        clients = Clients()
        clients.configure(parse_configuration("ALLOW: 192.0.2.0/24 2001:db8::/32\n", "a.conf"))
        hosts = {
            "192.0.2.255": True,
            "::ffff:192.0.2.7": True,
            "2001:db8::7": True,
            "192.0.3.1": False,
            "2001:db9::": False,
            "::ffff:192.0.3.1": False,
            "127.0.0.1": False,
        }
        self.assert_admitted(clients, hosts)
        self.assertEqual((4, 0), (clients.refused_by_network, clients.refused_by_limit))
        clients.configure(parse_configuration("", "a.conf"))
        self.assert_admitted(clients, {"192.0.2.255": False, "127.0.0.1": True})

    def test_unix(self) -> None:
        """Clients of unix sockets are always admitted."""
        self.assertTrue(Clients().admit(UNIXAddress(None)))
        self.assertTrue(Clients().admit(None))

    def test_told(self) -> None:
        """A refusal is counted, and logged with the client and the reason."""
        clients = Clients(limit=1)
        clients.opened(RecordingClient(clients))
        with capturedLogs() as events:
            self.assertFalse(clients.admit(IPv4Address("TCP", "127.0.0.1", 4711)))
            self.assertFalse(clients.admit(IPv4Address("TCP", "192.0.2.1", 4711)))
        self.assertEqual(
            [
                "refused a connection from 127.0.0.1: there are 1 already",
                "refused a connection from 192.0.2.1: it is in no network of ALLOW",
            ],
            [event["log_format"].format(**event) for event in events],
        )
        self.assertEqual((1, 1), (clients.refused_by_network, clients.refused_by_limit))

    def test_connections(self) -> None:
        """The setting CONNECTIONS limits new connections."""
        clients = Clients()
        for _ in range(2):
            clients.opened(RecordingClient(clients))
        clients.configure(parse_configuration("CONNECTIONS: 2\n", "a.conf"))
        self.assertFalse(clients.admit(None))
        clients.configure(parse_configuration("CONNECTIONS: 3\n", "a.conf"))
        self.assertTrue(clients.admit(None))
        clients.configure(parse_configuration("", "a.conf"))
        self.assertEqual(1000, clients.limit)

    def test_limit(self) -> None:
        """When a connection closes, another is admitted."""
        clients = Clients(limit=1)
        client = RecordingClient(clients)
        self.assertTrue(clients.admit(None))
        clients.opened(client)
        self.assertFalse(clients.admit(None))
        clients.closed(client)
        self.assertTrue(clients.admit(None))

    def test_statistics(self) -> None:
        """New statistics are reported to all open connections."""
        clients = Clients()
        client = RecordingClient(clients)
        clients.opened(client)
        statistics = Statistics()
        clients.use_statistics(statistics)
        self.assertEqual(["report"], client.calls)
        self.assertIs(statistics, clients.statistics)


class RecordTests(SynchronousTestCase):
    """The record of a reply that is sent."""

    def setUp(self) -> None:
        """Make clients with counters and statistics, and a reply to a request with wrong codes of two accounts."""
        self.counters = Counters()
        self.clients = Clients(counters=self.counters)
        self.clients.statistics = self.statistics = Statistics()
        self.requests = self.counters.of("tcp_table", "table")
        make = Responder(wire.LINES, self.requests, AddressWarnings()).make
        self.reply = make(wire.NOT_FOUND, ReplyKind.NOT_FOUND, NotFoundReason.WRONG_CODE, ("foo", "bar"))

    def test_taken(self) -> None:
        """A reply that is taken ends a read and a write, begins a read, and counts as its kind and its outcome."""
        self.statistics.reads.begin()
        self.clients.record(self.reply, waited=8.0, elapsed=0.25, written=0.125)
        reads, writes, kind = self.statistics.reads, self.statistics.writes, self.statistics.outcomes[self.reply.kind]
        self.assertEqual((2, 1, 8.0), (reads.begun, reads.ended, reads.elapsed))
        self.assertEqual((1, 1, 0.125), (writes.begun, writes.ended, writes.elapsed))
        self.assertEqual((1, 0.25), (kind.ended, kind.elapsed))
        self.assertEqual({"foo": 1, "bar": 1}, self.counters.wrong_codes.counts)
        self.assertEqual([*[0] * len(BOUNDS), 1], self.requests.buckets[NotFoundReason.WRONG_CODE])
        self.assertEqual(0.25, self.requests.elapsed)

    def test_not_taken(self) -> None:
        """A reply that is not taken yet leaves its write in progress, and no read."""
        self.statistics.reads.begin()
        self.clients.record(self.reply, waited=8.0, elapsed=0.25, written=None)
        self.statistics.tick()
        self.assertEqual((0, 1), (self.statistics.reads.depth, self.statistics.writes.depth))

    def test_without_metrics(self) -> None:
        """Without metrics a reply counts in the statistics alone."""
        self.clients.record(Reply(b"", ReplyKind.BAD), waited=8.0, elapsed=0.25, written=0.125)
        self.assertEqual(1, self.statistics.outcomes[ReplyKind.BAD].ended)
        self.assertEqual(0.0, self.requests.elapsed)
