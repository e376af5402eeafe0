"""Other servers that Postfix asks, beside trualias and the null servers: ``python -m benchmarks --peers``.

All are measured in one run by the same load generator, which compares every reply. A program that is not installed is
skipped. Each server listens on the loopback interface alone, and its configuration lets it answer without the network.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from itertools import cycle
from pathlib import Path

from attrs import evolve, frozen

from benchmarks import counting, policies, throughput
from benchmarks.load import CHUNK, Exchange, WrongReply, connect
from benchmarks.report import Row, fact
from benchmarks.servers import Server, children, reference_server, running
from benchmarks.throughput import NULL_EXCHANGE, Case, Volume
from trualias.testing.live import free_port
from trualias.testing.requirements import find_program

FULL = evolve(throughput.FULL, rounds=6, requests=10_000)
SHORT = evolve(throughput.SHORT, rounds=2, requests=500)

YEARS = 10**9
"""Seconds for which nothing in a cache becomes stale."""

ADDRESSES = [f"person{number}@sender{number}.example" for number in range(10)]
DOMAINS = [f"domain{number}.example" for number in range(10)]

LEFT_OUT = {
    "m3047/trualias": "no package",
    "pfixtools (postlicyd, pfix-srsd)": "no package in Debian 12",
    "policyd-spf": "no server: spawn(8) of Postfix starts a process for each client, and it asks the DNS",
}
"""The programs that are not measured, and why."""


def answers(port: int, requests: Iterable[bytes], pattern: bytes) -> Iterator[Exchange]:
    """Return the requests with a server's own replies to them in turn, without end.

    Raises:
        WrongReply: a reply is not like the pattern.
    """
    exchanges: list[Exchange] = []
    with closing(connect(port)) as client:
        for request in requests:
            client.sendall(request)
            reply = client.recv(CHUNK)
            if not re.fullmatch(pattern, reply):
                raise WrongReply(f"expected a reply like {pattern!r} to {request!r}, got {reply!r}")
            exchanges.append((request, reply))
    return cycle(exchanges)


def postsrsd(stack: ExitStack, folder: Path, program: str) -> list[Case]:
    """Start postsrsd, which rewrites addresses with a keyed hash; it has a process for each client."""
    forward, reverse = free_port(), free_port()
    secret = folder / "postsrsd.secret"
    secret.write_text("secret of a benchmark\n", encoding="ascii")
    command = [program, f"-s{secret}", "-dforwarder.example", "-l127.0.0.1", f"-f{forward}", f"-r{reverse}"]
    server = evolve(stack.enter_context(running(command, forward, reverse)), forks=True)
    stack.callback(_stop_children, server.pid)
    requests = [f"get {address}\n".encode() for address in ADDRESSES]
    pattern = rb"200 SRS0=[^=]+=[^=]+=sender\d\.example=person\d@forwarder\.example\n"
    return [Case("postsrsd, 10 addresses of senders", server, answers(forward, requests, pattern))]


def _stop_children(pid: int) -> None:
    """Stop the children of a server; they end on their own a while after their clients."""
    for child in children(pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)


def mta_sts(stack: ExitStack, folder: Path, program: str) -> list[Case]:
    """Start postfix-mta-sts-resolver with policies of ten domains in its cache, so that it does not ask for them."""
    cache = folder / "mta-sts.sqlite"
    with closing(sqlite3.connect(cache)) as database, database:
        database.execute("CREATE TABLE sts_policy_cache (domain text, ts integer, pol_id text, pol_body text)")
        database.execute("CREATE UNIQUE INDEX sts_policy_domain ON sts_policy_cache (domain)")
        for domain in DOMAINS:
            policy = {"version": "STSv1", "mode": "enforce", "mx": [f"mx.{domain}"], "max_age": YEARS}
            row = domain, int(time.time()), "1", json.dumps(policy)
            database.execute("INSERT INTO sts_policy_cache VALUES (?, ?, ?, ?)", row)
    port = free_port()
    configuration = folder / "mta-sts.yml"
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "cache": {"type": "sqlite", "options": {"filename": str(cache)}},
        "cache_grace": YEARS,
    }
    configuration.write_text(json.dumps(settings), encoding="utf-8")  # YAML, too
    server = stack.enter_context(running([program, "-v", "error", "-c", str(configuration)], port))
    cached = [policies.netstring(f"postfix {domain}") for domain in DOMAINS]
    parents = [policies.netstring(f"postfix .{domain}") for domain in DOMAINS]
    secure = rb"\d+:OK secure match=mx\.domain\d\.example servername=hostname,"
    return [
        Case("mta-sts-daemon, 10 domains in its cache", server, answers(port, cached, secure)),
        Case("mta-sts-daemon, parent domains", server, answers(port, parents, rb"9:NOTFOUND ,")),
    ]


def postgrey(stack: ExitStack, folder: Path, program: str) -> list[Case]:
    """Start postgrey with the domain of all recipients on its list of those that are not greylisted."""
    database = folder / "postgrey"
    database.mkdir()
    listed = folder / "recipients"
    listed.write_text(f"{policies.DOMAIN}\n", encoding="utf-8")
    port = free_port()
    command = [program, f"--inet=127.0.0.1:{port}", f"--dbdir={database}", f"--whitelist-recipients={listed}"]
    user = getpass.getuser()
    command += ["--quiet", f"--user={user}", f"--group={user}", "--hostname=mx.example"]
    server = stack.enter_context(running(command, port))
    return [Case("postgrey, recipients that it does not greylist", server, counting.recipients())]


@frozen
class Peer:
    """A program to measure, the command that installs it, and the function that starts it."""

    program: str
    installation: str
    start: Callable[[ExitStack, Path, str], list[Case]]

    def cases(self, stack: ExitStack, folder: Path, skipped: list[Row]) -> list[Case]:
        """Start the program until the stack is unwound; add a row to the skipped ones if it is missing."""
        path = find_program(self.program)
        if path is None:
            skipped.append(fact(self.program, f"skipped: not installed ({self.installation})"))
            return []
        return self.start(stack, folder, path)


LOOKUPS = (
    Peer("postsrsd", "apt-get install postsrsd", postsrsd),
    Peer("mta-sts-daemon", "apt-get install postfix-mta-sts-resolver", mta_sts),
)
POLICIES = (Peer("postgrey", "apt-get install postgrey", postgrey),)


def run(folder: Path, volume: Volume) -> list[Row]:
    """Start all servers, measure them, stop them; return the rows of the table."""
    skipped: list[Row] = []
    with ExitStack() as stack:

        def reference(name: str) -> Server:
            port = free_port()
            return stack.enter_context(running(reference_server(name, port), port))

        null = Case("null server", reference("null"), cycle([NULL_EXCHANGE]))
        port = free_port()
        table = throughput.start_table(stack, folder, "sample", policies.sample(), socketmap=port)
        socketmap = Server(port, table.pid)
        distinct = policies.distinct_sample_answers()
        lookups = [
            Case("trualias, 10 keys in turn", table, throughput.cycle_of_ten()),
            Case("trualias, distinct keys", table, policies.exchanges(distinct)),
            Case("twisted.protocols.postfix, 10 keys in turn", reference("postfix"), throughput.postfix_exchanges()),
            Case(
                "trualias, socketmap, 10 keys in turn",
                socketmap,
                cycle(list(map(policies.socketmap_exchange, policies.SAMPLE_KEYS))),
            ),
            Case("trualias, socketmap, distinct keys", socketmap, map(policies.socketmap_exchange, distinct)),
        ]
        for peer in LOOKUPS:
            lookups += peer.cases(stack, folder, skipped)
        null_policy = Case("null policy server", reference("policy"), counting.recipients())
        server, policy_port = counting.start(stack, folder, "policy")
        requests = [Case("trualias, policy", Server(policy_port, server.pid), counting.recipients())]
        for peer in POLICIES:
            requests += peer.cases(stack, folder, skipped)
        throughput.measure(null, lookups, volume)
        throughput.measure(null_policy, requests, volume)
    return [*_rows(null, lookups), *_rows(null_policy, requests), *skipped, *_left_out()]


def _rows(null: Case, cases: Sequence[Case]) -> list[Row]:
    own = fact(null.name, f"{null.rate:.0f}/s").with_processor(null.cost, null.cost)
    return [own, *(case.unbounded() for case in cases)]


def _left_out() -> Iterator[Row]:
    return (fact(name, f"left out: {reason}") for name, reason in LEFT_OUT.items())
