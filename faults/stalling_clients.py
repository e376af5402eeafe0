"""Stalls by clients of the lookups: large keys, another protocol, many at once, and some that are gone."""

import os
import re
import resource
import select
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from benchmarks.load import connect
from faults.case import Fault, beside
from faults.lookups import REPLY, REQUEST, asking
from faults.served import served
from faults.table import Table
from faults.windows import WINDOWS, pair
from trualias.server.file_limits import raise_descriptor_limit
from trualias.testing.live import PATIENCE, free_port, wait_until

KEEP_ALIVE = 120
"""Seconds until the server closes the connection of a client that is gone: 60, and 6 probes 10 s apart."""


def large_keys(folder: Path, table: Table, seconds: float = 2, windows: int = WINDOWS, *, compare: bool = True) -> None:
    """Send keys of 64 KiB, all of it percent-encoded, from five clients without a pause.

    With ``compare`` the median is compared with that of the undisturbed server, too. On a busy machine the ratio says
    little: the five clients and the two servers share its processors.
    """
    key = b"get " + b"%41" * ((65536 - 4) // 3) + b"\n"
    with pair(folder / "keys") as (running, calm), asking(running.server, calm.server) as asker:

        def send(end: Event) -> None:
            with connect(running.server.port) as client:
                while not end.is_set():
                    client.sendall(key)
                    client.recv(4096)

        with beside(send, 5):
            best = min((asker.during(seconds) for _ in range(windows)), key=lambda found: found.ratio(0.5))
        median = best.within(0.5) * 1000
        table.at_most("keys of 64 KiB", "median", median, 5, "ms")
        if compare:
            table.at_most("keys of 64 KiB", f"median {median:.2f} ms, to undisturbed", best.ratio(0.5), 2, "times")


def wrong_framing(folder: Path, table: Table) -> None:
    """Send a netstring, as of socketmap, to a line port."""
    with served(folder / "netstring") as running, connect(running.server.port) as client:
        begun = time.monotonic()
        client.sendall(b"20:virtual foo-shop-400,")
        reply = client.recv(4096)
        table.at_most("netstring, line port", "a reply after", time.monotonic() - begun, 0.5)
        told = re.fullmatch(rb"[0-9]+:PERM .*tcp_table.*,", reply)
        table.require("netstring, line port", "told so as a netstring", told is not None)


def crowd_at_the_door(folder: Path, table: Table, clients: int = 500, windows: int = WINDOWS) -> None:
    """Connect many clients at once; each asks one thing."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptor_limit(clients + 200)
    waits = []
    try:
        with served(folder / "door") as running:
            for _ in range(windows):
                waits.append(max(_connect_at_once(running.server.port, clients)))
                running.seconds_until_in_force("foo", "foo-shop-4")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    table.at_most(f"{clients} connect at once", "longest wait", min(waits), 0.2)


def _connect_at_once(port: int, count: int) -> list[float]:
    """Return the seconds in which each of many clients was connected and answered."""
    with ExitStack() as stack, select.epoll() as poller:
        clients = {}
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            poller.register(client, select.EPOLLOUT | select.EPOLLONESHOT)
            clients[client.fileno()] = client, time.monotonic()
        seconds: list[float] = []
        while len(seconds) < count:
            ready = poller.poll(PATIENCE)
            if not ready:
                raise Fault(f"{count - len(seconds)} of {count} clients were not answered")
            for number, event in ready:
                client, begun = clients[number]
                if event & select.EPOLLIN:
                    if (reply := client.recv(4096)) != REPLY:
                        raise Fault(f"sent {REQUEST!r}, got {reply!r}")
                    seconds.append(time.monotonic() - begun)
                else:
                    client.sendall(REQUEST)
                    poller.modify(client, select.EPOLLIN | select.EPOLLONESHOT)
        return seconds


def half_open(folder: Path, table: Table, clients: int = 5) -> None:
    """Cut the link to clients in a network namespace: after the probes of keep-alive their connections are closed."""
    case = "half-open clients"
    ip = shutil.which("ip", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    name, near, far = f"tr{os.getpid()}", f"tra{os.getpid()}", f"trb{os.getpid()}"
    # Addresses for tests of networks (RFC 2544), which no network in use has.
    own, other = "198.18.241.1", "198.18.241.2"
    if os.geteuid() != 0 or ip is None or not _runs(ip, "netns", "add", name):
        table.omit(case, "a network namespace needs root and ip(8)")
        return
    try:
        inside = (ip, "-n", name)
        for command in (
            (ip, "link", "add", near, "type", "veth", "peer", "name", far, "netns", name),
            (ip, "address", "add", f"{own}/30", "dev", near),
            (ip, "link", "set", near, "up"),
            (*inside, "address", "add", f"{other}/30", "dev", far),
            (*inside, "link", "set", far, "up"),
        ):
            if not _runs(*command):
                table.omit(case, f"failed: {' '.join(command)}")
                return
        port = free_port()
        more = f"LISTEN: tcp_table tcp:{port}:interface={own}\nALLOW: 127.0.0.1 198.18.241.0/30\n"
        program = (
            "import socket, time\n"
            f"clients = [socket.create_connection(('{own}', {port})) for _ in range({clients})]\n"
            "for client in clients:\n"
            f"    client.sendall({REQUEST!r})\n"
            f"    assert client.recv(100) == {REPLY!r}\n"
            "print('connected', flush=True)\n"
            "time.sleep(3600)\n"
        )
        command = (ip, "netns", "exec", name, sys.executable, "-c", program)
        with (
            served(folder / "half-open", more=more) as running,
            subprocess.Popen(command, stdout=subprocess.PIPE) as process,
        ):
            try:
                assert process.stdout is not None
                table.require(case, f"{clients} answered", process.stdout.readline() == b"connected\n")
                _runs(*inside, "link", "set", far, "down")
                begun = time.monotonic()
                wait_until(
                    lambda: _connections(running.server.pid, port) == 0, "no connections", seconds=KEEP_ALIVE + 15
                )
                table.at_most(case, "closed after", time.monotonic() - begun, KEEP_ALIVE + 10)
            finally:
                process.kill()
    finally:
        _runs(ip, "netns", "delete", name)
        _runs(ip, "link", "delete", near)


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE).returncode == 0


def _connections(pid: int, port: int) -> int:
    """Return the number of established TCP connections to a port, of /proc/PID/net/tcp (proc(5))."""
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
