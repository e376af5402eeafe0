"""Servers without a store, and with an empty one, against replies that were recorded before there were stores."""

from __future__ import annotations

import json
import socket
from importlib.resources import files
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE, LiveServer, free_port

CONFIGURATION = """\
ALIAS DOMAINS: example.com south.example
CASE SENSITIVE: no
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH DIGITS(), ANY(), VOWELS();
ACCOUNT foo ALIASED griselda, pinky MATCHES %alias%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
ACCOUNT ann MATCHES both%alpha%.%code% WITH VOWELS(1);
ACCOUNT eve MATCHES bo%alpha%.%code% WITH VOWELS(1);
ACCOUNT fred.morris USING fqdn MATCHES %account%+%alnum%+%code% WITH x, CHARS();
DELIVER bar TO bar@mailbox.example.net, archive@example.com;
REFUSE foo-evilmart-0e3, samissexy.34@south.example;
"""

LOCAL_PARTS = (
    *("foo-macys-m5", "Foo-Macys-M5", "foo-macys-m6", "foo-evilmart-0e3", "bar-23skidoo-2k3", "bar-23skidoo-2k4"),
    *("pinky-macys-m5", "pinky-macys-m6", "samissexy.34", "SamIsSexy.34", "samissexy.35", "bothab.1"),
    *("fred.morris+macys+x5", "fred.morris+macys+x6", "foo", "baz", "bar", "nobody", "archive", "griselda", "a", "-"),
    *("no a", "caf\u00e9isab.42", "100%", "x" * 64, "x" * 65, "foo-macys-m5+tag", ""),
)
DOMAINS = ("example.com", "Example.COM", "south.example", "example.net", "example.com.", "")
KEYS = (*LOCAL_PARTS, *(f"{local_part}@{domain}" for local_part in LOCAL_PARTS for domain in DOMAINS))

ESCAPES = {"%": "%25", " ": "%20", "\u00e9": "%C3%A9"}
LINES = (
    *(f"get {''.join(ESCAPES.get(letter, letter) for letter in key)}" for key in KEYS),
    *("", "get", "get ", "put foo-macys-m5 x", "stats", "GET foo-macys-m5", "get  foo-macys-m5", "get foo-macys-m5 "),
    *("get %", "get %4", "get %ff", "get %00", "get foo%2dmacys-m5\r", "get " + "x" * 5_000),
)
"""Requests of the line protocol, one a line."""

MAPS = (
    *(f"{table} {key}" for table in ("table", "virtual") for key in KEYS),
    *("", "table", " foo-macys-m5", "virtual foo-macys-m5@example.com@example.com"),
)
"""Requests of socketmap, one a netstring."""


def requests(kind: str) -> bytes:
    """Return all requests of a protocol."""
    if kind == "lines":
        return "".join(f"{line}\n" for line in LINES).encode()
    return b"".join(b"%d:%s," % (len(text.encode()), text.encode()) for text in MAPS)


def replies(port: int, sent: bytes) -> bytes:
    """Return all that a server answers."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as received:
            return received.read()


def split(kind: str, received: bytes) -> list[str]:
    """Return the replies in what a server has sent, as Latin-1; the last one is what follows the others."""
    if kind == "lines":
        return received.decode("latin-1").split("\n")
    found = []
    while received:
        length, _, rest = received.partition(b":")
        end = int(length) + 1
        found.append(rest[:end].decode("latin-1"))
        received = rest[end:]
    return [*found, ""]


def conversations(folder: Path, settings: str) -> dict[str, list[str]]:
    """Run both servers with some settings; return their replies by server and protocol."""
    found = {}
    for plugin in ("trualias-table", "trualias-virtual"):
        ports = {"lines": free_port(), "maps": free_port()}
        inside = folder / plugin
        inside.mkdir(parents=True)
        listen = f"PORT: {ports['lines']}\nLISTEN: socketmap tcp:{ports['maps']}:interface=127.0.0.1\n"
        (inside / "a.conf").write_text(listen + settings + CONFIGURATION, "utf-8")
        server = LiveServer((plugin, "-c", "a.conf"), inside.absolute(), ports["lines"])
        try:
            server.start()
            for kind, port in ports.items():
                found[f"{plugin}, {kind}"] = split(kind, replies(port, requests(kind)))
        finally:
            server.stop()
    return found


class WithoutStoreTests(SynchronousTestCase):
    """All replies of both servers, octet by octet."""

    recorded = json.loads(files("trualias.testing").joinpath("recorded_replies.json").read_text("utf-8"))

    def test_recorded(self) -> None:
        """Without a store, and with one that is empty, they are those of before."""
        for number, settings in enumerate(("", "STORE: sqlite:memory.sqlite\n")):
            got = conversations(Path(self.mktemp()) / str(number), settings)
            self.assertEqual(set(self.recorded), set(got))
            for name, recorded in self.recorded.items():
                self.assertGreater(len(recorded), 200, name)
                self.assertEqual(recorded, got[name], name)
