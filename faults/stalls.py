"""Faults that could make lookups wait: clients of the metrics, the log, the configuration file, hooks, and large keys.

Meanwhile ten connections ask one thing at a time. The bounds are on the longest wait of such a lookup; of several
windows the best one counts, since other load on the machine disturbs some of them, and a server that stalls stalls in
each.
"""

import os
import re
import resource
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event

from benchmarks.load import connect
from faults.case import Fault, Say, beside
from faults.disturbances import GET, PIPELINED
from faults.lookups import CONFIGURATION, REPLY, REQUEST, Latencies, asking
from faults.preload import built
from faults.served import Served, served
from faults.table import Table, run_cases
from trualias.protocols.wire import FAULT
from trualias.server.file_limits import raise_descriptor_limit
from trualias.testing.live import PATIENCE, free_port, wait_until

STOP = 2.0
"""Seconds from SIGTERM to the end of the process."""
LONGEST = 0.05
"""The longest wait of a lookup, in seconds, while a configuration is read, or a client of the metrics is refused."""
LONGEST_METRICS = 0.02
"""The same while clients ask for the metrics all the time."""
IN_FORCE = 3.0
"""Seconds from a good file to the first lookup that it answers."""
LOG_TEXT = 200_000
"""Characters of the log for one configuration with errors, whatever their number."""
REPORTED = 10.0
"""Seconds from a file with errors to the message."""
KEEP_ALIVE = 120
"""Seconds until the server closes the connection of a client that is gone: 60, and 6 probes 10 s apart."""
WINDOWS = 3


def _best(measure: Callable[[], Latencies], windows: int) -> float:
    """Return the longest wait in the best of several windows."""
    return min(measure().longest for _ in range(windows))


@contextmanager
def _pair(folder: Path) -> Iterator[tuple[Served, Served]]:
    """Run a server to disturb, and one without a disturbance."""
    with served(folder) as disturbed, served(folder.with_name(folder.name + "-calm")) as calm:
        yield disturbed, calm


def metrics(folder: Path, table: Table, seconds: float = 2, windows: int = WINDOWS) -> None:
    """Ask for the metrics 2,000 times on each of four connections without reading; connect again and again."""
    with _pair(folder / "metrics") as (running, calm):

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
                longest = _best(lambda: asker.during(seconds), windows)
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
            longest = _best(lambda field=field: send(field), windows)  # type: ignore[misc]
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


def examination(folder: Path, table: Table) -> None:
    """Let stat(2) of the configuration hang, by a library that is loaded before the others."""
    library = built("hanging_stat", folder, table, "stat hangs")
    if library is None:
        return
    switch = folder / "hang"
    path = folder / "stat" / "faults.conf"
    environment = {"LD_PRELOAD": str(library), "HANGING_PATH": str(path), "HANGING_SWITCH": str(switch)}
    with served(folder / "stat", environment=environment) as running, asking(running.server) as asker:
        switch.touch()
        table.at_most("stat hangs", "longest wait", _best(lambda: asker.during(2), 3) * 1000, LONGEST * 1000, "ms")
        seconds = 6 + running.wait_for_log("cannot be examined: its filesystem has not responded for 10 s")
        table.at_most("stat hangs", "a message after", seconds, 14)
        running.wait_for_metric("trualias_configuration_unreachable", 1)
        table.require("stat hangs", "the metric is 1", True)
        running.replace(CONFIGURATION + "ACCOUNT new MATCHES new-%alpha%-%code% WITH CHARS();\n")
        switch.unlink()
        table.at_most("stat returns", "in force after", running.seconds_until_in_force("new", "new-shop-4"), IN_FORCE)


def _good(running: Served, number: int) -> float:
    """Replace the file by a good one; return the seconds until it is in force."""
    running.replace(f"{CONFIGURATION}ACCOUNT new{number} MATCHES new{number}-%alpha%-%code% WITH CHARS();\n")
    return running.seconds_until_in_force(f"new{number}", f"new{number}-shop-4")


def large_files(folder: Path, table: Table, windows: int = 2, megabytes: int = 24, mistakes: int = 20_000) -> None:
    """Copy log text over the configuration, and a configuration with a mistake in each line."""
    line = "Nov 25 08:15:42 mail postfix/smtpd[12345]: connect from unknown[192.0.2.1] (number {})\n"
    texts = {
        f"{megabytes} MiB of log text": "".join(map(line.format, range(megabytes * 2**20 // 90))),
        f"{mistakes} mistakes": "".join(
            f"ACCOUNT foo{number} MATCHES %acount%-%code% WITH CHARS();\n" for number in range(mistakes)
        ),
    }
    with served(folder / "large") as running, asking(running.server) as asker:
        for name, text in texts.items():
            waits, in_force, logged, reported = [], [], [], False
            for number in range(windows):
                running.mark_log()
                asker.latencies()
                running.path.write_text(text, encoding="utf-8")
                with suppress(AssertionError):
                    running.wait_for_log("stays in use", REPORTED)
                    reported = True
                time.sleep(1)
                waits.append(asker.latencies().longest)
                logged.append(len(running.log))
                in_force.append(_good(running, number + len(name)))
            table.require(name, f"logged within {REPORTED:.0f} s", reported)
            table.at_most(name, "longest wait", min(waits) * 1000, LONGEST * 1000, "ms")
            table.at_most(name, "characters of the log", max(logged), LOG_TEXT, "")
            table.at_most(name, "good file in force after", min(in_force), IN_FORCE)


def no_file(folder: Path, table: Table) -> None:
    """Put a FIFO, a device and a folder in the file's place; then a good file."""
    with served(folder / "no-file") as running, asking(running.server) as asker:

        def make_device() -> None:
            # A symbolic link, for which root's rights are not needed; zeros without an end.
            running.path.symlink_to("/dev/zero")

        ways: dict[str, Callable[[], object]] = {
            "a FIFO": lambda: os.mkfifo(running.path),
            "a device": make_device,
            "a folder": running.path.mkdir,
        }
        for number, (name, make) in enumerate(ways.items()):
            running.mark_log()
            asker.latencies()
            running.path.unlink()
            make()
            running.wait_for_log("stays in use")
            running.wait_for_metric("trualias_configuration_current", 0)
            table.require(name, "logged, and current is 0", True)
            table.at_most(name, "longest wait", asker.latencies().longest * 1000, LONGEST * 1000, "ms")
            if running.path.is_dir():
                running.path.rmdir()
            table.at_most(name, "good file in force after", _good(running, number), IN_FORCE)


def hanging_reload(folder: Path, table: Table, limit: float = 60) -> None:
    """Let a hook's module hang while it is loaded; ``limit`` is put in place of the server's 60 seconds."""
    before = f"import trualias.server.reload as module; module.LOAD_SECONDS = {limit}\n"
    with (
        served(folder / "reload", more="PROCESSOR: hooks\n", before=before) as running,
        asking(running.server) as asker,
    ):
        hooks = running.path.with_name("hooks.py")
        good = hooks.read_text("utf-8")
        running.mark_log()
        hooks.write_text(good.replace("def reload():\n", "def reload():\n    time.sleep(3600)\n"), "utf-8")
        asker.latencies()
        running.replace()
        table.at_most("reload() hangs", "a message after", running.wait_for_log("hangs; this load", 90), limit + 5)
        table.at_most("reload() hangs", "longest wait", asker.latencies().longest * 1000, LONGEST * 1000, "ms")
        running.wait_for_metric("trualias_configuration_current", 0)
        table.require("reload() hangs", "current is 0", True)
        hooks.write_text(good, "utf-8")
        table.at_most("reload() hangs", "good file in force after", _good(running, 1), IN_FORCE)


def hooks(folder: Path, table: Table) -> None:
    """Stop a server while a hook does not return, and while one takes three seconds."""
    for key in ("loops", "sleeps"):
        with served(folder / key, more="PROCESSOR: hooks\n") as running, connect(running.server.port) as client:
            client.sendall(f"get {key}\n".encode())
            time.sleep(0.3)
            table.at_most(f"a hook {key}", "SIGTERM to the end", running.terminate(), STOP)


def large_keys(folder: Path, table: Table, seconds: float = 2, windows: int = WINDOWS, *, compare: bool = True) -> None:
    """Send keys of 64 KiB, all of it percent-encoded, from five clients without a pause.

    With ``compare`` the median is compared with that of the undisturbed server, too. On a busy machine the ratio says
    little: the five clients and the two servers share its processors.
    """
    key = b"get " + b"%41" * ((65536 - 4) // 3) + b"\n"
    with _pair(folder / "keys") as (running, calm), asking(running.server, calm.server) as asker:

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


def early_sighup(folder: Path, table: Table, starts: int = 7) -> None:
    """Send SIGHUP to servers that start, as soon as their modules are loaded, and later."""
    survived = reloaded = 0
    for number in range(starts):
        # The signal comes so many tenths of a second after it is held, in which the server still starts.
        before = (
            "import trualias.server.early_sighup as early, threading, os, signal\n"
            "early.hold_sighup()\n"
            f"threading.Timer({number / 10}, os.kill, (os.getpid(), signal.SIGHUP)).start()\n"
        )
        with served(folder / f"start-{number}", before=before, start=False, more="LOGGING: info\n") as running:
            text = running.path.read_text("utf-8").replace("LOGGING: warning\n", "")
            running.path.write_text(text, "utf-8")
            with suppress(AssertionError):
                running.server.start()
                survived += 1
                wait_until(lambda: running.log.count(" is loaded: ") == 2, "a reload")
                reloaded += 1
    table.add("SIGHUP in a start", f"{survived} of {starts} servers live", "all", survived == starts)
    table.add("SIGHUP in a start", f"{reloaded} of {starts} reloaded", "all", reloaded == starts)


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
        examination,
        large_files,
        no_file,
        hanging_reload,
        hooks,
        large_keys,
        early_sighup,
        wrong_framing,
        crowd_at_the_door,
        half_open,
    )
    run_cases(cases, ELSEWHERE, folder, say)
