"""Clients of the line protocol, with transports in memory and a clock that a test advances."""

from __future__ import annotations

from collections.abc import Callable
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
    """A transport that pauses its producer when it holds more than ``room`` bytes."""

    room = 1_000_000

    def write(self, data: bytes) -> None:
        """Write bytes."""
        super().write(data)
        if self.io.tell() > self.room and self.producer is not None:
            self.pause_producer()

    def empty(self) -> bytes:
        """Return all written bytes and remove them, as if the client had read them."""
        taken: bytes = self.value()
        self.clear()
        if self.producer is not None:
            self.resume_producer()
        return taken

    def pause_producer(self) -> None:
        """Ask for no more bytes."""
        self._push_producer.pauseProducing()

    def resume_producer(self) -> None:
        """Ask for more bytes."""
        self._push_producer.resumeProducing()

    @property
    def _push_producer(self) -> IPushProducer:
        assert self.streaming
        return cast(IPushProducer, self.producer)


@define(eq=False)
class Client:
    """A client and its connection."""

    protocol: TableProtocol
    transport: NarrowTransport

    def send(self, data: bytes) -> bytes:
        """Send bytes; return the bytes that are written immediately."""
        self.protocol.dataReceived(data)
        return self.transport.empty()

    def break_connection(self) -> None:
        """Break the connection."""
        self.protocol.connectionLost(Failure(ConnectionDone()))


class ConversationCase(SynchronousTestCase):
    """A test case with a server's factory and its clients."""

    kind = Table.LOCAL_PART

    def setUp(self) -> None:
        """Make a factory with statistics; ``seconds`` is the clock of the durations."""
        self.clock = Clock()
        self.seconds: Callable[[], float] = lambda: 0.0
        self.current = CurrentSnapshot(self.snapshot())
        self.clients = Clients(limit=5)
        self.statistics = self.clients.statistics = Statistics()
        self.factory = TableFactory(self.clock, self.current, self.kind, lambda: self.seconds(), self.clients)

    def snapshot(self) -> Snapshot:
        """Return the snapshot in use."""
        return snapshot()

    def connect(self, room: int = 1_000_000) -> Client:
        """Connect a client."""
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, TableProtocol)
        transport = NarrowTransport()
        transport.room = room
        protocol.makeConnection(transport)
        return Client(protocol, transport)

    def depths(self) -> tuple[float, float, float]:
        """Return the numbers of connections, of those that wait for a request, and of replies that are not taken."""
        self.statistics.tick()
        collectors = self.statistics.connections, self.statistics.reads, self.statistics.writes
        connections, reads, writes = (collector.figures()["depth"].one for collector in collectors)
        return connections, reads, writes
