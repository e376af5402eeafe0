"""Lookups beside mail for aliases that is counted in a store, and policy requests beside those of a null server."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median

from attrs import field, frozen, mutable

from benchmarks import policies
from benchmarks.load import CHUNK, PATIENCE, Exchange, WrongReply, clients, send_all, send_one_by_one, without_collector
from benchmarks.reference_servers import DUNNO
from benchmarks.report import Row, at_least, at_most, fact
from benchmarks.servers import Server, counting_server, reference_server, running
from trualias.testing.live import free_port

CONNECTIONS = 20
"""The clients that look up keys, each with one request in flight."""

POLICY_CONNECTIONS = 5
"""The connections for mail, each with one transaction at a time."""

IN_PROCESS = 5_000
"""Deliveries a second that the server's own process hands to the memory."""

BY_PROTOCOL = 500
"""Accepted recipients a second by the policy protocol."""

ALIASES = 1_000
"""The aliases that get the mail."""


@frozen
class Volume:
    """The numbers of rounds and requests, and the factor of the bounds.

    A round of lookups takes ``seconds``. Figures are ratios of medians: single rounds differ by a half where other
    processes use the machine.
    """

    rounds: int
    seconds: float
    requests: int
    margin: float = 1.0


FULL = Volume(rounds=20, seconds=0.7, requests=5_000)


def request(state: str, number: int, recipient: str, accepted: int = 0) -> bytes:
    """Return a request about one recipient of a transaction, as Postfix 3.7 makes it."""
    news = f"news{number % 100}.test"
    return (
        f"request=smtpd_access_policy\nprotocol_state={state}\nprotocol_name=ESMTP\n"
        f"client_address=192.0.2.{number % 250}\nclient_name=mail.{news}\nclient_port=52478\n"
        f"reverse_client_name=mail.{news}\nserver_address=192.0.2.251\nserver_port=25\nhelo_name=mail.{news}\n"
        f"sender=bounce-{number}@{news}\nrecipient={recipient}\nrecipient_count={accepted}\nqueue_id=\n"
        f"instance=50ed.6b0703c8.{number:x}.0\nsize=4711\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\n"
        "sasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\n"
        "encryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\n"
        "policy_context=\n\n"
    ).encode()


def aliases() -> Iterator[str]:
    """Yield aliases of the sample configuration in turn, without end."""
    found = (key for key, account in policies.distinct_sample_answers() if account)
    return cycle([f"{key}@{policies.DOMAIN}" for key in islice(found, ALIASES)])


def recipients() -> Iterator[Exchange]:
    """Yield a request about one recipient of a transaction each, all of them accepted."""
    return ((request("RCPT", number, alias), DUNNO) for number, alias in zip(count(), aliases()))


def messages() -> Iterator[Exchange]:
    """Yield the requests of transactions with one recipient each."""
    for number, alias in zip(count(), aliases()):
        yield request("RCPT", number, alias), DUNNO
        yield request("END-OF-MESSAGE", number, alias, 1), DUNNO


@mutable
class Mail:
    """Transactions at a steady rate over some connections; ``ended`` counts them."""

    rate: float
    ended: int = 0
    _exchanges: Iterator[Exchange] = field(factory=messages)
    _due: float = 0.0

    def begin(self, now: float) -> None:
        """Begin the schedule."""
        self._due = now

    def next_request(self, now: float) -> bytes | None:
        """Return the first request of a transaction if one is due."""
        if now < self._due:
            return None
        self._due += 1 / self.rate
        return next(self._exchanges)[0]

    def end_request(self) -> bytes:
        """Return the second request of the transaction that was begun last."""
        return next(self._exchanges)[0]


@frozen
class Round:
    """Lookups a second, and the latency in seconds within which 99 % of them were answered."""

    rate: float
    p99: float


def look_up(server: Server, exchanges: Iterator[Exchange], seconds: float, mail: Mail | None, policy: int) -> Round:
    """Look up keys without a pause for some seconds, with mail by the protocol beside it; raise ``WrongReply``."""
    latencies: list[float] = []
    number_of_mail = POLICY_CONNECTIONS if mail is not None else 0
    with (
        clients(server.port, CONNECTIONS) as connected,
        clients(policy, number_of_mail) as mailing,
        select.epoll() as poller,
        without_collector(),
    ):
        by_number = {client.fileno(): client for client in connected}
        sent: dict[int, tuple[float, bytes]] = {}
        idle = list(mailing)
        busy: dict[int, bytes | None] = {}
        posts = {client.fileno(): client for client in mailing}
        for number in (*by_number, *posts):
            poller.register(number, select.EPOLLIN)
        start = now = time.perf_counter()
        if mail is not None:
            mail.begin(start)
        ready = [(number, 0) for number in by_number]
        while sent or ready:
            for number, _ in ready:
                if number in posts:
                    assert mail is not None
                    check_reply(posts[number].recv(CHUNK), DUNNO)
                    following = busy.pop(number)
                    if following is None:
                        mail.ended += 1
                        idle.append(posts[number])
                    else:
                        busy[number] = None
                        posts[number].sendall(following)
                    continue
                if number in sent:
                    begun, expected = sent.pop(number)
                    received = by_number[number].recv(CHUNK)
                    now = time.perf_counter()
                    latencies.append(now - begun)
                    check_reply(received, expected)
                if now < start + seconds:
                    line, expected = next(exchanges)
                    sent[number] = (time.perf_counter(), expected)
                    by_number[number].sendall(line)
            if mail is not None and now < start + seconds:
                while idle and (first := mail.next_request(now)) is not None:
                    client = idle.pop()
                    busy[client.fileno()] = mail.end_request()
                    client.sendall(first)
            ready = poller.poll(PATIENCE) if sent else []
            if sent and not ready:
                raise WrongReply(f"{len(sent)} requests got no reply within {PATIENCE:.0f} seconds")
        took = time.perf_counter() - start
    latencies.sort()
    return Round(len(latencies) / took, latencies[int(len(latencies) * 0.99)])


def check_reply(received: bytes, expected: bytes) -> None:
    """Raise ``WrongReply`` unless a reply is the expected one."""
    if received != expected:
        raise WrongReply(f"expected the reply {expected!r}, got {received!r}")


def start(
    stack: ExitStack, folder: Path, name: str, *, rate: int = 0, is_discarding: bool = False, has_store: bool = True
) -> tuple[Server, int]:
    """Start a virtual server, and return it with the port of its policy service; ``rate`` is of its own deliveries."""
    port, policy = free_port(), free_port()
    store = "STORE: sqlite:memory.sqlite\n" if has_store else ""
    listeners = f"LISTEN: policy tcp:{policy}:interface=127.0.0.1\n{store}"
    (folder / name).mkdir()  # also the state directory
    configuration = folder / name / "a.conf"
    text = policies.with_settings(policies.sample(virtual=True), port)
    configuration.write_text(listeners + text, encoding="utf-8")
    return stack.enter_context(
        running(counting_server(configuration, rate, is_discarding=is_discarding), port, policy)
    ), policy


def lookup_rows(folder: Path, volume: Volume) -> list[Row]:
    """Return the rows of lookups beside deliveries, to a server without a store."""
    ten = cycle(list(policies.exchanges(policies.SAMPLE_KEYS, policies.DOMAIN)))
    plain, beside, by_protocol = list[Round](), list[Round](), list[Round]()
    with ExitStack() as stack:
        without, _ = start(stack, folder, "without", has_store=False)
        counting, _ = start(stack, folder, "counting", rate=IN_PROCESS)
        mailing, policy = start(stack, folder, "mailing")
        mail = Mail(BY_PROTOCOL)
        for number in range(volume.rounds):
            cases = [
                (plain, without, None, 0),
                (beside, counting, None, 0),
                (by_protocol, mailing, mail, policy),
            ]
            # In turns: what comes first after a pause is often faster.
            for rounds, server, given, listening in cases if number % 2 else cases[::-1]:
                rounds.append(look_up(server, ten, volume.seconds, given, listening))
    reached = mail.ended / (volume.rounds * volume.seconds)
    in_process = f"lookups beside {IN_PROCESS} deliveries a second handed to the memory, to those without STORE"
    protocol = f"lookups beside {BY_PROTOCOL} mails a second by the policy protocol, to those without STORE"
    return [
        _ratio(in_process, plain, beside),
        _latency(f"{in_process}: 99 % within, times", plain, beside, 1.3 / volume.margin),
        _ratio(protocol, plain, by_protocol),
        at_least("mails a second by the policy protocol beside lookups", reached, BY_PROTOCOL * 0.9 * volume.margin),
    ]


def _ratio(case: str, plain: Sequence[Round], measured: Sequence[Round]) -> Row:
    rate, other = (median(one.rate for one in rounds) for rounds in (measured, plain))
    return fact(case, f"{rate / other:.3g} ({rate:.0f}/s to {other:.0f}/s)")


def _latency(case: str, plain: Sequence[Round], measured: Sequence[Round], bound: float) -> Row:
    latency, other = (median(one.p99 for one in rounds) for rounds in (measured, plain))
    return at_most(case, latency / other, bound, note=f"{latency * 1e3:.2f} ms to {other * 1e3:.2f} ms")


def policy_rows(folder: Path, volume: Volume) -> list[Row]:
    """Return the rows of policy requests, to a null server."""
    many, many_null = list[float](), list[float]()
    requests, requests_null, mails, mails_null = list[float](), list[float](), list[float](), list[float]()
    with ExitStack() as stack:
        port = free_port()
        null = stack.enter_context(running(reference_server("policy", port), port))
        server, policy = start(stack, folder, "policy")
        service = Server(policy, server.pid)
        distinct, transactions = recipients(), messages()
        for _ in range(volume.rounds):
            exchanges = [next(distinct) for _ in range(volume.requests)]
            many_null.append(send_all(null, exchanges).rate)
            many.append(send_all(service, exchanges).rate)
            for source, ours, nulls in ((distinct, requests, requests_null), (transactions, mails, mails_null)):
                exchanges = [next(source) for _ in range(volume.requests // 5)]
                nulls.append(_single_latency(null, exchanges))
                ours.append(_single_latency(service, exchanges))
    rate, null_rate = median(many), median(many_null)
    single = "policy, one connection, to a null policy server: median latency"
    return [
        at_least(
            "policy, 100 connections, to a null policy server",
            rate / null_rate,
            0.8 * volume.margin,
            note=f"{rate:.0f}/s to {null_rate:.0f}/s",
        ),
        at_least(
            single, median(requests_null) / median(requests), 0.8 * volume.margin, note=_both(requests, requests_null)
        ),
        fact(
            f"{single}, half of them ends of messages",
            f"{median(mails_null) / median(mails):.3g} ({_both(mails, mails_null)})",
        ),
    ]


def _single_latency(server: Server, exchanges: Sequence[Exchange]) -> float:
    latency = send_one_by_one(server, exchanges).latency
    assert latency is not None
    return latency


def _both(measured: Sequence[float], others: Sequence[float]) -> str:
    return f"{median(measured) * 1e6:.0f} us to {median(others) * 1e6:.0f} us"


def run(folder: Path, volume: Volume = FULL) -> list[Row]:
    """Return the rows of the table."""
    return [*policy_rows(folder, volume), *lookup_rows(folder, volume)]
