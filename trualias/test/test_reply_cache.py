"""Tests of ``trualias.protocols.reply_cache``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.monitoring.statistics import ReplyKind
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.test.lookups import Hooks, snapshot

ONE = Reply(b"1", ReplyKind.SUCCESS)


class ReplyCacheTests(SynchronousTestCase):
    """The cached replies and their lifetime."""

    def setUp(self) -> None:
        """Make a cache for a snapshot without hooks."""
        self.cache = ReplyCache()
        self.cache.use(snapshot())

    def test_keep(self) -> None:
        """A cached reply is found, any other is not."""
        self.cache.keep(b"a", ONE)
        self.assertEqual((ONE, None, {b"a": ONE}), (self.cache.get(b"a"), self.cache.get(b"b"), self.cache.recent))

    def test_offer(self) -> None:
        """The reply to a request is cached when it is offered for the second time."""
        self.cache.offer(b"a", ONE)
        self.assertIsNone(self.cache.get(b"a"))
        self.cache.offer(b"a", ONE)
        self.assertIs(ONE, self.cache.get(b"a"))
        for number in range(20_000):
            self.cache.offer(b"%d" % number, ONE)
        self.assertLess(len(self.cache.recent), 200)

    def test_hooks(self) -> None:
        """No reply is cached with hooks, nor before there is a snapshot."""
        hooked = ReplyCache()
        hooked.use(snapshot(hooks=Hooks()))
        for cache in (hooked, ReplyCache()):
            cache.keep(b"a", ONE)
            self.assertEqual((None, {}), (cache.get(b"a"), cache.recent))

    def test_another_snapshot(self) -> None:
        """A new snapshot empties the cache, also one of the same configuration."""
        first, second = snapshot(), snapshot()
        self.cache.use(first)
        self.cache.keep(b"a", ONE)
        self.cache.shared[self, "one"] = ONE
        self.cache.use(first)
        self.assertEqual((ONE, {(self, "one"): ONE}), (self.cache.get(b"a"), self.cache.shared))
        self.cache.use(second)
        self.assertEqual((None, {}, {}), (self.cache.get(b"a"), self.cache.recent, self.cache.shared))

    def test_long_requests(self) -> None:
        """No reply to a long request is cached."""
        self.cache.keep(b"a" * 256, ONE)
        self.cache.keep(b"a" * 257, ONE)
        self.assertEqual({b"a" * 256: ONE}, self.cache.recent)

    def test_forgets(self) -> None:
        """The cache never has more than twice ``SPAN`` replies; a reply that is used again stays."""
        for number in range(5 * self.cache.SPAN):
            self.cache.keep(b"%d" % number, ONE)
            self.assertLessEqual(len(self.cache.recent), self.cache.SPAN)
            if number % 1000 == 0:
                self.assertIs(ONE, self.cache.get(b"0"))
        found = sum(self.cache.get(b"%d" % number) is not None for number in range(5 * self.cache.SPAN))
        self.assertLessEqual(found, 2 * self.cache.SPAN)
        self.assertGreaterEqual(found, self.cache.SPAN)
