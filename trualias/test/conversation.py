"""Clients of the line protocol on transports in memory, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import cast

from attrs import define
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.statistics import Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.tcp_table import TableFactory, TableProtocol
from trualias.test.lookups import snapshot


class NarrowTransport(StringTransport):
    """A transport that holds few bytes: it asks its producer to wait until what it has is taken."""

    room = 1_000_000

    def write(self, data: bytes) -> None:
        """Take bytes."""
        super().write(data)
        if self.io.tell() > self.room and self.producer is not None:
            self._told.pauseProducing()

    def empty(self) -> bytes:
        """Let the client read all that there is."""
        taken: bytes = self.value()
        self.clear()
        if self.producer is not None:
            self._told.resumeProducing()
        return taken

    @property
    def _told(self) -> IPushProducer:
        assert self.streaming
        return cast(IPushProducer, self.producer)


@define(eq=False)
class Client:
    """One client and its connection."""

    protocol: TableProtocol
    transport: NarrowTransport

    def say(self, data: bytes) -> bytes:
        """Send bytes; return what comes back at once."""
        self.protocol.dataReceived(data)
        return self.transport.empty()

    def leave(self) -> None:
        """Break the connection."""
        self.protocol.connectionLost(Failure(ConnectionDone()))


class ConversationCase(SynchronousTestCase):
    """A server's factory, and clients."""

    kind = Table.LOCAL_PART

    def setUp(self) -> None:
        """Make a factory whose statistics are on. Durations are told by ``seconds``, which stand still."""
        self.clock = Clock()
        self.seconds: Callable[[], float] = lambda: 0.0
        self.current = CurrentSnapshot(self.snapshot())
        self.clients = Clients(limit=5)
        self.statistics = self.clients.statistics = Statistics()
        self.factory = TableFactory(self.clock, self.current, self.kind, lambda: self.seconds(), self.clients)

    def snapshot(self) -> Snapshot:
        """What the clients are answered by."""
        return snapshot()

    def count_seconds(self) -> None:
        """Let a second pass each time that somebody looks at the time."""
        self.seconds = map(float, count()).__next__

    def connect(self, room: int = 1_000_000) -> Client:
        """Connect a client."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, TableProtocol)
        transport = NarrowTransport()
        transport.room = room
        protocol.makeConnection(transport)
        return Client(protocol, transport)

    def depths(self) -> tuple[float, float, float]:
        """Say how many connections there are, how many wait for a request, and how many replies are not taken."""
        self.statistics.tick()
        collectors = self.statistics.connections, self.statistics.reads, self.statistics.writes
        connections, reads, writes = (collector.figures()["depth"].one for collector in collectors)
        return connections, reads, writes
