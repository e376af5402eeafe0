"""Tests of the uses of Twisted's internals, with a real reactor on epoll(7)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

from twisted.internet import epollreactor, pollreactor
from twisted.internet.interfaces import IHalfCloseableDescriptor, IReadDescriptor
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from trualias.server.twisted_internals import omit_log_contexts


class Broken(Exception):
    """Raised by a test's reader."""


@implementer(IReadDescriptor)
class Reader:
    """One end of a connection that always has something to read; ``act`` is called when it is read."""

    def __init__(self, act: Callable[[], object] = lambda: None, end: Callable[[], None] = lambda: None) -> None:
        self._act = act
        self._end = end
        self._socket, self._other = socket.socketpair()
        self._other.send(b"x")
        self.reads = 0
        self.reasons: list[Failure] = []

    def fileno(self) -> int:
        """Return the number of the socket."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Return a text that nothing logs."""
        raise AssertionError("there is no log context")

    def doRead(self) -> Any:
        """Count, act, and return why the connection has ended, or None."""
        self.reads += 1
        return self._act()

    def connectionLost(self, reason: Failure) -> None:
        """Keep the reason, and act."""
        self.reasons.append(reason)
        self._end()

    def close_other(self) -> None:
        """Close the other end, so that the socket also reports a disconnection."""
        self._other.close()

    def close(self) -> None:
        """Close both ends."""
        self._socket.close()
        self._other.close()


@implementer(IHalfCloseableDescriptor)
class HalfCloseable(Reader):
    """A connection of which either side can be closed alone."""

    def readConnectionLost(self, reason: Failure) -> None:
        """Keep the reason."""
        self.reasons.append(reason)

    def writeConnectionLost(self, reason: Failure) -> None:
        """Do nothing: nothing is written."""


def fail() -> None:
    """Raise."""
    raise Broken


def leave() -> None:
    """Raise what is no `Exception`."""
    raise SystemExit("no end of the process")


class EventTests(SynchronousTestCase):
    """The handling of events without log contexts."""

    def handle(self, *readers: Reader) -> None:
        """Let a reactor handle all events once."""
        self.reactor = epollreactor.EPollReactor()
        omit_log_contexts(self.reactor)
        for reader in readers:
            self.addCleanup(reader.close)
            self.reactor.addReader(reader)
        self.addCleanup(self.reactor.removeAll)
        self.reactor.doIteration(0)

    def test_all_are_read(self) -> None:
        """Each is read once."""
        readers = Reader(), Reader()
        self.handle(*readers)
        self.assertEqual([1, 1], [reader.reads for reader in readers])

    def test_exception_in_read(self) -> None:
        """An exception in doRead is logged and ends that connection alone."""
        failing, other = Reader(fail), Reader()
        self.handle(failing, other, Reader())
        self.assertEqual(1, len(self.flushLoggedErrors(Broken)))
        self.assertEqual([Broken], [reason.type for reason in failing.reasons])
        self.assertEqual((1, []), (other.reads, other.reasons))
        self.assertNotIn(failing, self.reactor.getReaders())
        self.assertIn(other, self.reactor.getReaders())

    def test_exception_in_end(self) -> None:
        """One in connectionLost is logged as well, and all others are read."""
        before, failing, after = Reader(), Reader(fail, fail), Reader()
        with capturedLogs() as events:
            self.handle(before, failing, after)
        self.assertIn("the end of a connection raised an exception", [formatEvent(event) for event in events])
        self.assertEqual(2, len(self.flushLoggedErrors(Broken)))
        self.assertEqual([1, 1], [before.reads, after.reads])

    def test_as_twisted(self) -> None:
        """Each event is handled as Twisted's reactor handles it, which runs it in a log context."""
        self.patch(Reader, "logPrefix", lambda _: "-")
        makers: tuple[Callable[[], Reader], ...] = (
            *(Reader, HalfCloseable),
            *(partial(Reader, lambda: CONNECTION_DONE), partial(HalfCloseable, lambda: CONNECTION_DONE)),
            *(partial(Reader, lambda: CONNECTION_LOST), partial(HalfCloseable, lambda: CONNECTION_LOST)),
            *(partial(Reader, fail), partial(HalfCloseable, fail), partial(Reader, leave)),
        )
        happened: list[list[tuple[int, object, bool, list[object]]]] = []
        for prepare in (lambda _: None, omit_log_contexts):
            happened.append([])
            for make, closes in product(makers, (False, True)):
                reactor, reader = epollreactor.EPollReactor(), make()
                self.addCleanup(reader.close)
                prepare(reactor)
                reactor.addReader(reader)
                self.addCleanup(reactor.removeAll)
                if closes:
                    reader.close_other()
                reactor.doIteration(0)
                reasons = [(reason.type, str(reason.value)) for reason in reader.reasons]
                logged: list[object] = [failure.type for failure in self.flushLoggedErrors()]
                happened[-1].append((reader.reads, reasons, reader in reactor.getReaders(), logged))
        self.assertEqual(*happened)
        self.assertEqual([1] * 2 * len(makers), [reads for reads, *_ in happened[0]])
        self.assertEqual([SystemExit] * 2, [logged[0] for *_, logged in happened[0][-2:]])

    def test_removed_meanwhile(self) -> None:
        """Readers that remove each other: the second one is not read."""
        first, second = (
            Reader(lambda: self.reactor.removeReader(second)),
            Reader(lambda: self.reactor.removeReader(first)),
        )
        self.handle(first, second)
        self.assertEqual(1, first.reads + second.reads)

    def test_other_reactors(self) -> None:
        """A reactor on poll(2) is left as it is."""
        reactor = pollreactor.PollReactor()
        omit_log_contexts(reactor)
        self.assertNotIn("doIteration", vars(reactor))
