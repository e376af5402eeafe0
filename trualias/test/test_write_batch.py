"""Tests of write batches."""

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.monitoring.statistics import ReplyKind
from trualias.protocols.reply import Reply
from trualias.protocols.scheduling import WriteBatch

ONE, OTHER = Reply(b"200 foo\n", ReplyKind.SUCCESS), Reply(b"200 bar\n", ReplyKind.SUCCESS)


class Broken(Exception):
    """A sender failed."""


@define
class RecordingSender:
    """A sender that records the replies, takes two seconds for each, and raises if it ``fails``."""

    name: str
    recorded: list[tuple[object, ...]]
    fails: bool = False
    then: list[Reply] = Factory(list)
    write_batch: WriteBatch | None = None

    def send(self, reply: Reply, received: float, offered: float) -> float:
        """Record the reply; put the next of ``then`` into the batch."""
        if self.fails:
            raise Broken
        self.recorded.append((self.name, reply, received, offered))
        if self.then and self.write_batch is not None:
            self.write_batch.put(self, self.then.pop(0), offered)
        return offered + 2

    def abort(self) -> None:
        """Record the call."""
        self.recorded.append((self.name, "aborted"))


class WriteBatchTests(SynchronousTestCase):
    """Replies to several clients."""

    def setUp(self) -> None:
        """Make a write batch."""
        self.reactor = Clock()
        self.write_batch = WriteBatch(self.reactor, lambda: 7.0)
        self.recorded: list[tuple[object, ...]] = []

    def test_together(self) -> None:
        """Replies leave in order at the next reactor iteration, each offered when the one before is sent."""
        for name, reply in (("foo", ONE), ("bar", OTHER)):
            self.write_batch.put(RecordingSender(name, self.recorded), reply, 5.0)
        self.assertEqual([], self.recorded)
        self.reactor.advance(0)
        self.assertEqual([("foo", ONE, 5.0, 7.0), ("bar", OTHER, 5.0, 9.0)], self.recorded)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_again(self) -> None:
        """A reply that is put into a batch that is being sent leaves in the next."""
        self.write_batch.put(
            RecordingSender("foo", self.recorded, then=[OTHER], write_batch=self.write_batch), ONE, 5.0
        )
        self.reactor.advance(0)
        self.assertEqual([("foo", ONE, 5.0, 7.0), ("foo", OTHER, 7.0, 7.0)], self.recorded)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failure(self) -> None:
        """If a reply cannot be sent, its connection is aborted, and the others are sent."""
        self.write_batch.put(RecordingSender("foo", self.recorded, fails=True), ONE, 5.0)
        self.write_batch.put(RecordingSender("bar", self.recorded), OTHER, 5.0)
        self.reactor.advance(0)
        self.assertEqual([("foo", "aborted"), ("bar", OTHER, 5.0, 7.0)], self.recorded)
        self.assertEqual(1, len(self.flushLoggedErrors(Broken)))
