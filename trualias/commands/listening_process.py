"""The process that listens at an endpoint, as the operating system knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psutil
from attrs import frozen

from trualias.configuration.descriptions import ListeningAddress, listening_address
from trualias.messages import escaped


@frozen
class ListeningProcess:
    """A process: its id, its name, and its start in seconds since 1970."""

    pid: int
    name: str
    started: float


def listening_process(endpoints: Iterable[str]) -> ListeningProcess | None:
    """Return the process that listens at one of the endpoints, given as Twisted endpoint descriptions.

    Return None if there is none, or if this user may not look at it. systemd listens at the sockets that it hands to a
    server, too: of several processes, the one that started last is returned.
    """
    try:
        connections = psutil.net_connections(kind="all")
    except (psutil.Error, OSError):
        return None
    addresses = [listening_address(endpoint) for endpoint in endpoints]
    pids = {
        connection.pid
        for connection in connections
        if connection.pid is not None and any(_is_at(connection, address) for address in addresses)
    }
    found = [process for pid in pids if (process := _process(pid)) is not None]
    return max(found, key=lambda process: process.started, default=None)


def _is_at(connection: Any, address: ListeningAddress) -> bool:
    """Return whether a connection of psutil is a socket that listens at an address.

    A unix socket has the path of its server, and no state.
    """
    if address.path is not None:
        return bool(connection.laddr == address.path)
    if connection.status != psutil.CONN_LISTEN or address.interface is None:
        return False
    ip, port = connection.laddr
    return bool(port == address.port and ip == (address.interface or ip))


def _process(pid: int) -> ListeningProcess | None:
    try:
        process = psutil.Process(pid)
        return ListeningProcess(pid, escaped(process.name()), process.create_time())
    except psutil.Error:
        return None
