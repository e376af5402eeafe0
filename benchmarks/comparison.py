"""The processor time of a request to this source tree's server and to another tree's, measured in the same run.

Two servers of each tree run at the same time, and get the same requests in many short rounds, one after another and in
the reverse order in every other round. So other load on the machine hits all four. The difference between the two
servers of one tree is the spread: two processes of the same server differ by some percent, by the way in which their
memory is laid out, and a smaller difference between the trees means nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median

from attrs import field, frozen

from benchmarks import policies
from benchmarks.load import Exchange, Measurement, send_all, send_one_by_one
from benchmarks.report import format_table
from benchmarks.servers import ROOT, Server, alias_server, running
from benchmarks.throughput import cycle_of_ten, listen_socketmap, take
from trualias.testing.live import free_port


@frozen
class Volume:
    """The numbers of rounds and requests, and the size of the largest configuration."""

    rounds: int
    requests: int
    """Requests in each round of each server."""
    single_requests: int
    """Requests in each round on a single connection."""
    shapes: int
    """Statements of different shapes."""


FULL = Volume(rounds=40, requests=2_500, single_requests=500, shapes=30_000)
SHORT = Volume(rounds=2, requests=500, single_requests=100, shapes=300)


@frozen
class Workload:
    """A configuration and the requests to it."""

    name: str
    text: str
    exchanges: Iterator[Exchange]
    speaks_socketmap: bool = False
    single: bool = False
    """All requests go over a single connection, instead of a hundred."""

    def send(self, server: Server, exchanges: list[Exchange]) -> Measurement:
        """Send the requests of one round."""
        return send_one_by_one(server, exchanges) if self.single else send_all(server, exchanges)


@frozen
class Comparison:
    """The processor time of a request in seconds, of each server round by round."""

    name: str
    own: tuple[list[float], list[float]] = field(factory=lambda: ([], []))
    other: tuple[list[float], list[float]] = field(factory=lambda: ([], []))

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the table's line."""
        ratios = [sum(other) / sum(own) for own, other in zip(_pairs(self.own), _pairs(self.other), strict=True)]
        return (
            self.name,
            _microseconds(self.own),
            _microseconds(self.other),
            f"{median(ratios):.3f} ({_quartiles(ratios)})",
            f"{_difference(self.own):.1%}",
            f"{_difference(self.other):.1%}",
        )


def _pairs(servers: tuple[list[float], list[float]]) -> Iterator[tuple[float, float]]:
    return zip(*servers, strict=True)


def _microseconds(servers: tuple[list[float], list[float]]) -> str:
    return ", ".join(f"{median(costs) * 1e6:.2f}" for costs in servers) + " us"


def _quartiles(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 4]:.3f} to {ordered[-1 - len(ordered) // 4]:.3f}"


def _difference(servers: tuple[list[float], list[float]]) -> float:
    """Return by how much the second server of a tree differs from the first, the median of the rounds' ratios."""
    return abs(median(second / first for first, second in _pairs(servers)) - 1)


def workloads(other: Path, volume: Volume) -> list[Workload]:
    """Return the compared workloads; distinct keys are new in every round.

    The sample configuration is that of the other tree, which is the older one in most cases: an older server refuses
    statements that are new to the language.
    """
    sample = policies.sample(folder=other / "conf")
    ten = [policies.socketmap_exchange(answer) for answer in policies.SAMPLE_KEYS]

    def distinct() -> Iterator[Exchange]:
        return policies.exchanges(policies.distinct_sample_answers())

    shapes = policies.exchanges(policies.many_shapes_answers(volume.shapes))
    socketmap = map(policies.socketmap_exchange, policies.distinct_sample_answers())
    return [
        Workload("10 keys in turn", sample, cycle_of_ten()),
        Workload("distinct keys", sample, distinct()),
        Workload("socketmap, 10 keys in turn", sample, cycle(ten), speaks_socketmap=True),
        Workload("socketmap, distinct keys", sample, socketmap, speaks_socketmap=True),
        Workload("one connection, distinct keys", sample, distinct(), single=True),
        Workload(f"{volume.shapes} shapes, distinct keys", policies.many_shapes(volume.shapes), shapes),
    ]


def compare(folder: Path, other: Path, workload: Workload, volume: Volume) -> Comparison:
    """Start two servers of each tree, and measure the processor time of a request of each in turn."""
    requests = volume.single_requests if workload.single else volume.requests
    comparison = Comparison(workload.name)
    with ExitStack() as stack:
        servers = [
            (_start(stack, folder / f"{name}.conf", root, workload), costs[number])
            for number in (0, 1)
            for name, root, costs in (
                (f"own-{number}", ROOT, comparison.own),
                (f"other-{number}", other, comparison.other),
            )
        ]
        # The first round, in which the servers fill their caches, is not counted.
        for number in range(volume.rounds + 1):
            exchanges = take(workload.exchanges, requests)
            for server, costs in servers if number % 2 else reversed(servers):
                cost = workload.send(server, exchanges).cost
                if number:
                    costs.append(cost)
    return comparison


def _start(stack: ExitStack, configuration: Path, root: Path, workload: Workload) -> Server:
    port, socketmap = free_port(), free_port()
    settings, ports = (listen_socketmap(socketmap), [socketmap, port]) if workload.speaks_socketmap else ("", [port])
    configuration.write_text(settings + policies.with_settings(workload.text, port), encoding="utf-8")
    return stack.enter_context(running(alias_server(configuration), *ports, root=root))


def run(folder: Path, other: Path, volume: Volume, say: Callable[[str], object]) -> str:
    """Compare all workloads; return the table. Each name goes to ``say`` before it is measured."""
    lines = []
    for workload in workloads(other, volume):
        say(f"{workload.name}\n")
        lines.append(compare(folder, other, workload, volume).cells)
    header = ("processor time a request", "this tree", "the other", "other to this", "spread: this", "other")
    return format_table(header, lines)
