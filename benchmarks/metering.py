"""What the metrics cost a request: counted in one process, held against what a request costs a real server.

Two processes of the same server differ by more than what is bounded here, by how their memory happens to lie.
"""

import time

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from benchmarks import policies
from benchmarks.report import Row, at_least
from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.counters import Counters
from trualias.monitoring.statistics import Statistics
from trualias.protocols.clients import Clients
from trualias.protocols.tcp_table import TableFactory, TableProtocol

ROUNDS = 300
REQUESTS = 1_000


class _Sink(StringTransport):
    """Takes replies and keeps none."""

    def write(self, data: bytes) -> None:
        """Do nothing."""


def connection(counters: Counters | None) -> TableProtocol:
    """A client's connection to the sample's table server, in this process."""
    clients = Clients(counters=counters)
    clients.statistics = Statistics()
    current = CurrentSnapshot(Snapshot(parse_configuration(policies.sample(), "sample")))
    protocol = TableFactory(Clock(), current, Table.LOCAL_PART, time.perf_counter, clients).client()
    protocol.makeConnection(_Sink())
    return protocol


def seconds(protocol: TableProtocol, requests: list[bytes]) -> float:
    """Processor time of a request, over one round."""
    start = time.process_time()
    for request in requests:
        protocol.dataReceived(request)
    return (time.process_time() - start) / len(requests)


def row(cost: float, margin: float) -> Row:
    """The row; `cost` is what a request costs a server without metrics, in seconds of a processor."""
    requests = [request for request, _ in policies.exchanges(policies.SAMPLE_KEYS)] * (REQUESTS // 10)
    without, metered = connection(None), connection(Counters())
    rounds = [(seconds(without, requests), seconds(metered, requests)) for _ in range(ROUNDS)]
    # The least of each: all that disturbs adds to it.
    more = min(after for _, after in rounds) - min(before for before, _ in rounds)
    note = f"{more * 1e9:.0f} ns more than {cost * 1e6:.1f} us"
    return at_least("sample, 10 keys in turn, metrics on to off", cost / (cost + more), 0.97 * margin, note=note)
