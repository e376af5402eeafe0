"""An LMTP server (RFC 2033) that keeps the mail that it gets, in the place of a mail store."""

from __future__ import annotations

import socket
import threading

from attrs import frozen

from trualias.testing.live import PATIENCE


@frozen
class Received:
    """A mail: the recipients of its envelope, and its text."""

    recipients: tuple[str, ...]
    text: str


class LmtpServer:
    """Listens on a port of 127.0.0.1, and serves one client after the other in a daemon thread."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received: list[Received] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Accept no more clients."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(PATIENCE)
                self._converse(client)

    def _converse(self, client: socket.socket) -> None:
        lines = client.makefile("rwb")

        def reply(text: str) -> None:
            lines.write(f"{text}\r\n".encode("ascii"))
            lines.flush()

        recipients: list[str] = []
        reply("220 store.test.invalid LMTP")
        for line in lines:
            word, _, rest = line.decode("utf-8").strip().partition(" ")
            match word.upper():
                case "RCPT":
                    recipients.append(rest.partition("<")[2].partition(">")[0])
                    reply("250 2.1.5 OK")
                case "DATA":
                    reply("354 go on")
                    text = []
                    while (data := lines.readline()) not in (b".\r\n", b""):
                        text.append(data.decode("utf-8").rstrip("\r\n"))
                    self.received.append(Received(tuple(recipients), "\n".join(text)))
                    for _ in recipients:  # LMTP has a reply for each
                        reply("250 2.0.0 stored")
                    recipients.clear()
                case "QUIT":
                    reply("221 2.0.0 bye")
                    return
                case _:
                    reply("250 2.0.0 OK")
