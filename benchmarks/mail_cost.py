"""The processor time that a server takes for the mail that it counts, whatever else it does.

What is left of the processor is for lookups. Their speed beside the mail, which `benchmarks.counting` measures, repeats
less well: the client that sends both, and the thread that writes, use the other processors.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.counting import BY_PROTOCOL, FULL, IN_PROCESS, Volume, check_reply, messages, start
from benchmarks.load import CHUNK, PATIENCE, Exchange, WrongReply, clients
from benchmarks.reference_servers import DUNNO
from benchmarks.report import Row, at_most
from benchmarks.servers import Server, processor_seconds, processor_seconds_when_idle

CONNECTIONS = 100
"""The connections of the policy protocol, each with one transaction at a time."""


def report_mails(service: Server, transactions: Iterator[Exchange], mails: int) -> float:
    """Report mails by the policy protocol; return the server's processor time for one; raise ``WrongReply``."""
    with clients(service.port, CONNECTIONS) as connected, select.epoll() as poller:
        by_number = {client.fileno(): client for client in connected}
        following: dict[int, bytes] = {}
        before = processor_seconds_when_idle(service)

        def begin(number: int) -> None:
            by_number[number].sendall(next(transactions)[0])
            following[number] = next(transactions)[0]

        for number in by_number:
            poller.register(number, select.EPOLLIN)
            begin(number)
        begun = ended = len(by_number)
        while ended > 0:
            ready = poller.poll(PATIENCE)
            if not ready:
                raise WrongReply(f"{ended} transactions got no reply within {PATIENCE:.0f} seconds")
            for number, _ in ready:
                check_reply(by_number[number].recv(CHUNK), DUNNO)
                end = following.pop(number, None)
                if end is not None:
                    by_number[number].sendall(end)
                elif begun < mails:
                    begun += 1
                    begin(number)
                else:
                    ended -= 1
        return (processor_seconds_when_idle(service) - before) / begun


def run(folder: Path, volume: Volume = FULL) -> list[Row]:
    """Return the rows of the table."""
    shares: dict[int, list[float]] = {IN_PROCESS: [], BY_PROTOCOL: []}
    answered = list[float]()
    with ExitStack() as stack:
        pairs = {rate: [_start(stack, folder, rate, is_discarding=one) for one in (True, False)] for rate in shares}
        server, policy = start(stack, folder, "mailing-alone")
        transactions = messages()
        time.sleep(1)  # the aliases become known
        for _ in range(volume.rounds):
            before = {one.pid: processor_seconds(one.pid) for pair in pairs.values() for one in pair}
            begun = time.perf_counter()
            time.sleep(volume.seconds)
            took = time.perf_counter() - begun
            for rate, pair in pairs.items():
                making, counting = [processor_seconds(one.pid) - before[one.pid] for one in pair]
                shares[rate].append((counting - making) / took)
            answered.append(report_mails(Server(policy, server.pid), transactions, volume.requests // 2))
    counted, few_counted = median(shares[IN_PROCESS]), median(shares[BY_PROTOCOL]) / BY_PROTOCOL
    # Many mails at once are counted together, and so many a second are not.
    mail = median(answered) + few_counted
    return [
        at_most(
            f"processor time of {IN_PROCESS} deliveries a second handed to the memory, share of a processor",
            counted,
            0.05 / volume.margin,
            note=f"{counted / IN_PROCESS * 1e6:.1f} us each",
        ),
        at_most(
            f"processor time of {BY_PROTOCOL} mails a second by the policy protocol, share of a processor",
            mail * BY_PROTOCOL,
            0.1 / volume.margin,
            note=f"{mail * 1e6:.0f} us each, {few_counted * 1e6:.0f} us of it to count it",
        ),
    ]


def _start(stack: ExitStack, folder: Path, rate: int, *, is_discarding: bool) -> Server:
    name = f"{rate}-{'discarding' if is_discarding else 'counting'}"
    return start(stack, folder, name, rate=rate, is_discarding=is_discarding)[0]
