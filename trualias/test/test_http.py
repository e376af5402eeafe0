"""Tests of ``trualias.web.http`` and ``trualias.web.hosts``."""

from http import HTTPStatus

from twisted.trial.unittest import SynchronousTestCase

from trualias.web.hosts import KnownHosts
from trualias.web.http import HttpError, Request, Response, encode_response, parse_request, take_head


class TakeHeadTests(SynchronousTestCase):
    """The end of a request's head."""

    def test_complete(self) -> None:
        """A head ends at its first empty line, and what follows does not belong to it."""
        head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for size in range(len(head)):
            self.assertIsNone(take_head(head[:size]))
        self.assertEqual(head, take_head(head + b"GET / HTTP/1.1\r\n\r\n" * 2000))
        self.assertEqual(b"GET / HTTP/1.0\n\n", take_head(b"GET / HTTP/1.0\n\nrest"))

    def assert_too_large(self, received: bytes) -> None:
        """Assert that a head is refused with 431."""
        with self.assertRaises(HttpError) as raised:
            take_head(received)
        self.assertEqual(431, raised.exception.response.status)

    def test_bytes(self) -> None:
        """A head has at most 8,192 bytes, complete or not."""
        start = b"GET / HTTP/1.0\r\na: "
        self.assertEqual(8192, len(take_head(start + b"x" * (8188 - len(start)) + b"\r\n\r\n") or b""))
        self.assertIsNone(take_head(start + b"x" * (8191 - len(start))))
        self.assert_too_large(start + b"x" * (8192 - len(start)))
        self.assert_too_large(start + b"x" * (8189 - len(start)) + b"\r\n\r\n")

    def test_lines(self) -> None:
        """A head has at most 100 lines, complete or not."""
        start = b"GET / HTTP/1.0\r\n"
        self.assertIsNotNone(take_head(start + b"a:\r\n" * 98 + b"\r\n"))
        self.assertIsNone(take_head(start + b"a:\r\n" * 99))
        self.assert_too_large(start + b"a:\r\n" * 100)
        self.assert_too_large(start + b"a:\r\n" * 100 + b"\r\n")


class ParseRequestTests(SynchronousTestCase):
    """Heads of requests."""

    def test_requests(self) -> None:
        """The method, the host, the path without its query and the accepted types are taken from the head."""
        for head, request in (
            (b"GET / HTTP/1.0\r\n", Request("GET", "", "/")),
            (b"HEAD /a/b?c=/d?e HTTP/1.1\r\nHost: x:80\r\n", Request("HEAD", "x:80", "/a/b")),
            (b"GET /a HTTP/1.1\nhost:x\naccept:b\nAccept: c\n", Request("GET", "x", "/a", "b,c")),
            (b"GET http://y:1/a?http://z/ HTTP/1.1\r\nHost: x\r\n", Request("GET", "y:1", "/a")),
            (b"GET HTTPS://y HTTP/1.1\r\nHost: x\r\n", Request("GET", "y", "/")),
            (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n", Request("OPTIONS", "x", "*")),
            (b"GET / HTTP/1.0\r\nHost: \xff\r\nAccept: \xfe\r\n", Request("GET", "\xff", "/", "\xfe")),
        ):
            self.assertEqual(request, parse_request(head + b"\r\n"), head)

    def test_body(self) -> None:
        """A request has a body if its fields say so, whatever its method (RFC 9112, section 6)."""
        for field, has_body in (
            (b"Content-Length: 0", False),
            (b"Content-Length: 00", False),
            (b"Content-Length: 1", True),
            (b"Content-Length: 20971520", True),
            (b"Transfer-Encoding: chunked", True),
        ):
            request = parse_request(b"GET / HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n")
            self.assertEqual(has_body, request.has_body, field)

    def test_errors(self) -> None:
        """A head that breaks the rules of HTTP/1.1 is refused with the status that these rules name."""
        for status, head in (
            (400, b"\x16\x03\x01 / x\r\n\r\n"),
            (400, b"GET /\r\n\r\n"),
            (400, b"GET / HTTP/1.1\r\n\r\n"),  # RFC 9112, section 3.2: no Host
            (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
            (400, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
            (400, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            (400, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n"),
            (400, b"GET /\xff HTTP/1.0\r\n\r\n"),
            (400, b"GET / HTTP/1.0\r\na: \x00\r\n\r\n"),
            (501, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            (505, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        ):
            with self.assertRaises(HttpError, msg=head) as raised:
                parse_request(head)
            self.assertEqual(status, raised.exception.response.status, head)


class EncodeResponseTests(SynchronousTestCase):
    """The bytes of responses."""

    def test_response(self) -> None:
        """A response has a date, its length, and closes the connection."""
        response = Response(HTTPStatus.NOT_FOUND, "nö\n".encode(), fields=(("Allow", "GET"),))
        lines = encode_response(response).split(b"\r\n")
        self.assertRegex(lines.pop(1), rb"^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
        self.assertEqual(
            [
                b"HTTP/1.1 404 Not Found",
                b"Connection: close",
                b"Cache-Control: no-store",
                b"Content-Type: text/plain; charset=utf-8",
                b"Content-Length: 4",
                b"Allow: GET",
                b"",
                "nö\n".encode(),
            ],
            lines,
        )
        self.assertTrue(
            encode_response(response, with_body=False).endswith(b"\r\nContent-Length: 4\r\nAllow: GET\r\n\r\n")
        )


class KnownHostsTests(SynchronousTestCase):
    """The values of the field Host that are served."""

    def assert_known(self, known: bool, hosts: KnownHosts, *values: str) -> None:
        """Assert that all values are served, or that none is, with a port and without."""
        for value in values:
            for host in (value, f"{value}:9347", f"{value}:"):
                self.assertIs(known, hosts.is_known(host), host)

    def test_local(self) -> None:
        """No name, IP addresses and names without a dot are served."""
        self.assert_known(
            True, KnownHosts(), "", "127.0.0.1", "192.0.2.1", "[::1]", "[2001:db8::1]", "localhost", "mail", "mail."
        )

    def test_other(self) -> None:
        """Other domain names are not served, however they resolve."""
        self.assert_known(
            False,
            KnownHosts(("a.example",), "b"),
            "example.com",
            "127.0.0.1.example.com",
            "1.2.3",
            "[a]",
            "a.example.com",
        )
        for host in ("::1", "[::1", "a:b", "[::1]x", "a.example:1:2"):
            self.assertFalse(KnownHosts(("a.example",)).is_known(host), host)

    def test_names(self) -> None:
        """The machine's name and the given names are served, in upper and lower case, with a dot at the end or not."""
        hosts = KnownHosts(("metrics.example.com",), "Mail.Example.com")
        for name in ("metrics.example.com", "mail.example.com"):
            self.assert_known(True, hosts, name, name.upper(), f"{name}.")
