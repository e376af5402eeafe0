"""A server of Dovecot's authentication protocol for a Postfix under test, on a unix socket.

It knows any user, with the password ``password``, by the mechanism PLAIN (RFC 4616).
"""

import base64
import socketserver
import threading
from pathlib import Path

_GREETING = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef\nDONE\n"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(_GREETING.encode("ascii"))
        for line in self.rfile:
            command, *fields = line.decode("utf-8").rstrip("\n").split("\t")
            if command == "AUTH":
                response = next(field for field in fields if field.startswith("resp="))
                _, user, password = base64.b64decode(response.removeprefix("resp=")).decode("utf-8").split("\0")
                verdict = "OK" if password == "password" else "FAIL"
                self.wfile.write(f"{verdict}\t{fields[0]}\tuser={user}\n".encode())


class DovecotAuth:
    """The server, in a thread from its creation to ``stop``, on a socket that every user can connect to."""

    def __init__(self, path: Path) -> None:
        self._server = socketserver.ThreadingUnixStreamServer(str(path), _Handler)
        self._server.daemon_threads = True
        path.chmod(0o666)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
