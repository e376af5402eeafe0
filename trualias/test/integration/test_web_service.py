"""Tests of the HTTP site of a real server with misbehaving clients."""

import socket
import urllib.request
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.test.test_metrics import CONFIGURATION
from trualias.testing.live import PATIENCE, LiveServer, free_port

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


class WebServiceTests(SynchronousTestCase):
    """The site of a table server."""

    def setUp(self) -> None:
        """Start the server, with an empty folder for temporary files."""
        self.folder = Path(self.mktemp()).resolve()
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir(parents=True)
        port, self.metrics = free_port(), free_port()
        (self.folder / "tried.conf").write_text(
            f"PORT: {port}\nMETRICS: 127.0.0.1:{self.metrics}\n{CONFIGURATION}", "utf-8"
        )
        environment = {"TMPDIR": str(self.temporary)}
        self.server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port, environment)
        self.addCleanup(self.server.stop)
        self.server.start()

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Connect to the site and send some bytes."""
        client = socket.create_connection(("127.0.0.1", self.metrics), PATIENCE)
        self.addCleanup(client.close)
        client.sendall(sent)
        return client

    def read(self, client: socket.socket) -> bytes:
        """Read until the server closes its side."""
        received = b""
        while data := client.recv(65536):
            received += data
        return received

    def assert_serving(self) -> None:
        """Assert that lookups and a request for the metrics are answered."""
        self.assertEqual(self.server.ask(b"get foo-shop-4"), b"200 foo\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=PATIENCE) as response:
            self.assertIn(b"\ntrualias_statements 4.0\n", response.read())

    def test_pipelined_requests(self) -> None:
        """Clients that send 2,000 requests and read nothing get one response each; lookups and metrics continue."""
        clients = [self.connect(GET * 2000) for _ in range(4)]
        self.assert_serving()
        for client in clients:
            received = self.read(client)
            self.assertEqual(received[:15], b"HTTP/1.1 200 OK")
            self.assertEqual(received.count(b"HTTP/1.1"), 1)

    def test_bodies(self) -> None:
        """A form of 20 MiB and an endless body are refused before they are read, and nothing is written to a file."""
        for field in (b"Content-Length: 20971520", b"Transfer-Encoding: chunked"):
            head = (
                b"POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + field
            )
            client = self.connect(head + b"\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n")
            self.assertEqual(self.read(client)[:13], b"HTTP/1.1 405 ")
            self.assert_serving()
            self.assertEqual(list(self.temporary.iterdir()), [])

    def test_slow_clients(self) -> None:
        """Clients with incomplete requests, as many as the limit of connections, do not prevent another client's."""
        clients = [self.connect(b"G") for _ in range(32)]
        self.assert_serving()
        self.assertEqual(len(clients), 32)

    def test_half_closed(self) -> None:
        """Clients that half-close after the request get the complete response, and no longer count as connections."""
        for _ in range(40):
            client = self.connect(GET)
            client.shutdown(socket.SHUT_WR)
            self.assertTrue(self.read(client).endswith(b"\n"))
        self.assertNotIn("refused", self.server.log)
