"""Tests of ``trualias.server.shutdown``."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.clients import Clients
from trualias.server.shutdown import GracefulShutdownService
from trualias.test.test_clients import RecordingClient


class GracefulShutdownTests(SynchronousTestCase):
    """The end of the connections when the server stops."""

    def setUp(self) -> None:
        """Make a service."""
        self.clock = Clock()
        self.clients = Clients()
        self.service = GracefulShutdownService(self.clock, self.clients)
        self.service.startService()

    def test_no_clients(self) -> None:
        """Without clients the server ends at once."""
        self.successResultOf(self.service.stopService())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_finish(self) -> None:
        """Clients finish after a moment for requests on their way, and no delayed call is left."""
        recording = [RecordingClient(self.clients), RecordingClient(self.clients)]
        for client in recording:
            self.clients.opened(client)
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual([["finish"], ["finish"]], [client.calls for client in recording])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stay(self) -> None:
        """A connection that does not finish within 1.5 s is aborted."""
        client = RecordingClient(self.clients, stays=True)
        self.clients.opened(client)
        stopped = self.service.stopService()
        self.clock.advance(1.49)
        self.assertNoResult(stopped)
        self.clock.advance(0.01)
        self.successResultOf(stopped)
        self.assertEqual(["finish", "abort"], client.calls)
