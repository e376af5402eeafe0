"""A server with everything switched on that has metrics, and what happens to it while Prometheus watches."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from trualias.testing.live import PATIENCE, LiveServer, free_port, wait_until

CONNECTIONS = 60

CONFIGURATION = """\
PORT: {port}
LISTEN: socketmap tcp:{socketmap}:interface=127.0.0.1
LISTEN: policy tcp:{policy}:interface=127.0.0.1
METRICS: 127.0.0.1:{metrics}
CONNECTIONS: {connections}
STORE: sqlite:memory.sqlite
GUESSES: 5 PER HOUR
PROCESSOR: watched_hooks
ALIAS DOMAINS: example.com
CASE SENSITIVE: no

ACCOUNT foo
MATCHES %account%-%ident%-%code%
WITH CHAR(1,-), CHARS();

ACCOUNT baz
MATCHES %alpha%is%alpha%.%code%
WITH CHARS(1), CHARS(2);
"""

HOOKS = """\
import time
ACCOUNTS = ALIASES = frozenset()
def reload():
    pass
def preprocess(alias, domain=None):
    if alias == "raises":
        raise ValueError("a fault of the hook")
    if alias == "waits":
        time.sleep(0.15)
    return (alias, domain)
def postprocess(account, domain=None):
    return (account, domain)
"""

RIGHT = ("foo-macys-m5", "foo-google-g6", "samissexy.34")
GUESSED = ("foo-macys-m6", "samissexy.35", "foo-ebay-m5", "foo-etsy-m4")
STRANGE = ("postmaster", "webmaster")
TICK = 0.05
"""Seconds between requests of each kind."""
SCRAPED = 3.0
"""Seconds within which Prometheus, which reads the metrics every two seconds at least, sees a change."""


class Scenario:
    """A table server in *folder*, and its clients."""

    def __init__(self, folder: Path) -> None:
        self.metrics = free_port()
        ports = {name: free_port() for name in ("port", "socketmap", "policy")}
        self._text = CONFIGURATION.format(**ports, metrics=self.metrics, connections=CONNECTIONS)
        self._file = folder / "watched.conf"
        self._ports = ports
        self._file.write_text(self._text, "utf-8")
        (folder / "watched_hooks.py").write_text(HOOKS, "utf-8")
        self.server = LiveServer(("trualias-table", "-c", self._file.name), folder, ports["port"])
        self._mails = 0

    def run(self, seconds: float) -> None:
        """Send requests for so many seconds, in five parts of equal length.

        The first part is quiet. In the second, codes are guessed; in the third, hooks fail and wait; in the fourth,
        more clients connect than may; in the fifth, a file with an error is saved, which takes some seconds more.
        Raises AssertionError for a wrong reply.
        """
        parts: tuple[Callable[[ExitStack], None], ...] = (self._quiet, self._guess, self._fail, self._crowd, self._edit)
        with ExitStack() as clients:
            self._table = clients.enter_context(self._connect("port"))
            self._policy = clients.enter_context(self._connect("policy"))
            self._socketmap = clients.enter_context(self._connect("socketmap"))
            for part in parts:
                with ExitStack() as during:
                    part(during)
                    self._tick_for(seconds / len(parts), guessing=part == self._guess)
            wait_until(lambda: self._file.name + ":" in self.server.log, "an error", lambda: self.server.log)
            self._tick_for(SCRAPED)
            self._file.write_text(self._text, "utf-8")
            self._tick_for(seconds / len(parts))

    def _tick_for(self, seconds: float, *, guessing: bool = False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tick(guessing=guessing)
            time.sleep(TICK)

    def _connect(self, name: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._ports[name]), PATIENCE)

    def _tick(self, *, guessing: bool) -> None:
        """Send some requests of each kind, and compare the replies that the scenario is about."""
        for key in RIGHT:
            reply = self._ask(key)
            assert reply.startswith("200 "), f"{key}: {reply}"
        for key in STRANGE + (GUESSED if guessing else ()):
            reply = self._ask(key)
            assert reply == "500 not found", f"{key}: {reply}"
        request = f"table {RIGHT[0]}"
        self._socketmap.sendall(f"{len(request)}:{request},".encode())
        assert self._socketmap.recv(4096) == b"6:OK foo,"
        self._deliver()
        if guessing:
            self._about("RCPT", f"{GUESSED[0]}@example.com")

    def _ask(self, key: str) -> str:
        self._table.sendall(f"get {key}\n".encode())
        return self._table.recv(4096).decode().removesuffix("\n")

    def _deliver(self) -> None:
        """Announce a mail to the policy service, and end it, as Postfix does."""
        self._mails += 1
        self._about("RCPT", f"{RIGHT[0]}@example.com")
        self._about("END-OF-MESSAGE", f"{RIGHT[0]}@example.com")

    def _about(self, state: str, recipient: str) -> None:
        lines = (
            "request=smtpd_access_policy",
            f"protocol_state={state}",
            "protocol_name=ESMTP",
            "client_address=192.0.2.7",
            "sender=orders@macys.com",
            f"recipient={recipient}",
            "recipient_count=1",
            f"instance={self._mails}",
        )
        self._policy.sendall(("\n".join(lines) + "\n\n").encode())
        reply = self._policy.recv(4096)
        assert reply.startswith(b"action="), reply

    def _quiet(self, during: ExitStack) -> None:
        """Do nothing else."""

    def _guess(self, during: ExitStack) -> None:
        """Do nothing else: each tick has wrong codes."""

    def _fail(self, during: ExitStack) -> None:
        """Let a hook raise, and let it wait."""
        assert self._ask("raises").startswith("400 ")
        assert self._ask("waits") == "500 not found"

    def _crowd(self, during: ExitStack) -> None:
        """Connect more clients than may connect; they stay for this part."""
        for _ in range(CONNECTIONS + 10):
            during.enter_context(self._connect("port"))

    def _edit(self, during: ExitStack) -> None:
        """Save a file with an error."""
        self._file.write_text(self._text + "ACCOUNT foo\nMATCHES\n", "utf-8")
