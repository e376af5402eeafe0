"""The bytes of requests and replies."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols import wire
from trualias.protocols.wire import (
    BadRequest,
    Command,
    Get,
    MapGet,
    Request,
    fast_key,
    parse_map_request,
    parse_request,
)
from trualias.test import trialprofile

trialprofile.load()

CORRECT = re.compile(rb"(?:2\d\d|[45]00) (?:[!-$&-~ ]|%[0-9A-F]{2})*\n")
"""A reply that Postfix takes: no line feed but at the end, no percent sign but in ``%XX``, a space behind the code."""


def netstring(payload: bytes) -> bytes:
    """Format a netstring."""
    return b"%d:%s," % (len(payload), payload)


class RequestTests(SynchronousTestCase):
    """Lines that clients send."""

    def assert_read(self, table: dict[bytes, Request]) -> None:
        """Assert how lines are understood: as they are, with LF, and with CR LF."""
        for line, request in table.items():
            for end in (b"", b"\n", b"\r\n"):
                self.assertEqual(request, parse_request(line + end), line + end)

    def test_get(self) -> None:
        """A key, with the command in any case and white space of any kind around."""
        foo = Get("foo")
        for line in (b"get foo", b"GET foo", b"gEt\tfoo", b" get  foo ", b"\tget \t foo\t", b"get\x0bfoo\x0c"):
            self.assert_read({line: foo})

    def test_keys_as_they_are(self) -> None:
        """What needs no encoding stands for itself, and the case of a key stays."""
        for key in ("a+b=c@example.com", "SamIsSexy.34", "!#$&'*-/?^_`{|}~", '""@d', "@d", "*", "\\", "a\x00b\x7f"):
            self.assert_read({b"get " + key.encode(): Get(key)})

    def test_encoded_keys(self) -> None:
        """``%XX`` is one byte, in digits of either case; what comes out is not decoded once more."""
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
        """A client that encodes nothing is understood, too."""
        self.assert_read({"get café".encode(): Get("café")})

    def test_not_utf8(self) -> None:
        """A key whose bytes are no UTF-8 is one that no table has."""
        for key in (b"%FF", b"\xff", b"caf%E9", b"%C3", b"%C3x%A9", b"%ED%A0%80", b"%C0%AF", b"%F4%90%80%80"):
            self.assert_read({b"get " + key: Get(None)})

    def test_bad_encoding(self) -> None:
        """A percent sign without two digits is a malformed request, be the rest no UTF-8."""
        for key in (b"%", b"a%", b"%4", b"%4x%41", b"%x4", b"%%41", b"%\xff", b"%FF%", b"%+1"):
            self.assert_read({b"get " + key: BadRequest.MALFORMED})

    def test_statistics(self) -> None:
        """The requests without a key, in any case."""
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
        """Anything else is an unknown command, with however many words."""
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
        """Any bytes are understood as something, and so is any key."""
        parse_request(line)
        self.assertIn(type(parse_request(b"get " + line)), (Get, BadRequest))

    @given(st.binary(max_size=12))
    def test_plain(self, key: bytes) -> None:
        """A key in the ordinary form is understood as any other."""
        self.assertEqual("samissexy.34", fast_key(b"get samissexy.34\n"))
        for request in (key + b"\n", b"get " + key, b"get " + key + b"\n", b"get x" + key + b"\n", b"get foo\n" + key):
            plain = fast_key(request)
            if plain is not None:
                self.assertEqual(Get(plain), parse_request(request))
                self.assertEqual(len(request) - 1, request.index(b"\n"))


class ReplyTests(SynchronousTestCase):
    """Lines that go back."""

    def test_constant(self) -> None:
        """The replies that are always the same."""
        self.assertEqual(b"500 not found\n", wire.NOT_FOUND)
        self.assertEqual(b"400 temporary failure, see the server's log\n", wire.FAULT)
        self.assertEqual(b"400 statistics disabled\n", wire.NO_STATISTICS)

    def test_refused(self) -> None:
        """What is no request is told so."""
        self.assertEqual(
            {
                BadRequest.UNRECOGNIZED: b"400 unrecognized command\n",
                BadRequest.MALFORMED: b"400 improperly formed request\n",
                BadRequest.TOO_LONG: b"400 request too long\n",
            },
            {bad_request: wire.refused(bad_request) for bad_request in BadRequest},
        )

    def test_found(self) -> None:
        """A value is encoded as clients encode keys: percent signs, white space, what is not printable, not ASCII."""
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
        """Whatever the value, the reply is correct, and reads as the value."""
        reply = wire.found(value)
        self.assertRegex(reply, CORRECT)
        if value:
            self.assertEqual(Get(value), parse_request(b"get " + reply[4:]))

    def test_too_long(self) -> None:
        """A reply has at most 4096 bytes with its end."""
        for value, encoded in (("x", 1), ("é", 6)):
            longest = value * ((4096 - 5) // encoded)
            self.assertLessEqual(len(wire.found(longest)), 4096)
            error = self.assertRaises(wire.ReplyTooLong, wire.found, longest + value)
            length = 5 + (len(longest) + 1) * encoded
            self.assertEqual(f"a reply of {length} bytes; a mail server takes 4096", str(error))

    def test_no_text(self) -> None:
        """Half a character, as a hook may give, cannot be sent."""
        for write in (wire.found, wire.map_found):
            error = self.assertRaises(wire.Unsendable, write, "a\ud800")
            self.assertEqual(r"a value with half a character: 'a\ud800'", str(error))

    def test_statistics(self) -> None:
        """The first line of the statistics has a code of its own; JSON is one line."""
        self.assertEqual(b"210 a: 1\n212 b: 2\n212 c: 3\n", wire.statistics_lines(["a: 1", "b: 2", "c: 3"]))
        self.assertEqual(b'212 [{"name": "a"}]\n', wire.statistics_json('[{"name": "a"}]'))


class MapTests(SynchronousTestCase):
    """Netstrings of socketmap."""

    def test_requests(self) -> None:
        """The name of a map, a space, and the key, which is not encoded and may have spaces itself."""
        table: dict[bytes, MapGet | BadRequest] = {
            b"virtual nobody@va.test": MapGet("virtual", "nobody@va.test"),
            b"table a b%20c ": MapGet("table", "a b%20c "),
            b"table ": MapGet("table", ""),
            "table café".encode(): MapGet("table", "café"),
            b"table \xff": MapGet("table", None),
            b"t\xff x": MapGet("t\ufffd", "x"),
            b"table": BadRequest.MALFORMED,
            b" x": BadRequest.MALFORMED,
            b"": BadRequest.MALFORMED,
        }
        self.assertEqual(table, {payload: parse_map_request(netstring(payload)) for payload in table})

    def test_found(self) -> None:
        """A value is not encoded; lengths are of bytes."""
        self.assertEqual(b"6:OK foo,", wire.map_found("foo"))
        self.assertEqual("12:OK a b%é€,".encode(), wire.map_found("a b%é€"))

    def test_unsendable(self) -> None:
        """What Postfix would misunderstand or not take is not sent."""
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
