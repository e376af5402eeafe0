"""The cost of the metrics for a request: measured in one process, as a share of a real server's cost of a request.

Two processes of the same server differ by more than the bound, by the way in which their memory is laid out.
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
    """A transport that discards replies."""

    def write(self, data: bytes) -> None:
        """Discard the data."""


def connection(counters: Counters | None) -> TableProtocol:
    """Return a client's connection to a table server with the sample configuration, in this process."""
    clients = Clients(counters=counters)
    clients.statistics = Statistics()
    current = CurrentSnapshot(Snapshot(parse_configuration(policies.sample(), "sample")))
    protocol = TableFactory(Clock(), current, Table.LOCAL_PART, time.perf_counter, clients).client()
    protocol.makeConnection(_Sink())
    return protocol


def seconds(protocol: TableProtocol, requests: list[bytes]) -> float:
    """Return the mean processor time of a request over one round."""
    start = time.process_time()
    for request in requests:
        protocol.dataReceived(request)
    return (time.process_time() - start) / len(requests)


def row(cost: float, margin: float) -> Row:
    """Return the row; ``cost`` is a server's processor time for a request without metrics, in seconds."""
    requests = [request for request, _ in policies.exchanges(policies.SAMPLE_KEYS)] * (REQUESTS // 10)
    without, metered = connection(None), connection(Counters())
    rounds = [(seconds(without, requests), seconds(metered, requests)) for _ in range(ROUNDS)]
    # The least of each, since disturbances only add to it.
    more = min(after for _, after in rounds) - min(before for before, _ in rounds)
    note = f"{more * 1e9:.0f} ns more than {cost * 1e6:.1f} us"
    return at_least("sample, 10 keys in turn, metrics on to off", cost / (cost + more), 0.97 * margin, note=note)
