"""Tests of the state machine of a connection: random walks of clients, compared with the table of transitions."""

import contextlib
import socket
from random import Random
from typing import cast

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot
from trualias.monitoring.statistics import Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.states import TRANSITIONS, State
from trualias.protocols.tcp_table import TableFactory, TableProtocol
from trualias.protocols.wire import LONGEST_REQUEST
from trualias.test.conversation import NarrowTransport
from trualias.test.lookups import Hooks, snapshot

GET = b"get samissexy.34\n"
LONG_VALUE = "x" * 4_000
"""A value of which a socket with a small buffer takes a few."""

Transition = tuple[State, State]


class RecordingProtocol(TableProtocol):
    """A protocol that records the transitions of its state."""

    seen: set[Transition]

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; record a new state."""
        if name == "_state" and isinstance(value, State):
            before = self.__dict__.get("_state", value)
            if before is not value:
                self.seen.add((before, value))
        super().__setattr__(name, value)


class Walk:
    """A client of a recording protocol that does random things until its connection is lost."""

    def __init__(self, random: Random, seen: set[Transition]) -> None:
        self.random = random
        self.reactor = MemoryReactorClock()
        self.clients = Clients()
        self.clients.statistics = self.statistics = Statistics()
        hooks = Hooks(postprocess=lambda account, domain: (LONG_VALUE, domain))
        current = CurrentSnapshot(snapshot(hooks=random.choice((hooks, None))))
        factory = TableFactory(self.reactor, current, Table.LOCAL_PART, self.reactor.seconds, self.clients)
        self.protocol = RecordingProtocol(factory)
        self.protocol.seen = seen

    def data(self) -> bytes:
        """Choose input: some requests, a part of one, of a long one or of one that is too long, or a netstring."""
        return self.random.choice(
            (GET, GET, GET * 3, GET * 9, GET[:5], b"x" * 9_000, b"x" * (LONGEST_REQUEST + 1), b"5", b"16:table foo,")
        )

    def step(self) -> None:
        """Do something random."""
        raise NotImplementedError

    def lose(self) -> None:
        """Lose the connection."""
        raise NotImplementedError

    def run(self) -> None:
        """Walk."""
        for _ in range(self.random.randrange(1, 40)):
            if len(self.clients):
                self.step()
        if len(self.clients):
            self.lose()


class MemoryWalk(Walk):
    """A walk on a transport in memory, which is written to as TLS is."""

    def __init__(self, random: Random, seen: set[Transition]) -> None:
        super().__init__(random, seen)
        self.transport = NarrowTransport(lenient=True)
        self.transport.room = random.choice((0, 100, 10_000))
        self.protocol.makeConnection(self.transport)
        self.has_ended = False

    def step(self) -> None:
        """Send, read, close the sending side, stop the server, lose the connection, or let time pass."""
        match self.random.randrange(9):
            case 0 | 1 | 2 if self.transport.producerState == "producing" and not self.has_ended:
                self.protocol.dataReceived(self.data())
            case 3 | 4:
                self.transport.empty()
            case 5:
                self.reactor.advance(0)
            case 6 if not self.has_ended:
                self.has_ended = True
                self.protocol.readConnectionLost()
            case 7 if self.random.random() < 0.3:
                self.clients.finish_pending()
            case 8 if self.random.random() < 0.3:
                self.lose()

    def lose(self) -> None:
        """Lose the connection."""
        self.protocol.connectionLost(Failure(ConnectionLost()))


class SocketWalk(Walk):
    """A walk on a plain socket."""

    def __init__(self, random: Random, seen: set[Transition]) -> None:
        super().__init__(random, seen)
        ours, self.client = socket.socketpair()
        for end in (ours, self.client):
            end.setblocking(False)
        self.transport = Connection(ours, self.protocol, cast(IReactorFDSet, self.reactor))
        self.transport.connected = True
        self.transport.getPeer = lambda: UNIXAddress(None)  # type: ignore[method-assign]
        self.protocol.makeConnection(self.transport)
        self.transport.startReading()

    def step(self) -> None:
        """Send, read, close the sending side, stop the server, or let the reactor work."""
        with contextlib.suppress(OSError):
            match self.random.randrange(12):
                case 0 | 1 | 2:
                    self.client.send(self.data())
                case 3:
                    self.client.recv(self.random.choice((100, 100_000)))
                case 4 if self.random.random() < 0.2:
                    self.client.shutdown(socket.SHUT_WR)
                case 5 if self.random.random() < 0.2:
                    self.clients.finish_pending()
                case 6 | 7:
                    self.reactor.advance(0)
                case _:
                    self.iterate()

    def iterate(self) -> None:
        """Read and write as a reactor does, without its delayed calls."""
        if self.transport in self.reactor.getReaders():
            lost = self.transport.doRead()
            if lost is CONNECTION_DONE:
                self.reactor.removeReader(self.transport)
                self.transport.readConnectionLost(Failure(lost))
            elif lost is not None:
                self.transport.connectionLost(Failure(lost))
        if self.transport in self.reactor.getWriters():
            lost = self.transport.doWrite()
            if lost is not None:
                self.transport.connectionLost(Failure(lost))

    def lose(self) -> None:
        """Lose the connection."""
        self.transport.connectionLost(Failure(ConnectionLost()))

    def run(self) -> None:
        """Walk; close the client's socket."""
        with self.client:
            super().run()


class StatesTests(SynchronousTestCase):
    """Connections in random conversations."""

    def test_transitions(self) -> None:
        """A connection makes every transition of the table and no other, and leaves nothing when it is lost."""
        seen: set[Transition] = set()
        for number in range(1_000):
            random = Random(number)
            walk = (MemoryWalk if number % 2 else SocketWalk)(random, seen)
            walk.run()
            walk.reactor.advance(0)
            walk.statistics.tick()
            collectors = (walk.statistics.connections, walk.statistics.reads, walk.statistics.writes)
            self.assertEqual([0, 0, 0], [collector.depth for collector in collectors], number)
            self.assertEqual(([], 0), (walk.reactor.getDelayedCalls(), len(walk.clients)), number)
        table = {(before, after) for before, successors in TRANSITIONS.items() for after in successors}
        self.assertEqual(table | {(state, State.CLOSED) for state in State if state is not State.CLOSED}, seen)
