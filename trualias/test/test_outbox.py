"""Tests of trualias.outbox: when replies leave, in which order, and what one that cannot leave does to the others."""

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.outbox import Outbox
from trualias.statistics import Collector

OUTCOME = Collector("success")


class Broken(Exception):
    """A sender that fails."""


@define
class Teller:
    """A sender that tells what it was given, takes two seconds for it, and fails where it is to."""

    name: str
    told: list[tuple[object, ...]]
    fails: bool = False
    then: list[bytes] = Factory(list)
    outbox: Outbox | None = None

    def send(self, reply: bytes, outcome: Collector, received: float, offered: float) -> float:
        """Take note; put the next reply into the outbox, if there is one to come."""
        if self.fails:
            raise Broken
        self.told.append((self.name, reply, outcome.name, received, offered))
        if self.then and self.outbox is not None:
            self.outbox.put(self, self.then.pop(0), outcome, offered)
        return offered + 2

    def abort(self) -> None:
        """Take note."""
        self.told.append((self.name, "aborted"))


class OutboxTests(SynchronousTestCase):
    """Replies to several clients."""

    def setUp(self) -> None:
        """Make an outbox."""
        self.reactor = Clock()
        self.outbox = Outbox(self.reactor, lambda: 7.0)
        self.told: list[tuple[object, ...]] = []

    def test_together(self) -> None:
        """All leave in the order in which they came, at the reactor's next turn, one behind the other."""
        for name in ("foo", "bar"):
            self.outbox.put(Teller(name, self.told), b"200 %s" % name.encode(), OUTCOME, 5.0)
        self.assertEqual([], self.told)
        self.reactor.advance(0)
        self.assertEqual(
            [("foo", b"200 foo", "success", 5.0, 7.0), ("bar", b"200 bar", "success", 5.0, 9.0)], self.told
        )
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_again(self) -> None:
        """What comes while they leave leaves by itself."""
        self.outbox.put(Teller("foo", self.told, then=[b"2"], outbox=self.outbox), b"1", OUTCOME, 5.0)
        self.reactor.advance(0)
        self.assertEqual([("foo", b"1", "success", 5.0, 7.0), ("foo", b"2", "success", 7.0, 7.0)], self.told)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failure(self) -> None:
        """Where one cannot be sent, its connection ends, and the others get theirs."""
        self.outbox.put(Teller("foo", self.told, fails=True), b"1", OUTCOME, 5.0)
        self.outbox.put(Teller("bar", self.told), b"2", OUTCOME, 5.0)
        self.reactor.advance(0)
        self.assertEqual([("foo", "aborted"), ("bar", b"2", "success", 5.0, 7.0)], self.told)
        self.assertEqual(1, len(self.flushLoggedErrors(Broken)))
