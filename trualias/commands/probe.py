"""Probes of running servers by their sockets: lookups whose answers are known, and the metrics."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from attrs import frozen

from trualias.configuration.descriptions import listening_address
from trualias.configuration.networks import Address
from trualias.configuration.setting_values import Listener, WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, Found, NotFound, Snapshot
from trualias.messages import escaped, number_of
from trualias.protocols.policy_request import ACTIONS, PolicySplitter
from trualias.protocols.wire import LINES, NETSTRINGS, LineSplitter, NetstringSplitter, Splitter, Unsendable

_SECONDS = 5.0
"""The longest wait for a connection or for the next bytes of a reply. Postfix waits for 100 s, a person does not."""

_MOST_KEYS = 100

_KEY_WITHOUT_EXPECTATIONS = "postmaster"


@frozen
class Probe:
    """A key, the table that it is looked up in, and the reply of a server with the same configuration."""

    key: str
    table: Table
    request: bytes
    reply: bytes


@frozen
class Finding:
    """The result of probing one listener: whether its server answers as its file says, and a description."""

    is_good: bool
    text: str


def probe(listener: Listener, snapshot: Snapshot, table: Table) -> Finding:
    """Connect to a listener, look up the addresses of the file's ``EXPECT`` statements, and compare the answers.

    ``table`` is that of the server, for a listener without one of its own. A file without ``EXPECT`` statements is
    probed with one key.
    """
    probes = list(islice(_probes(listener.protocol, snapshot, listener.table or table), _MOST_KEYS))
    splitter = _SPLITTERS[listener.protocol]()
    try:
        connection = _connect(listener.endpoint)
    except OSError as error:
        return Finding(False, f"no connection: {error.strerror or error}")
    if connection is None:
        return Finding(False, _unknown_address(listener.endpoint))
    with connection:
        return _compare(connection, splitter, probes)


def _unknown_address(endpoint: str) -> str:
    if endpoint.startswith("systemd:"):
        return "unknown: systemd chose the address, and no status that this user can read has it"
    return "unknown: this command cannot connect to an endpoint of this type"


_SPLITTERS: dict[WireProtocol, type[Splitter]] = {
    WireProtocol.TCP_TABLE: LineSplitter,
    WireProtocol.SOCKETMAP: NetstringSplitter,
    WireProtocol.POLICY: PolicySplitter,
}


def _probes(protocol: WireProtocol, snapshot: Snapshot, table: Table) -> Sequence[Probe]:
    names = [name.text for expectation in snapshot.configuration.expectations for name in expectation.addresses]
    found = []
    for key in names or [_KEY_WITHOUT_EXPECTATIONS]:
        if protocol is WireProtocol.TCP_TABLE:
            asked, reply_format = table, LINES
            request = b"get " + re.sub(rb"[^!-$&-~]", lambda byte: b"%%%02X" % byte[0][0], key.encode()) + b"\n"
        elif protocol is WireProtocol.POLICY:
            asked, reply_format = Table.ACCESS, ACTIONS
            request = f"request=smtpd_access_policy\nprotocol_state=VRFY\nrecipient={key}\n\n".encode()
        else:
            asked, reply_format = Table.VIRTUAL if "@" in key else Table.LOCAL_PART, NETSTRINGS
            payload = f"{asked.value} {key}".encode()
            request = b"%d:%s," % (len(payload), payload)
        with suppress(Unsendable):
            match snapshot.tables[asked](key):
                case NotFound() | Ambiguous(value=None):
                    found.append(Probe(key, asked, request, reply_format.not_found))
                case Found(str(value)) | Ambiguous(value=str(value)):
                    found.append(Probe(key, asked, request, reply_format.found(value)))
                case _:
                    pass
    return found


def _connect(endpoint: str) -> socket.socket | None:
    """Connect to an endpoint; return None if it is of a type whose address only its server has."""
    address = listening_address(endpoint)
    if address.path is not None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_SECONDS)
        try:
            connection.connect(address.path)
        except OSError:
            connection.close()
            raise
        return connection
    if address.interface is None or endpoint.startswith("ssl:"):
        return None
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.interface, address.interface)
    return socket.create_connection((host, address.port), _SECONDS)


def _compare(connection: socket.socket, splitter: Splitter, probes: Sequence[Probe]) -> Finding:
    for done, sent in enumerate(probes):
        try:
            connection.sendall(sent.request)
            reply = _receive(connection, splitter)
        except TimeoutError:
            return Finding(False, f"hangs: no reply within {_SECONDS:.0f} seconds")
        except OSError as error:
            return Finding(False, f"the connection failed: {error.strerror}")
        if reply is None:
            return Finding(False, "the connection was closed without a reply" if not done else "the connection ended")
        if reply != sent.reply:
            given, expected = (escaped(text.decode("utf-8", "replace").strip()) for text in (reply, sent.reply))
            return Finding(
                False, f"answers '{escaped(sent.key)}' with '{given}', while the file says '{expected}': see the log"
            )
    return Finding(True, f"answers as the file says ({number_of(len(probes), 'lookup')})")


def _receive(connection: socket.socket, splitter: Splitter) -> bytes | None:
    while True:
        reply = splitter.next_request()
        if isinstance(reply, bytes):
            return reply
        if reply is not None:
            return bytes(splitter.buffer)
        received = connection.recv(65536)
        if not received:
            return None
        splitter.feed(received)


_SAMPLE = re.compile(r"^(process_start_time_seconds|trualias_\w+) (\S+)$", re.MULTILINE)


def read_metrics(address: Address, describe_time: Callable[[float], str]) -> Finding:
    """Read the metrics at an address, and describe since when the server runs, and with what configuration."""
    shown = Address(address.host, address.port)
    # No proxy of the environment, which the server would refuse or which would be asked for 127.0.0.1.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://{shown}/metrics", timeout=_SECONDS) as response:
            found = {name: float(value) for name, value in _SAMPLE.findall(response.read().decode())}
        statements, accounts = (int(found[f"trualias_{name}"]) for name in ("statements", "accounts"))
        loaded = describe_time(found["trualias_configuration_loaded_timestamp_seconds"])
        text = (
            f"running since {describe_time(found['process_start_time_seconds'])}, "
            f"{number_of(statements, 'statement')}, {number_of(accounts, 'account')}, loaded {loaded}"
        )
    except (KeyError, ValueError):
        return Finding(False, "another program has it")
    except URLError as error:
        reason = error.reason
        return Finding(False, f"no metrics: {getattr(reason, 'strerror', None) or reason}")
    except OSError as error:
        return Finding(False, f"no metrics: {error.strerror or error}")
    if not found["trualias_configuration_current"]:
        return Finding(False, f"{text}; the last change was not loaded")
    return Finding(True, text)
