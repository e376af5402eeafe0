"""Write batches: when replies leave, in which order, and what one that cannot leave does to the others."""

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.monitoring.statistics import ReplyKind
from trualias.protocols.reply import Reply
from trualias.protocols.scheduling import WriteBatch

ONE, OTHER = Reply(b"200 foo\n", ReplyKind.SUCCESS), Reply(b"200 bar\n", ReplyKind.SUCCESS)


class Broken(Exception):
    """A sender that fails."""


@define
class Teller:
    """A sender that tells what it was given, takes two seconds for it, and fails where it is to."""

    name: str
    told: list[tuple[object, ...]]
    fails: bool = False
    then: list[Reply] = Factory(list)
    write_batch: WriteBatch | None = None

    def send(self, reply: Reply, received: float, offered: float) -> float:
        """Take note; put the next reply into the outbox, if there is one to come."""
        if self.fails:
            raise Broken
        self.told.append((self.name, reply, received, offered))
        if self.then and self.write_batch is not None:
            self.write_batch.put(self, self.then.pop(0), offered)
        return offered + 2

    def abort(self) -> None:
        """Take note."""
        self.told.append((self.name, "aborted"))


class OutboxTests(SynchronousTestCase):
    """Replies to several clients."""

    def setUp(self) -> None:
        """Make an outbox."""
        self.reactor = Clock()
        self.write_batch = WriteBatch(self.reactor, lambda: 7.0)
        self.told: list[tuple[object, ...]] = []

    def test_together(self) -> None:
        """All leave in the order in which they came, at the reactor's next turn, one behind the other."""
        for name, reply in (("foo", ONE), ("bar", OTHER)):
            self.write_batch.put(Teller(name, self.told), reply, 5.0)
        self.assertEqual([], self.told)
        self.reactor.advance(0)
        self.assertEqual([("foo", ONE, 5.0, 7.0), ("bar", OTHER, 5.0, 9.0)], self.told)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_again(self) -> None:
        """What comes while they leave leaves by itself."""
        self.write_batch.put(Teller("foo", self.told, then=[OTHER], write_batch=self.write_batch), ONE, 5.0)
        self.reactor.advance(0)
        self.assertEqual([("foo", ONE, 5.0, 7.0), ("foo", OTHER, 7.0, 7.0)], self.told)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failure(self) -> None:
        """Where one cannot be sent, its connection ends, and the others get theirs."""
        self.write_batch.put(Teller("foo", self.told, fails=True), ONE, 5.0)
        self.write_batch.put(Teller("bar", self.told), OTHER, 5.0)
        self.reactor.advance(0)
        self.assertEqual([("foo", "aborted"), ("bar", OTHER, 5.0, 7.0)], self.told)
        self.assertEqual(1, len(self.flushLoggedErrors(Broken)))
