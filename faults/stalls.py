"""Faults that could make lookups wait: clients of the metrics, the log, the configuration file, hooks, and large keys.

Meanwhile ten connections ask one thing at a time. The bounds are on the longest wait of such a lookup; of several
windows the best one counts, since other load on the machine disturbs some of them, and a server that stalls stalls in
each.
"""

import os
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

from benchmarks.load import connect
from faults import stalling_clients, stalling_files
from faults.case import Fault, Say, beside
from faults.disturbances import GET, PIPELINED
from faults.lookups import Latencies, asking
from faults.served import served
from faults.table import Table, run_cases
from faults.windows import LONGEST, WINDOWS, best_longest, pair
from trualias.protocols.wire import FAULT
from trualias.testing.live import PATIENCE

STOP = 2.0
"""Seconds from SIGTERM to the end of the process."""
LONGEST_METRICS = 0.02
"""The same while clients ask for the metrics all the time."""


def metrics(folder: Path, table: Table, seconds: float = 2, windows: int = WINDOWS) -> None:
    """Ask for the metrics 2,000 times on each of four connections without reading; connect again and again."""
    with pair(folder / "metrics") as (running, calm):

        def pipeline(end: Event) -> None:
            # A connection ends after one response; what is sent afterwards is discarded.
            with socket.create_connection(("127.0.0.1", running.metrics), PATIENCE) as client:
                client.setblocking(False)
                with suppress(BlockingIOError, ConnectionError):
                    client.send(GET * PIPELINED)
                end.wait()

        def reconnect(end: Event) -> None:
            while not end.is_set():
                with suppress(OSError), socket.create_connection(("127.0.0.1", running.metrics), 2) as client:
                    client.sendall(GET)
                    while client.recv(65536):
                        pass

        with asking(running.server, calm.server) as asker:
            kept = []
            for _ in range(windows):
                with beside(pipeline, 4):
                    kept.append(asker.during(seconds))
            best = min(kept, key=lambda found: found.ratio(0.99))
            what = f"99 % within {best.within(0.99) * 1000:.2f} ms, to undisturbed"
            table.at_most("metrics, pipelined", what, best.ratio(0.99), 2, "times")
            with beside(reconnect, 4):
                longest = best_longest(lambda: asker.during(seconds), windows)
            table.at_most("metrics, reconnecting", "longest wait", longest * 1000, LONGEST_METRICS * 1000, "ms")
        with beside(pipeline, 4), beside(reconnect, 4):
            time.sleep(0.2)
            table.at_most("metrics", "SIGTERM to the end", running.terminate(), STOP)


def bodies(folder: Path, table: Table, windows: int = WINDOWS) -> None:
    """Send a form of 20 MiB, and an endless chunked body; then 32 slow clients, and a scrape beside them."""
    temporary = folder / "temporary"
    temporary.mkdir()
    head = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    fields = {"a form of 20 MiB": b"Content-Length: 20971520", "an endless body": b"Transfer-Encoding: chunked"}
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with (
        served(folder / "bodies", environment={"TMPDIR": str(temporary)}) as running,
        asking(running.server) as asker,
    ):
        address = ("127.0.0.1", running.metrics)

        def send(field: bytes) -> Latencies:
            asker.latencies()
            with socket.create_connection(address, PATIENCE) as client:
                client.sendall(head + field + b"\r\n\r\n")
                client.settimeout(0.5)
                with suppress(OSError):
                    for _ in range(320):
                        client.sendall(chunk)
                client.settimeout(PATIENCE)
                with suppress(ConnectionError):
                    refused.append(client.recv(4096))
            return asker.latencies()

        for name, field in fields.items():
            refused: list[bytes] = []
            longest = best_longest(lambda field=field: send(field), windows)  # type: ignore[misc]
            table.require(name, "refused", any(reply.startswith(b"HTTP/1.1 4") for reply in refused))
            table.at_most(name, "longest wait", longest * 1000, LONGEST * 1000, "ms")
        table.require("bodies", "nothing in the temporary folder", not list(temporary.iterdir()))
        with ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(32)]
            for letter in b"GET"[:windows]:
                for client in slow:
                    with suppress(OSError):
                        client.sendall(bytes([letter]))
                begun = time.monotonic()
                found = running.metric("trualias_statements")
                took = time.monotonic() - begun
                time.sleep(4 if windows > 1 else 0)
            table.require("32 slow clients", "the metrics can be read", found == 1)
            table.at_most("32 slow clients", "a scrape", took, 2)


def log(folder: Path, table: Table, messages: int = 3_000) -> None:
    """Fill the pipe that the log is written to, which nothing reads."""
    reader, writer = os.pipe()
    try:
        with served(folder / "log", more="PROCESSOR: hooks\n", output=writer) as running:
            with asking(running.server) as asker, connect(running.server.port) as client:
                waits = []
                for number in range(messages):
                    client.sendall(b"get raises-%d\n" % number)
                    if (reply := client.recv(4096)) != FAULT:
                        raise Fault(f"a failing hook: {reply!r}")
                    if number % (messages // WINDOWS) == messages // WINDOWS - 1:
                        waits.append(asker.latencies().longest)
                table.at_most("log stands still", "longest wait", min(waits) * 1000, LONGEST * 1000, "ms")
            time.sleep(1.1)  # the metrics are made once a second
            dropped = running.metric("trualias_log_messages_dropped_total")
            table.add("log stands still", f"messages dropped and counted: {dropped:.0f}", "some", dropped > 0)
            table.at_most("log stands still", "SIGTERM to the end", running.terminate(), STOP)
    finally:
        os.close(reader)
        os.close(writer)


def hooks(folder: Path, table: Table) -> None:
    """Stop a server while a hook does not return, and while one takes three seconds."""
    for key in ("loops", "sleeps"):
        with served(folder / key, more="PROCESSOR: hooks\n") as running, connect(running.server.port) as client:
            client.sendall(f"get {key}\n".encode())
            time.sleep(0.3)
            table.at_most(f"a hook {key}", "SIGTERM to the end", running.terminate(), STOP)


ELSEWHERE = (
    ("half-closed HTTP clients", "test_web_service"),
    ("loggers of the journal, JSON", "test_stop_signals"),
    ("hook keeps the interpreter", "test_stop_signals"),
    ("stop while a load hangs", "test_hanging_file, test_tap"),
)


def run(folder: Path, say: Say) -> None:
    """Run all cases."""
    cases = (
        metrics,
        bodies,
        log,
        *(stalling_files.examination, stalling_files.large_files, stalling_files.no_file),
        *(stalling_files.hanging_reload, hooks, stalling_clients.large_keys, stalling_files.early_sighup),
        *(stalling_clients.wrong_framing, stalling_clients.crowd_at_the_door, stalling_clients.half_open),
    )
    run_cases(cases, ELSEWHERE, folder, say)
