"""Tests of trualias.protocols.clients."""

from attrs import define, field
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.monitoring.statistics import NullStatistics, Statistics
from trualias.protocols.clients import Clients


@define(eq=False)
class Guest:
    """A client that takes down what it is told; it leaves when it is told to finish, unless it stays."""

    clients: Clients
    stays: bool = False
    told: list[str] = field(factory=list)

    def report_in_progress(self, statistics: Statistics | NullStatistics) -> None:
        """Take it down."""
        self.told.append("recount")

    def finish_pending(self) -> None:
        """Take it down, and leave or stay."""
        self.told.append("finish")
        if not self.stays:
            self.clients.closed(self)

    def abort(self) -> None:
        """Take it down and leave."""
        self.told.append("abort")
        self.clients.closed(self)


def from_host(host: str) -> IAddress:
    """Make the address of a client."""
    return IPv6Address("TCP", host, 4711) if ":" in host else IPv4Address("TCP", host, 4711)


class AdmissionTests(SynchronousTestCase):
    """Who may connect."""

    def assert_admitted(self, clients: Clients, hosts: dict[str, bool]) -> None:
        """Assert who is admitted; refusals are counted."""
        before = clients.refused_by_network
        self.assertEqual(hosts, {host: clients.admit(from_host(host)) for host in hosts})
        self.assertEqual(list(hosts.values()).count(False), clients.refused_by_network - before)

    def test_this_machine(self) -> None:
        """Without ALLOW only this machine may connect, whatever is listened on."""
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
        """With ALLOW its networks may and nobody else; an IPv4 client of an IPv6 socket is one of IPv4."""
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
        """Whom the permissions of a unix socket let in, may ask."""
        self.assertTrue(Clients().admit(UNIXAddress(None)))
        self.assertTrue(Clients().admit(None))

    def test_told(self) -> None:
        """A refusal is one line in the log that names the client and the reason, and is counted."""
        clients = Clients(limit=1)
        clients.opened(Guest(clients))
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
        """The setting CONNECTIONS is the limit for those who connect from now on."""
        clients = Clients()
        for _ in range(2):
            clients.opened(Guest(clients))
        clients.configure(parse_configuration("CONNECTIONS: 2\n", "a.conf"))
        self.assertFalse(clients.admit(None))
        clients.configure(parse_configuration("CONNECTIONS: 3\n", "a.conf"))
        self.assertTrue(clients.admit(None))
        clients.configure(parse_configuration("", "a.conf"))
        self.assertEqual(1000, clients.limit)

    def test_limit(self) -> None:
        """The place of a client that has left is free."""
        clients = Clients(limit=1)
        guest = Guest(clients)
        self.assertTrue(clients.admit(None))
        clients.opened(guest)
        self.assertFalse(clients.admit(None))
        clients.closed(guest)
        self.assertTrue(clients.admit(None))

    def test_statistics(self) -> None:
        """New statistics are told to those who are there."""
        clients = Clients()
        guest = Guest(clients)
        clients.opened(guest)
        statistics = Statistics()
        clients.use_statistics(statistics)
        self.assertEqual(["recount"], guest.told)
        self.assertIs(statistics, clients.statistics)
