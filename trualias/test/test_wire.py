"""Tests of trualias.protocols.wire."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import NetstringReceiver
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.protocols import wire
from trualias.protocols.wire import (
    LONGEST_KEY,
    LONGEST_NETSTRING,
    LONGEST_REQUEST,
    BadRequest,
    Command,
    Get,
    LineSplitter,
    MapGet,
    NetstringSplitter,
    Request,
    Splitter,
    fast_key,
    fast_map_request,
    parse_map_request,
    parse_request,
)
from trualias.test import trialprofile

trialprofile.load()

CORRECT = re.compile(rb"(?:2\d\d|[45]00) (?:[!-$&-~ ]|%[0-9A-F]{2})*\n")
"""A reply that Postfix accepts: a line feed only at the end, a percent sign only in ``%XX``, a space after the code."""


def netstring(payload: bytes) -> bytes:
    """Format a netstring."""
    return b"%d:%s," % (len(payload), payload)


class RequestTests(SynchronousTestCase):
    """Requests of the line protocol."""

    def assert_read(self, table: dict[bytes, Request]) -> None:
        """Assert how lines are parsed: as they are, with LF, and with CR LF."""
        for line, request in table.items():
            for end in (b"", b"\n", b"\r\n"):
                self.assertEqual(request, parse_request(line + end), line + end)

    def test_get(self) -> None:
        """The command is accepted in any case, with any white space around it and the key."""
        foo = Get("foo")
        for line in (b"get foo", b"GET foo", b"gEt\tfoo", b" get  foo ", b"\tget \t foo\t", b"get\x0bfoo\x0c"):
            self.assert_read({line: foo})

    def test_keys_as_they_are(self) -> None:
        """Characters without encoding stand for themselves, and the case of a key is kept."""
        for key in ("a+b=c@example.com", "SamIsSexy.34", "!#$&'*-/?^_`{|}~", '""@d', "@d", "*", "\\", "a\x00b\x7f"):
            self.assert_read({b"get " + key.encode(): Get(key)})

    def test_encoded_keys(self) -> None:
        """``%XX`` is one byte, with digits of either case; it is decoded once."""
        self.assert_read(
            {
                b"get with%20space": Get("with space"),
                b"get caf%C3%A9@example.com": Get("café@example.com"),
                b"get caf%c3%a9": Get("café"),
                b"get %66%6f%6F": Get("foo"),
                b"get 100%25": Get("100%"),
                b"get %2541": Get("%41"),
                b"get a%0ab%0Dc": Get("a\nb\rc"),
                b"get %00": Get("\0"),
                b'get "no%20a"@d': Get('"no a"@d'),
            }
        )

    def test_unencoded_bytes(self) -> None:
        """UTF-8 is accepted without encoding."""
        self.assert_read({"get café".encode(): Get("café")})

    def test_not_utf8(self) -> None:
        """A key that is not UTF-8 is parsed as None."""
        for key in (b"%FF", b"\xff", b"caf%E9", b"%C3", b"%C3x%A9", b"%ED%A0%80", b"%C0%AF", b"%F4%90%80%80"):
            self.assert_read({b"get " + key: Get(None)})

    def test_long_keys(self) -> None:
        """A key of 320 bytes, decoded, is looked up; a longer one is parsed as None, or as malformed, at any length."""
        self.assert_read(
            {
                b"get " + b"x" * 320: Get("x" * 320),
                b"get " + b"%41" * 320: Get("A" * 320),
                b"get " + b"%C3%A9" * 160: Get("é" * 160),
                b"get " + b"x" * 321: Get(None),
                b"get " + b"%41" * 320 + b"x": Get(None),
                b"get " + b"%C3%A9" * 160 + b"x": Get(None),
                b"get " + b"%41" * 20_000: Get(None),
                b"get " + b"%41" * 20_000 + b"%4": BadRequest.MALFORMED,
                b"get %4x" + b"%41" * 20_000: BadRequest.MALFORMED,
            }
        )

    @given(st.text("%4aG"))
    def test_encodings(self, key: str) -> None:
        """A key is malformed exactly if a percent sign in it has no two hexadecimal digits after it."""
        malformed = re.search("%(?![4a]{2})", key) is not None
        self.assertEqual(malformed, parse_request(f"get x{key}".encode()) is BadRequest.MALFORMED)

    def test_bad_encoding(self) -> None:
        """A percent sign without two digits is malformed, also in a key that is not UTF-8."""
        for key in (b"%", b"a%", b"%4", b"%4x%41", b"%x4", b"%%41", b"%\xff", b"%FF%", b"%+1"):
            self.assert_read({b"get " + key: BadRequest.MALFORMED})

    def test_statistics(self) -> None:
        """The requests without a key are accepted in any case."""
        self.assert_read({b"stats": Command.STATS, b"StAtS ": Command.STATS, b" JSTATS": Command.JSTATS})

    def test_number_of_words(self) -> None:
        """A known command with too many or too few words is malformed, and so is an empty line."""
        for line in (
            b"",
            b" ",
            b" \t",
            b"get",
            b"GET ",
            b"get a b",
            b"get a%20 b",
            b"stats x",
            b"jstats get",
            b"stats\tstats",
        ):
            self.assert_read({line: BadRequest.MALFORMED})

    def test_unknown(self) -> None:
        """Any other command is unrecognized, with any number of words."""
        for line in (
            b"foo",
            b"put a b",
            b"getfoo",
            b"get\0 foo",
            b"\xff",
            b"get: foo",
            b"statss",
            b"%67et foo",
            b"QUIT now",
        ):
            self.assert_read({line: BadRequest.UNRECOGNIZED})

    @given(st.binary(max_size=40))
    def test_any_bytes(self, line: bytes) -> None:
        """Any bytes are parsed without an exception, and so is any key."""
        parse_request(line)
        self.assertIn(type(parse_request(b"get " + line)), (Get, BadRequest))


class FastKeyTests(SynchronousTestCase):
    """The two parsers of lines, `fast_key` and `parse_request`, against each other."""

    @given(st.binary(max_size=12))
    @example(b"foo%41")
    @example(b"foo\r")
    @example(b"x" * 320)
    @example(b"x" * 321)
    def test_agrees_with_parse_request(self, key: bytes) -> None:
        """A key that ``fast_key`` returns is the one that ``parse_request`` returns, and the line is complete."""
        for line in (key + b"\n", b"get " + key, b"get " + key + b"\n", b"get x" + key + b"\n", b"get foo\n" + key):
            fast = fast_key(line)
            if fast is not None:
                self.assertEqual(Get(fast), parse_request(line))
                self.assertEqual(len(line) - 1, line.index(b"\n"))

    @given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="%"), min_size=1))
    def test_ordinary_keys(self, key: str) -> None:
        """A key of printable ASCII without percent signs is in the form of ``fast_key``."""
        self.assertEqual(key, fast_key(f"get {key}\n".encode()))


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Cut a stream into pieces of these sizes, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    return [*pieces, stream]


def split(splitter: Splitter, pieces: list[bytes]) -> tuple[list[bytes], BadRequest | None]:
    """Feed pieces, and return all requests that can be split off, and the error, if there is one."""
    requests: list[bytes] = []
    for piece in pieces:
        splitter.feed(piece)
        while (request := splitter.next_request()) is not None:
            if isinstance(request, BadRequest):
                return requests, request
            requests.append(request)
    return requests, None


SIZES = st.lists(st.integers(0, 12), max_size=20)


class LineSplitterTests(SynchronousTestCase):
    """Input of the line protocol."""

    @given(st.lists(st.sampled_from((b"get a", b"\n", b"\r\n", b"x", b"\0"))).map(b"".join), SIZES)
    def test_lines(self, stream: bytes, sizes: list[int]) -> None:
        """The requests are the stream's lines with their ends, however it is cut; the rest stays in the buffer."""
        splitter = LineSplitter()
        requests, bad_request = split(splitter, cut(stream, sizes))
        *lines, rest = stream.split(b"\n")
        self.assertEqual(([line + b"\n" for line in lines], None), (requests, bad_request))
        self.assertEqual(rest, splitter.buffer)

    def test_too_long(self) -> None:
        """A line of 65536 bytes is a request; one byte more is an error, with and without its end."""
        longest = b"x" * LONGEST_REQUEST
        self.assertEqual(([longest + b"\n"], None), split(LineSplitter(), [longest, b"\n"]))
        for stream in (longest + b"x", longest + b"x\n"):
            self.assertEqual(([b"\n"], BadRequest.TOO_LONG), split(LineSplitter(), [b"\n", stream]))

    def test_single_bytes(self) -> None:
        """The longest line may arrive in single bytes."""
        longest = b"x" * LONGEST_REQUEST + b"\n"
        self.assertEqual(([longest], None), split(LineSplitter(), [b"x"] * LONGEST_REQUEST + [b"\n"]))


class TwistedNetstrings(NetstringReceiver):
    """Twisted's receiver, which collects the payloads until the input is no netstring."""

    MAX_LENGTH = LONGEST_NETSTRING

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.makeConnection(StringTransport())

    def stringReceived(self, string: bytes) -> None:
        """Collect a payload."""
        self.payloads.append(string)

    @property
    def is_broken(self) -> bool:
        """True if the input is no netstring, also for a line feed after the length, where Twisted waits for more."""
        return bool(self.brokenPeer) or self._remainingData.endswith(b"\n")


NETSTRING_PARTS = st.one_of(
    st.binary(max_size=12).map(netstring),
    st.sampled_from((b"0:,", b"00:,", b"01:x,", b"3:", b"2:xyz,", b":,", b"-1:,", b"1", b"100000", b"100001:", b"\n")),
    st.binary(max_size=3),
)


class NetstringSplitterTests(SynchronousTestCase):
    """Input of socketmap."""

    @given(st.lists(NETSTRING_PARTS).map(b"".join), SIZES)
    @example(b"100000:", [3])
    @example(b"100001:", [6])
    @example(b"1000000", [])
    @example(b"5\n", [])
    @example(b"5\n:", [2])
    def test_agrees_with_twisted(self, stream: bytes, sizes: list[int]) -> None:
        """Payloads and errors are those of Twisted's NetstringReceiver, however the stream is cut."""
        pieces = cut(stream, sizes)
        receiver = TwistedNetstrings()
        for piece in pieces:
            if not receiver.is_broken:
                receiver.dataReceived(piece)
        requests, bad_request = split(NetstringSplitter(), pieces)
        self.assertEqual(
            (receiver.payloads, BadRequest.MALFORMED if receiver.is_broken else None),
            ([request[request.index(b":") + 1 : -1] for request in requests], bad_request),
        )
        self.assertEqual(b"".join(map(netstring, receiver.payloads)), b"".join(requests))

    def test_errors(self) -> None:
        """Leading zeros, a length above the limit, and a wrong comma are errors as soon as they are seen."""
        for stream in (
            b"00",
            b"01",
            b"100001",
            b"999999",
            b"1000000",
            b"a",
            b":",
            b"-",
            b"5\n",
            b"5x",
            b"0:x",
            b"1:xy",
        ):
            self.assertEqual(([], BadRequest.MALFORMED), split(NetstringSplitter(), [stream]), stream)
            self.assertEqual(([], None), split(NetstringSplitter(), [stream[:-1]]), stream)

    def test_longest(self) -> None:
        """The longest netstring is a request, also in single bytes."""
        longest = netstring(b"x" * LONGEST_NETSTRING)
        self.assertEqual(([longest], None), split(NetstringSplitter(), [longest]))
        self.assertEqual(([longest], None), split(NetstringSplitter(), [bytes([byte]) for byte in longest]))


MAP_REQUESTS = st.binary(max_size=4).map(lambda key: netstring(b"table x" + key))


class FastMapRequestTests(SynchronousTestCase):
    """`fast_map_request` against splitting and `parse_map_request`."""

    @given(st.lists(st.one_of(NETSTRING_PARTS, MAP_REQUESTS), max_size=2).map(b"".join))
    @example(netstring(b"table " + b"x" * LONGEST_KEY))
    @example(netstring(b"table " + b"x" * (LONGEST_KEY + 1)))
    @example(netstring(b"table a b"))
    @example(b"07:table x,")
    @example(b"6:table x,")
    @example(b"8:table x,")
    @example(b"7:table x")
    @example(b"7:table x,1:y,")
    @example(b"7:table x\n")
    def test_agrees_with_parse_map_request(self, data: bytes) -> None:
        """What it returns is the map and the key of the only netstring that can be split off."""
        fast = fast_map_request(data)
        if fast is not None:
            self.assertEqual(([data], None), split(NetstringSplitter(), [data]))
            self.assertEqual(MapGet(*fast), parse_map_request(data))

    @given(
        st.sampled_from([table.value for table in Table]),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=LONGEST_KEY),
    )
    def test_ordinary_keys(self, name: str, key: str) -> None:
        """A key of printable ASCII for a table is in its form."""
        self.assertEqual((name.encode(), key), fast_map_request(netstring(f"{name} {key}".encode())))


class ReplyTests(SynchronousTestCase):
    """Replies of the line protocol."""

    def test_constant(self) -> None:
        """The constant replies are these."""
        self.assertEqual(b"500 not found\n", wire.NOT_FOUND)
        self.assertEqual(b"400 temporary failure, see the server's log\n", wire.FAULT)
        self.assertEqual(b"400 statistics disabled\n", wire.NO_STATISTICS)

    def test_refused(self) -> None:
        """Each bad request has its reply."""
        self.assertEqual(
            {
                BadRequest.UNRECOGNIZED: b"400 unrecognized command\n",
                BadRequest.MALFORMED: b"400 improperly formed request\n",
                BadRequest.TOO_LONG: b"400 request too long\n",
            },
            {bad_request: wire.refused(bad_request) for bad_request in BadRequest},
        )

    def test_found(self) -> None:
        """Percent signs, white space, and bytes that are not printable ASCII are encoded in a value."""
        table = {
            "foo": b"foo",
            "a+b=c@example.com": b"a+b=c@example.com",
            "!\"#$&'()*,-./:;<=>?@[\\]^_`{|}~": b"!\"#$&'()*,-./:;<=>?@[\\]^_`{|}~",
            "with space": b"with%20space",
            "100%": b"100%25",
            "%41": b"%2541",
            "café": b"caf%C3%A9",
            "a\r\n200 b\t\0\x7f\x0b": b"a%0D%0A200%20b%09%00%7F%0B",
            "\udcff": b"%FF",
        }
        for value, encoded in table.items():
            self.assertEqual(b"200 " + encoded + b"\n", wire.found(value))

    @given(st.text(max_size=60))
    @example("%")
    @example("\n")
    def test_any_value(self, value: str) -> None:
        """The reply with any value is correct, and decodes to the value."""
        reply = wire.found(value)
        self.assertRegex(reply, CORRECT)
        if value:
            self.assertEqual(Get(value), parse_request(b"get " + reply[4:]))

    def test_too_long(self) -> None:
        """A reply of more than 4096 bytes with its end raises."""
        for value, encoded in (("x", 1), ("é", 6)):
            longest = value * ((4096 - 5) // encoded)
            self.assertLessEqual(len(wire.found(longest)), 4096)
            error = self.assertRaises(wire.ReplyTooLong, wire.found, longest + value)
            length = 5 + (len(longest) + 1) * encoded
            self.assertEqual(f"a reply of {length} bytes; a mail server takes 4096", str(error))

    def test_no_text(self) -> None:
        """A value with half a surrogate pair raises."""
        for write in (wire.found, wire.map_found):
            error = self.assertRaises(wire.Unsendable, write, "a\ud800")
            self.assertEqual(r"a value with half a character: 'a\ud800'", str(error))

    def test_statistics(self) -> None:
        """The first line of ``stats`` has another code; ``jstats`` is one line."""
        self.assertEqual(b"210 a: 1\n212 b: 2\n212 c: 3\n", wire.statistics_lines(["a: 1", "b: 2", "c: 3"]))
        self.assertEqual(b'212 [{"name": "a"}]\n', wire.statistics_json('[{"name": "a"}]'))


class MapTests(SynchronousTestCase):
    """Requests and replies of socketmap."""

    def test_requests(self) -> None:
        """A request is the name of a map, a space, and a key, which is not encoded and may have spaces."""
        table: dict[bytes, MapGet | BadRequest] = {
            b"virtual nobody@va.test": MapGet(b"virtual", "nobody@va.test"),
            b"table a b%20c ": MapGet(b"table", "a b%20c "),
            b"table ": MapGet(b"table", ""),
            "table café".encode(): MapGet(b"table", "café"),
            b"table \xff": MapGet(b"table", None),
            b"table " + b"x" * 320: MapGet(b"table", "x" * 320),
            b"table " + b"x" * 321: MapGet(b"table", None),
            b"t\xff x": MapGet(b"t\xff", "x"),
            b"table": BadRequest.MALFORMED,
            b" x": BadRequest.MALFORMED,
            b"": BadRequest.MALFORMED,
        }
        self.assertEqual(table, {payload: parse_map_request(netstring(payload)) for payload in table})

    def test_found(self) -> None:
        """A value is not encoded; the length counts bytes."""
        self.assertEqual(b"6:OK foo,", wire.map_found("foo"))
        self.assertEqual("12:OK a b%é€,".encode(), wire.map_found("a b%é€"))

    def test_unsendable(self) -> None:
        """A value that Postfix would misunderstand or refuse raises."""
        table = {
            "": "an empty value",
            "a\nb": r"a value with a line break or a NUL: 'a\nb'",
            "a\r": r"a value with a line break or a NUL: 'a\r'",
            "\0": r"a value with a line break or a NUL: '\x00'",
            "x" * 99_998: "a reply of 100001 bytes; a mail server takes 100000",
        }
        for value, message in table.items():
            self.assertEqual(message, str(self.assertRaises(wire.Unsendable, wire.map_found, value)))
        self.assertEqual(100_008, len(wire.map_found("x" * 99_997)))
