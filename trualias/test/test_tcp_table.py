"""Conversations in the line protocol."""

from __future__ import annotations

import json
import re
import tracemalloc
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent

from trualias.configuration.tables import Table
from trualias.log import reset_level, set_level
from trualias.lookup import Answer, Snapshot
from trualias.monitoring.statistics import NullStatistics, ReplyKind
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.wire import LONGEST_REQUEST
from trualias.test import trialprofile
from trualias.test.conversation import Client, ConversationCase
from trualias.test.lookups import ENDLESS, ENDLESS_KEY, Hook, Hooks, snapshot

trialprofile.load()

Chat = tuple[tuple[bytes, bytes], ...]
"""Each request with its reply."""

BAZ = b"200 baz\n"
MISS = b"500 not found\n"
UNRECOGNIZED = b"400 unrecognized command\n"
MALFORMED = b"400 improperly formed request\n"
FAULT = b"400 temporary failure, see the server's log\n"
TOO_LONG = b"400 request too long\n"

TRANSCRIPT: Chat = (
    (b"get greyisthenewbeige.411\n", BAZ),
    (b"foo\n", UNRECOGNIZED),
    (b"get foo\n", MISS),
    (b"get samissexy.34\n", BAZ),
)
"""The telnet sessions of the project's first document, up to the statistics."""

TABLE_CHAT: Chat = (
    *TRANSCRIPT,
    (b"get samissexy.34\r\n", BAZ),
    (b"GET\tsamissexy.34 \r\n", BAZ),
    (b"get %73amissexy%2e34\n", BAZ),
    (b"get samissexy.43\n", MISS),
    (b"get SAMISSEXY.34\n", MISS),
    (b"get samissexy.34@example.com\n", MISS),
    (b"get foo-google-g6\n", b"200 foo\n"),
    (b"get xxxxxx+00\n", b"200 Baz\n"),
    (b"get to-a.1\n", MISS),
    (b"get with%20space\n", MISS),
    (b"get caf%C3%A9@example.com\n", MISS),
    (b"get caf\xc3\xa9\n", MISS),
    (b"get %FF\n", MISS),
    (b"get \xff\n", MISS),
    (b"get %00\n", MISS),
    (b'get ""@d\n', MISS),
    (b"get @d\n", MISS),
    (b"get *\n", MISS),
    (b"get " + b"x" * 6000 + b"\n", MISS),
    (b"\n", MALFORMED),
    (b"\r\n", MALFORMED),
    (b" \t \n", MALFORMED),
    (b"get\n", MALFORMED),
    (b"get a b\n", MALFORMED),
    (b"get %\n", MALFORMED),
    (b"get %4\n", MALFORMED),
    (b"get samissexy%2\n", MALFORMED),
    (b"stats now\n", MALFORMED),
    (b"jstats 1\n", MALFORMED),
    (b"put a b\n", UNRECOGNIZED),
    (b"\xff\x00\x80\n", UNRECOGNIZED),
)

VIRTUAL_CHAT: Chat = (
    (b"get samissexy.34@example.com\n", b"200 baz@example.com\n"),
    (b"get samissexy.34@EXAMPLE.com\r\n", b"200 baz@EXAMPLE.com\n"),
    (b"get samissexy.34%40example.org\n", b"200 baz@example.org\n"),
    (b"get samissexy.34@example.net\n", MISS),
    (b"get samissexy.34@\n", MISS),
    (b"get samissexy.34\n", MISS),
    (b"get @example.com\n", MISS),
    (b"get example.com\n", MISS),
    (b"get xxxxxx+00@example.com\n", b"200 Baz@example.com\n"),
    (b"foo\n", UNRECOGNIZED),
)


class ChatCase(ConversationCase):
    """A test that holds conversations."""

    def assert_chat(self, chat: Chat) -> None:
        """Assert the reply to each request, twice; the second time, many replies come from the cache."""
        client = self.connect()
        for _ in range(2):
            for sent, received in chat:
                self.assertEqual(received, client.send(sent), sent)
        self.assertFalse(client.transport.disconnecting)

    def send_all(self, client: Client, pieces: list[bytes]) -> bytes:
        """Send the pieces one by one, each after all turns; return all that comes back."""
        received = b"".join([client.send(piece) + self.wait_for(client) for piece in pieces])
        self.assertFalse(client.transport.disconnecting)
        return received

    def wait_for(self, client: Client) -> bytes:
        """Run all turns; return what one client receives meanwhile."""
        received = b""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)
            received += client.transport.empty()
        return received


class TableTests(ChatCase):
    """The table server."""

    def test_transcript(self) -> None:
        """The server answers as in the project's first document."""
        self.assert_chat(TRANSCRIPT)

    def test_chat(self) -> None:
        """Each kind of request gets its reply."""
        self.assert_chat(TABLE_CHAT)

    def test_case(self) -> None:
        """Without CASE SENSITIVE, a local part is found in any case."""
        self.current.snapshot = snapshot("CASE SENSITIVE: no")
        self.assert_chat(((b"get SamIsSexy.34\n", BAZ), (b"get samissexy.34\n", BAZ), (b"get XXXXXX+00\n", BAZ)))

    def test_byte_by_byte(self) -> None:
        """Requests may arrive one byte at a time."""
        sent = b"".join(sent for sent, _ in TABLE_CHAT)
        received = self.send_all(self.connect(), [bytes([byte]) for byte in sent])
        self.assertEqual(b"".join(received for _, received in TABLE_CHAT), received)

    def test_at_once(self) -> None:
        """Many requests may arrive at once; the replies are in order."""
        sent, received = (b"".join(texts) for texts in zip(*TABLE_CHAT * 10, strict=True))
        self.assertEqual(received, self.send_all(self.connect(), [sent]))

    @settings(max_examples=25)
    @given(st.lists(st.sampled_from(TABLE_CHAT), max_size=60), st.lists(st.integers(1, 300), max_size=30))
    def test_in_pieces(self, chat: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
        """Requests may come in any order, and in any pieces."""
        client = self.connect()
        rest = b"".join(sent for sent, _ in chat)
        pieces = []
        for size in sizes:
            pieces.append(rest[:size])
            rest = rest[size:]
        received = self.send_all(client, [piece for piece in [*pieces, rest] if piece])
        self.assertEqual(b"".join(received for _, received in chat), received)
        client.break_connection()

    def test_statistics(self) -> None:
        """``stats`` gets one line for each collector, ``jstats`` one line of JSON."""
        client = self.connect()
        for sent, _ in TRANSCRIPT:
            client.send(sent)
        self.statistics.tick()
        lines = client.send(b"stats\n").decode().splitlines()
        names = ["bad", "connections", "not_found", "reads", "stats", "success", "writes"]
        self.assertEqual(
            [f"{210 if name == 'bad' else 212} {name}: emin=0.0000" for name in names],
            [line.partition(" emax")[0] for line in lines],
        )
        self.assertEqual([f"212 {line}" for line in self.statistics.lines()][1:], lines[1:])
        code, _, text = client.send(b"JSTATS\r\n").decode().partition(" ")
        self.assertEqual("212", code)
        self.assertEqual(json.loads(self.statistics.json()), json.loads(text))
        self.assertTrue(text.endswith("]\n"))

    def test_statistics_disabled(self) -> None:
        """Without STATISTICS, ``stats`` and ``jstats`` are refused, and all other requests are answered."""
        self.clients.use_statistics(NullStatistics())
        disabled = b"400 statistics disabled\n"
        self.assert_chat(((b"stats\n", disabled), (b"jstats\n", disabled), (b"stats x\n", MALFORMED), *TRANSCRIPT))

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is a temporary error, each time."""
        self.current.snapshot = snapshot("", ENDLESS)
        self.assert_chat(((f"get {ENDLESS_KEY}\n".encode(), FAULT),))


class VirtualTests(ChatCase):
    """The virtual server."""

    kind = Table.VIRTUAL

    def test_chat(self) -> None:
        """Each kind of request gets its reply."""
        self.assert_chat(VIRTUAL_CHAT)

    def test_lookup_log(self) -> None:
        """At LOGGING: debug each of many lookups of the same key is logged."""
        set_level("debug")
        self.addCleanup(reset_level)
        client = self.connect()
        with capturedLogs() as events:
            for _ in range(5):
                client.send(b"get samissexy.34\n")
        self.assertEqual(
            ["samissexy.34 is not found: the key has no domain"] * 5, [formatEvent(event) for event in events]
        )

    def test_debug_account(self) -> None:
        """An ambiguous address goes to the debug account."""
        self.current.snapshot = snapshot("DEBUG ACCOUNT: root")
        self.assert_chat(((b"get to-a.1@Example.com\n", b"200 root@Example.com\n"),))


class LimitTests(ChatCase):
    """Requests that are too long."""

    def assert_refused(self, client: Client, received: bytes) -> None:
        """Assert that the one reply is the refusal, and that the connection ends whatever else comes."""
        self.assertEqual(TOO_LONG, received)
        self.assertTrue(client.transport.disconnecting)
        self.assertEqual(b"", client.send(b"get foo\n" * 100) + client.send(b"x" * 100_000))
        self.clock.advance(1.9)
        self.assertFalse(client.transport.disconnected)
        self.clock.advance(0.1)
        self.assertTrue(client.transport.disconnected)
        client.break_connection()

    def test_longest(self) -> None:
        """The longest request is answered, whole and in pieces."""
        longest = b"get " + b"x" * (LONGEST_REQUEST - 4)
        client = self.connect()
        self.assertEqual(MISS, client.send(longest + b"\n"))
        self.assertEqual(MISS, self.send_all(client, [longest, b"\n"]))
        self.assertEqual(MISS * 2, self.send_all(client, [longest[:4096], longest[4096:] + b"\nget foo\n"]))

    def test_pieces_take_turns(self) -> None:
        """After 8 KiB of an incomplete request, the client's input is read on only at its turn."""
        first, second = self.connect(), self.connect()
        for client in (first, second):
            client.send(b"get " + b"x" * 5_000)
            self.assertEqual("producing", client.transport.producerState)
            client.send(b"x" * 4_000)
            self.assertEqual("paused", client.transport.producerState)
        self.clock.advance(0)
        self.assertEqual(["producing"] * 2, [client.transport.producerState for client in (first, second)])
        self.assertEqual(MISS, first.send(b"\n"))
        second.send(b"x")
        second.break_connection()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual((1, 1, 0), self.depths())

    def test_too_long(self) -> None:
        """A request with one byte more is refused once, with and without its line feed, and the connection ends."""
        request = b"get " + b"x" * (LONGEST_REQUEST - 3)
        for pieces in ([request], [request + b"\n"], [request[:-1], b"x"], [request[:9], request[9:] + b"\nget foo\n"]):
            client = self.connect()
            self.assert_refused(client, b"".join(client.send(piece) + self.wait_for(client) for piece in pieces))

    def test_behind_others(self) -> None:
        """Requests before one that is too long are answered."""
        client = self.connect()
        received = client.send(b"get samissexy.34\n" * 6 + b"x" * 70_000) + self.wait_for(client)[: 2 * len(BAZ)]
        self.assertEqual(BAZ * 6, received)
        self.assertTrue(client.transport.disconnecting)

    def test_client_leaves(self) -> None:
        """After a refusal, a connection that the client closes leaves nothing in progress."""
        client = self.connect()
        client.send(b"x" * 70_000)
        client.protocol.readConnectionLost()
        client.break_connection()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual((0, 0, 0), self.depths())

    def test_reply_not_taken(self) -> None:
        """A connection ends when the client has taken the refusal, or after two seconds."""
        client = self.connect(room=3)
        client.protocol.dataReceived(b"x" * 70_000)
        self.assertFalse(client.transport.disconnecting)
        self.assertEqual((1, 0, 1), self.depths())
        self.assert_refused(client, client.transport.empty())
        client = self.connect(room=3)
        client.protocol.dataReceived(b"x" * 70_000)
        self.clock.advance(2)
        self.assertTrue(client.transport.disconnected)

    def test_counted(self) -> None:
        """A request that is too long counts as bad."""
        self.connect().send(b"x" * 70_000)
        self.assertEqual(
            (1, 1, 1),
            (self.statistics.outcomes[ReplyKind.BAD].ended, self.statistics.reads.ended, self.statistics.writes.ended),
        )
        self.assertEqual((1, 0, 0), self.depths())


class NetstringTests(ChatCase):
    """Clients of socketmap at a port of the line protocol."""

    REFUSAL = b"31:PERM this port speaks tcp_table,"

    def test_refused(self) -> None:
        """A netstring is refused in its own framing as soon as its colon is there, and is discarded for two seconds."""
        for pieces in (
            [b"16:table foo-shop-4,"],
            [b"1", b"6", b":"],
            [b"123456:"],
            [b"5:hello,\n"],
            [b"16:a\nget foo\n"],
        ):
            client = self.connect()
            with capturedLogs() as events:
                self.assertEqual(self.REFUSAL, b"".join(map(client.send, pieces)), pieces)
            self.assertTrue(client.transport.disconnecting)
            self.assertEqual(b"", client.send(b"16:table foo-shop-4,") + client.send(b"x" * 100_000))
            self.clock.advance(1.9)
            self.assertFalse(client.transport.disconnected)
            self.clock.advance(0.1)
            self.assertTrue(client.transport.disconnected)
            client.break_connection()
            if pieces == [b"16:table foo-shop-4,"]:
                [event] = events
                self.assertEqual(
                    "refused a connection from 192.168.1.1: what it sent is a netstring; does it use socketmap: where "
                    "it is to use tcp:?",
                    formatEvent(event),
                )
            else:
                self.assertEqual([], events)
        self.assertEqual(5, self.statistics.outcomes[ReplyKind.BAD].ended)
        self.assertEqual((0, 0, 0), self.depths())

    def test_lines(self) -> None:
        """Lines that look like a netstring later, or only nearly, are lines."""
        for line in (b"1234567:x,\n", b":\n", b"-1:x,\n", b"12 :\n", b"12\n"):
            client = self.connect()
            self.assertEqual(UNRECOGNIZED, client.send(line))
            client.break_connection()
        client = self.connect()
        self.assertEqual(BAZ + UNRECOGNIZED, client.send(b"get samissexy.34\n") + client.send(b"5:hello,\n"))
        self.assertEqual((b"", UNRECOGNIZED), (client.send(b"5:hello,"), client.send(b"\n")))

    def test_number(self) -> None:
        """A connection that ends after digits alone ends without a reply."""
        client = self.connect()
        self.assertEqual(b"", client.send(b"12"))
        client.protocol.readConnectionLost()
        self.assertTrue(client.transport.disconnecting)


class HookTests(ChatCase):
    """Lookups with hooks."""

    def use(self, preprocess: Hook | None = None, postprocess: Hook | None = None) -> Client:
        """Connect a client to a server with these hooks."""
        hooks = Hooks()
        hooks.preprocess = preprocess or hooks.preprocess
        hooks.postprocess = postprocess or hooks.postprocess
        self.current.snapshot = snapshot(hooks=hooks)
        return self.connect()

    def test_fault(self) -> None:
        """An exception in a hook is logged, and a temporary error without details; the connection stays usable."""
        for error in (ZeroDivisionError("% \n500 not found\n%zz"), SystemExit("x")):

            def fail(*_: object, error: BaseException = error) -> tuple[str, None]:
                raise error

            for client in (self.use(fail), self.use(None, fail)):
                with capturedLogs() as events:
                    self.assertEqual(FAULT, client.send(b"get samissexy.34\n"))
                (event,) = events
                self.assertIs(error, event["log_failure"].value)
                self.assertIn("in fail\n", event["log_failure"].getTraceback())
                self.assertEqual(MALFORMED + UNRECOGNIZED, client.send(b"\nfoo\n"))
                self.assertFalse(client.transport.disconnecting)
                client.break_connection()
        self.flushLoggedErrors()

    def test_values(self) -> None:
        """For any value that a hook returns, the reply is one correctly encoded line."""
        table = {
            "a b%": b"200 a%20b%25\n",
            "x\n200 y\r\n": b"200 x%0A200%20y%0D%0A\n",
            "é\0": b"200 %C3%A9%00\n",
            "x" * 4091: b"200 " + b"x" * 4091 + b"\n",
        }
        client = self.use(None, lambda alias, _: (table_value[0], None))
        table_value = [""]
        for value, reply in table.items():
            table_value[0] = value
            self.assertEqual(reply, client.send(b"get samissexy.34\n"))

    def test_unsendable(self) -> None:
        """A value that cannot be sent is a temporary error, and its reason is logged."""
        for value, message in (
            ("x" * 4092, "a value was not answered: a reply of 4097 bytes; a mail server takes 4096"),
            ("\ud800", r"a value was not answered: a value with half a character: '\ud800'"),
        ):
            client = self.use(None, lambda *_, value=value: (value, None))
            with capturedLogs() as events:
                self.assertEqual(FAULT * 2, client.send(b"get samissexy.34\n" * 2))
            self.assertEqual([message] * 2, [formatEvent(event) for event in events])
            client.break_connection()

    def test_no_value(self) -> None:
        """An empty value is a temporary error, and logged."""
        client = self.use(None, lambda *_: ("", None))
        self.assertEqual(FAULT, client.send(b"get samissexy.34\n"))
        self.assertEqual(1, len(self.flushLoggedErrors()))

    def test_asked_each_time(self) -> None:
        """With hooks, no reply is cached."""
        answers = iter("abc")
        client = self.use(None, lambda *_: (next(answers), None))
        self.assertEqual(b"200 a\n200 b\n200 c\n", client.send(b"get samissexy.34\n" * 3))


class SnapshotTests(ChatCase):
    """A reload while clients are connected."""

    NEW = "ACCOUNT new MATCHES samissexy.%code% WITH 34;ACCOUNT foo MATCHES %code% WITH foo;"

    def test_at_once(self) -> None:
        """The next request is answered by the new snapshot, also if its reply was cached."""
        client, other = self.connect(), self.connect()
        for _ in range(3):
            self.assertEqual(BAZ + MISS, client.send(b"get samissexy.34\nget foo\n"))
            self.assertEqual(BAZ, other.send(b"get samissexy.34\n"))
        before = self.current.snapshot
        self.current.snapshot = snapshot("", self.NEW)
        for _ in range(3):
            self.assertEqual(b"200 new\n", other.send(b"get samissexy.34\n"))
            self.assertEqual(b"200 new\n200 foo\n", client.send(b"get samissexy.34\nget foo\n"))
        self.current.snapshot = before
        self.assertEqual(BAZ + MISS, client.send(b"get samissexy.34\nget foo\n"))

    def test_between_turns(self) -> None:
        """Requests that wait for a turn are answered by the new snapshot."""
        client = self.connect()
        received = client.send(b"get samissexy.34\n" * 6)
        self.current.snapshot = snapshot("", self.NEW)
        received += self.wait_for(client)
        self.assertEqual(BAZ * 4 + b"200 new\n" * 2, received)

    def test_within_a_request(self) -> None:
        """A request that is partly received is answered by the new snapshot."""
        client = self.connect()
        client.send(b"get samissexy.34\nget samissexy")
        self.current.snapshot = snapshot("", self.NEW)
        self.assertEqual(b"200 new\n", client.send(b".34\n"))

    def test_within_a_lookup(self) -> None:
        """A reply of the old snapshot that is made during a reload is not cached."""

        def reload(alias: str, domain: str | None) -> tuple[str, str | None]:
            self.current.snapshot = snapshot("", self.NEW)
            return alias, domain

        self.current.snapshot = snapshot(hooks=Hooks(preprocess=reload))
        client = self.connect()
        self.assertEqual(BAZ + b"200 new\n", client.send(b"get samissexy.34\n" * 2))

    def test_warnings(self) -> None:
        """Of the addresses of an account that are ambiguous, or have several readings, only the first is logged."""
        client = self.connect()
        with capturedLogs() as events:
            for _ in range(3):
                client.send(b"get xxxxxx+00\nget to-a.1\n")
        self.assertEqual(["xxxxxx+00", "to-a.1"], [formatEvent(event).split()[0] for event in events])

    def test_cached(self) -> None:
        """A reply that is in the cache needs no lookup, whether its request arrives whole or in pieces."""
        client, request, cache = self.connect(), b"get samissexy.34\n", self.factory.cache
        client.send(request * 2)

        def fail(key: str) -> Answer:
            raise AssertionError(key)

        self.current.snapshot.tables = {Table.LOCAL_PART: fail}
        for pieces in ([request], [request * 2], [request[:5], request[5:]]):
            cache.recent, cache.older = {}, {request: cache.recent[request]}  # as after many other requests
            for _ in range(2):
                replies = b"".join(map(client.send, pieces))
                self.assertEqual(BAZ * (len(b"".join(pieces)) // len(request)), replies)
                self.assertIn(request, cache.recent)

    def test_tables_apart(self) -> None:
        """Two servers with one snapshot do not share cached replies."""
        both = Snapshot(snapshot().configuration)
        self.current.snapshot = both
        self.assertEqual(MISS, self.connect().send(b"get samissexy.34@example.com\n"))
        virtual = VirtualTests("test_chat")
        virtual.setUp()
        virtual.current.snapshot = both
        self.assertEqual(b"200 baz@example.com\n", virtual.connect().send(b"get samissexy.34@example.com\n"))


class FloodTests(ChatCase):
    """Ten million bytes of random input."""

    REPLIES = re.compile(rb"(?:(?:200 [!-$&-~]+|400 [a-z ]+|500 not found)\n)*")
    WORDS = b"get |GET |stat|samissexy.34|%|%4|%41|\r\n|\n|\n| |xxx|\xff".split(b"|")

    def nonsense(self, random: Random) -> bytes:
        """Choose random bytes, or random parts of requests."""
        if random.random() < 0.9:
            return random.randbytes(random.choice((1, 100, 4096, 65536)))
        return b"".join(random.choices(self.WORDS, k=2_000))

    def test_answered(self) -> None:
        """Every complete line is answered once, nothing is raised, and buffer and cache keep their bounds."""
        random = Random(0)
        client = self.connect()
        sent = asked = answered = 0
        while sent < 10_000_000:
            data = self.nonsense(random)
            sent += len(data)
            asked += data.count(b"\n")
            received = client.send(data) + self.wait_for(client)
            answered += received.count(b"\n")
            self.assertIsNotNone(self.REPLIES.fullmatch(received))
            self.assertLessEqual(len(client.protocol._input.buffer), LONGEST_REQUEST)
            self.assertLessEqual(len(self.factory.cache.recent), ReplyCache.SPAN)
        self.assertEqual(asked, answered)
        self.assertGreater(asked, 40_000)
        self.assertFalse(client.transport.disconnecting)

    def test_memory(self) -> None:
        """Requests for ever new keys use no more memory than the cache's bound."""
        self.patch(ReplyCache, "SPAN", 1_000)
        client = self.connect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        number = 0
        used = []
        for _ in range(4):
            for _ in range(ReplyCache.SPAN // 40):
                # Each twice: a reply is cached from the second request on.
                client.send(b"".join((b"get nobody%d\n" % (number := number + 1)) * 2 for _ in range(40)))
                self.wait_for(client)
            used.append(tracemalloc.get_traced_memory()[0])
        self.assertLess(used[3], used[1] * 1.1)
        self.assertGreater(len(self.factory.cache.recent), 100)
