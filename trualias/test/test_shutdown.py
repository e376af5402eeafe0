"""Tests of trualias.server.shutdown."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.clients import Clients
from trualias.server.shutdown import GracefulShutdownService
from trualias.test.test_clients import Guest


class FarewellTests(SynchronousTestCase):
    """How the clients are let go when the server stops."""

    def setUp(self) -> None:
        """Make a service."""
        self.clock = Clock()
        self.clients = Clients()
        self.service = GracefulShutdownService(self.clock, self.clients)
        self.service.startService()

    def test_nobody(self) -> None:
        """Without clients the server ends at once."""
        self.successResultOf(self.service.stopService())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_leave(self) -> None:
        """Requests on their way are awaited for a moment; then all finish, and nothing is left to do."""
        guests = [Guest(self.clients), Guest(self.clients)]
        for guest in guests:
            self.clients.opened(guest)
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual([["finish"], ["finish"]], [guest.told for guest in guests])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stay(self) -> None:
        """Who does not finish within 1.5 s is put out."""
        guest = Guest(self.clients, stays=True)
        self.clients.opened(guest)
        stopped = self.service.stopService()
        self.clock.advance(1.49)
        self.assertNoResult(stopped)
        self.clock.advance(0.01)
        self.successResultOf(stopped)
        self.assertEqual(["finish", "abort"], guest.told)
