"""Tests of ``trualias.protocols.responder``: which replies are shared, and how they count."""

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.log import reset_level, set_level
from trualias.lookup import Answer, Found, NotFound, NotFoundReason
from trualias.monitoring.counters import BOUNDS, Counters
from trualias.monitoring.statistics import ReplyKind
from trualias.protocols import wire
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.responder import AddressWarnings, Responder
from trualias.test.lookups import snapshot

ANSWERS: dict[str, Answer] = {
    "foo": Found("baz", "baz"),
    "bar": Found("baz", "baz"),
    "long": Found("a" * 5000, "a" * 5000),
    "wrong": NotFound(NotFoundReason.WRONG_CODE, ("foo", "bar")),
    "wrong again": NotFound(NotFoundReason.WRONG_CODE, ("foo", "bar")),
    "other": NotFound(NotFoundReason.WRONG_CODE, ("bar",)),
}


def look_up(key: str) -> Answer:
    """Return one of the answers."""
    return ANSWERS[key]


class ResponderTests(SynchronousTestCase):
    """Replies that count for the metrics."""

    def setUp(self) -> None:
        """Make a responder with counters."""
        self.counters = Counters()
        self.request_counters = self.counters.of("tcp_table", "table")
        self.responder = Responder(wire.LINES, self.request_counters, AddressWarnings())
        self.cache = ReplyCache()

    def test_made(self) -> None:
        """A reply has the counters of its outcome, and of the accounts whose code was wrong."""
        reply = self.responder.make(b"500 not found\n", ReplyKind.NOT_FOUND, NotFoundReason.WRONG_CODE, ("foo", "bar"))
        self.assertEqual((reply.octets, reply.kind), (b"500 not found\n", ReplyKind.NOT_FOUND))
        self.assertIs(reply.counters, self.request_counters)
        self.assertIs(reply.buckets, self.request_counters.buckets["wrong_code"])
        self.assertEqual(reply.buckets, [0] * (len(BOUNDS) + 1))
        self.assertEqual(self.counters.wrong_codes.counts, {"foo": 0, "bar": 0})
        for number in reply.wrong_codes:
            number[0] += 1
        self.assertEqual(self.counters.wrong_codes.counts, {"foo": 1, "bar": 1})

    def test_not_counted(self) -> None:
        """Without metrics a reply has only its kind."""
        reply = Responder(wire.LINES, None, AddressWarnings()).make(
            b"500 not found\n", ReplyKind.NOT_FOUND, NotFoundReason.WRONG_CODE, ("foo",)
        )
        self.assertEqual((reply.kind, reply.counters, reply.wrong_codes), (ReplyKind.NOT_FOUND, None, ()))
        self.assertEqual(self.counters.wrong_codes.counts, {})

    def test_shared(self) -> None:
        """Replies with the same content and counters are shared by all keys."""
        foo, bar, wrong, again, other = (
            self.responder.reply(b"", key, look_up, self.cache)
            for key in ("foo", "bar", "wrong", "wrong again", "other")
        )
        self.assertIs(foo, bar)
        self.assertIs(wrong, again)
        self.assertIsNot(wrong, other)
        self.assertEqual((len(wrong.wrong_codes), len(other.wrong_codes)), (2, 1))

    def test_shared_in_one_configuration(self) -> None:
        """After a reload, replies have the counters of the accounts in the new configuration."""
        self.responder.reply(b"", "wrong", look_up, self.cache)
        self.counters.configure(parse_configuration("ACCOUNT baz MATCHES %alpha%-%code% WITH CHARS();", "a.conf"))
        reply = self.responder.reply(b"", "other", look_up, ReplyCache())
        [number] = reply.wrong_codes
        number[0] += 1
        self.assertEqual({"baz": 0, "bar": 1}, self.counters.wrong_codes.counts)

    def test_unsendable(self) -> None:
        """A value that cannot be sent is a fault each time, and is not cached."""
        self.cache.use(snapshot())
        for _ in range(2):
            reply = self.responder.reply(b"get long\n", "long", look_up, self.cache)
            self.assertEqual((reply.kind, reply.octets), (ReplyKind.BAD, wire.LINES.fault))
            self.assertIs(reply.buckets, self.request_counters.buckets["fault"])
        self.assertEqual({}, self.cache.recent)


class LookupLogTests(SynchronousTestCase):
    """The log of lookups."""

    def logged(self, level: str) -> list[str]:
        """Look several keys up, each twice, at a level of LOGGING; return what is logged."""
        set_level(level)
        self.addCleanup(reset_level)
        responder, cache = Responder(wire.LINES, None, AddressWarnings()), ReplyCache()
        with capturedLogs() as events:
            for key in ("foo", "wrong", "foo", "wrong", "missing\n"):
                responder.reply(key.encode(), key, answer_or_nothing, cache)
        return [f"{event['log_level'].name}: {formatEvent(event)}" for event in events]

    def test_debug(self) -> None:
        """At the level debug every lookup is logged, with its answer and why, also one whose reply is cached."""
        found = "debug: foo goes to baz"
        wrong = "debug: wrong is not found: it has the shape of an alias of bar or foo, but its code is wrong"
        missing = "debug: missing\\n is not found: no statement in use has aliases of this shape"
        self.assertEqual([found, wrong, found, wrong, missing], self.logged("debug"))

    def test_mailbox(self) -> None:
        """A mailbox, which has no code, is logged as an address of another shape, in either table."""
        set_level("debug")
        self.addCleanup(reset_level)
        responder, cache = Responder(wire.LINES, None, AddressWarnings()), ReplyCache()
        tables = snapshot(
            "ALIAS DOMAINS: example.com\nACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHARS();"
        ).tables
        with capturedLogs() as events:
            responder.reply(b"", "foo", tables[Table.LOCAL_PART], cache)
            responder.reply(b"", "foo@example.com", tables[Table.VIRTUAL], cache)
        self.assertEqual(
            [
                "foo is not found: no statement in use has aliases of this shape",
                "foo@example.com is not found: no statement in use has aliases of this shape",
            ],
            [formatEvent(event) for event in events],
        )

    def test_info(self) -> None:
        """At the other levels none is."""
        self.assertEqual([], self.logged("info"))


def answer_or_nothing(key: str) -> Answer:
    """Return one of the answers, or "not found"."""
    return ANSWERS.get(key, NotFound(NotFoundReason.NO_MATCH))
