"""Requests a second and processor time a request, each beside the null server's.

Other processes use the machine in bursts. So every case is measured in several short rounds, each between two rounds of
the null server, and the result is the median of the rounds' ratios.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice, repeat
from pathlib import Path
from statistics import median

from attrs import field, frozen

from benchmarks import metering, policies
from benchmarks.load import Exchange, Measurement, send_all, send_one_by_one
from benchmarks.reference_servers import NOT_FOUND
from benchmarks.report import Row, at_least, at_most, fact
from benchmarks.servers import Server, alias_server, reference_server, running
from trualias.testing.live import free_port

NULL_EXCHANGE = (b"get samissexy.34\n", NOT_FOUND)
BUSIEST = 0.75
"""The largest share of the time in which the load generator may work; beyond, it would be the bottleneck."""


@frozen
class Case:
    """A server, the requests to it, and the measurements."""

    name: str
    server: Server
    exchanges: Iterator[Exchange]
    """Continued from round to round, so that distinct keys are new in every round."""
    rounds: list[Measurement] = field(factory=list, init=False)
    ratios: list[float] = field(factory=list, init=False)
    """The ratios of each round's rate to the mean rate of the null server's rounds before and after it."""
    null_costs: list[float] = field(factory=list, init=False)
    """For each round, the mean processor time of a request of the null server's rounds before and after it."""

    def measure(self, requests: int) -> Measurement:
        """Measure one round."""
        exchanges = take(self.exchanges, requests)
        self.rounds.append(send_all(self.server, exchanges))
        return self.rounds[-1]

    @property
    def cost(self) -> float:
        """The server's processor time for one request in seconds, the median of the rounds."""
        return median(measurement.cost for measurement in self.rounds)

    @property
    def rate(self) -> float:
        """Requests a second, the median of the rounds."""
        return median(measurement.rate for measurement in self.rounds)

    @property
    def figures(self) -> str:
        """The least and the greatest ratio, and the rate."""
        return f"{min(self.ratios):.2f} to {max(self.ratios):.2f}; {self.rate:.0f}/s"

    def bounded(self, bound: float) -> Row:
        """Return the row for a case that must reach this ratio to the null server's rate."""
        return self._with_processor(at_least(self.name, median(self.ratios), bound, note=self.figures))

    def unbounded(self) -> Row:
        """Return the row for a case without a bound."""
        return self._with_processor(fact(self.name, f"{median(self.ratios):.3g} ({self.figures})"))

    def processor_bounded(self, bound: float) -> Row:
        """Return the row for a case whose processor time may be at most this ratio to the null server's."""
        ratios = [one.cost / null for one, null in zip(self.rounds, self.null_costs, strict=True)]
        note = f"{min(ratios):.2f} to {max(ratios):.2f}"
        return at_most(f"{self.name}: processor time, to the null server's", median(ratios), bound, note=note)

    def _with_processor(self, row: Row) -> Row:
        return row.with_processor(self.cost, median(self.null_costs))


@frozen
class Volume:
    """The numbers of rounds and requests, and the size of the largest configurations."""

    rounds: int
    requests: int
    """Requests in each round of each case."""
    margin: float
    """The factor of the bounds."""
    single_requests: int
    """Requests in each round on a single connection."""
    shapes: int
    """Statements of different shapes."""


FULL = Volume(rounds=8, requests=25_000, margin=1.0, single_requests=2_500, shapes=30_000)
SHORT = Volume(rounds=4, requests=6_000, margin=0.5, single_requests=500, shapes=3_000)


def take(exchanges: Iterator[Exchange], requests: int) -> list[Exchange]:
    """Return the exchanges of one round, made before it is measured."""
    taken = list(islice(exchanges, requests))
    assert len(taken) == requests, "there are fewer exchanges than requests to send"
    return taken


def start_table(
    stack: ExitStack, folder: Path, name: str, text: str, *, virtual: bool = False, socketmap: int | None = None
) -> Server:
    """Start an alias server with this configuration, until the stack is unwound; ``socketmap`` is another port."""
    port = free_port()
    settings, ports = ("", [port]) if socketmap is None else (listen_socketmap(socketmap), [port, socketmap])
    configuration = folder / f"{name}.conf"
    configuration.write_text(settings + policies.with_settings(text, port), encoding="utf-8")
    return stack.enter_context(running(alias_server(configuration, virtual=virtual), *ports))


def listen_socketmap(port: int) -> str:
    """Return the setting with which a server also listens for socketmap on this port."""
    return f"LISTEN: socketmap tcp:{port}:interface=127.0.0.1\n"


def cycle_of_ten(domain: str = "") -> Iterator[Exchange]:
    """Yield the ten keys of the sample configuration in turn, without end."""
    return cycle(list(policies.exchanges(policies.SAMPLE_KEYS, domain)))


def postfix_exchanges() -> Iterator[Exchange]:
    """Yield the same ten keys without end; Twisted's server has no text after its ``500``."""
    ten = [(line, reply if reply != NOT_FOUND else b"500 \n") for line, reply in islice(cycle_of_ten(), 10)]
    return cycle(ten)


def measure(null: Case, cases: Sequence[Case], volume: Volume) -> None:
    """Measure all cases in turn, round for round."""
    before = null.measure(volume.requests)
    for _ in range(volume.rounds):
        for case in cases:
            measurement = case.measure(volume.requests)
            after = null.measure(volume.requests)
            case.ratios.append(measurement.rate * 2 / (before.rate + after.rate))
            case.null_costs.append((before.cost + after.cost) / 2)
            before = after


def single_connection(
    name: str, null: Server, server: Server, exchanges: Iterator[Exchange], volume: Volume, bound: float
) -> Row:
    """Measure requests on a single connection, one after another; return the row with the median latency.

    ``bound`` is the largest ratio to the null server's.
    """
    nulls, rounds = list[Measurement](), list[Measurement]()
    for _ in range(volume.rounds):
        nulls.append(send_one_by_one(null, repeat(NULL_EXCHANGE, volume.single_requests)))
        rounds.append(send_one_by_one(server, take(exchanges, volume.single_requests)))
    ratios = [_latency(one) / _latency(other) for one, other in zip(rounds, nulls, strict=True)]
    latency, null_latency = median(map(_latency, rounds)), median(map(_latency, nulls))
    note = f"{min(ratios):.2f} to {max(ratios):.2f}; {latency * 1e6:.0f} us to {null_latency * 1e6:.0f} us"
    cost, null_cost = (median(one.cost for one in measured) for measured in (rounds, nulls))
    return at_most(name, median(ratios), bound / volume.margin, note=note).with_processor(cost, null_cost)


def _latency(measurement: Measurement) -> float:
    assert measurement.latency is not None
    return measurement.latency


def generator_rows(null: Case, bare: Sequence[Measurement], cases: Sequence[Case], margin: float) -> list[Row]:
    """Return the rows that show whether the load generator is fast enough not to be the bottleneck."""
    busiest = max(median(measurement.busy for measurement in case.rounds) for case in [null, *cases])
    most = median(measurement.rate for measurement in bare)
    return [
        at_least(
            "load generator: most requests, to the null server", most / null.rate, 2.0 * margin, "", f"{most:.0f}/s"
        ),
        at_most("load generator: share of the time at work, busiest case", busiest, BUSIEST / margin),
    ]


def run(folder: Path, volume: Volume) -> list[Row]:
    """Start all servers, measure all cases, stop the servers; return the rows of the table."""
    statements, accounts, domains = 30_000, 100_000, 1_000
    with ExitStack() as stack:

        def reference(name: str) -> Server:
            port = free_port()
            return stack.enter_context(running(reference_server(name, port), port))

        null, bare = Case("null server", reference("null"), repeat(NULL_EXCHANGE)), reference("bare")
        port = free_port()
        table = start_table(stack, folder, "sample", policies.sample(), socketmap=port)
        socketmap = Server(port, table.pid)
        # One iterator for all cases with distinct keys of the sample: each key is requested once.
        answers = policies.distinct_sample_answers()
        ten = Case("sample, 10 keys in turn", table, cycle_of_ten())
        distinct = Case("sample, distinct keys", table, policies.exchanges(answers))
        many_accounts = Case(
            f"one statement with {accounts} accounts, distinct keys",
            start_table(stack, folder, "accounts", policies.many_accounts(accounts)),
            policies.exchanges(policies.many_accounts_answers(accounts)),
        )
        many_statements = Case(
            f"{statements} statements, distinct keys",
            start_table(stack, folder, "statements", policies.many_statements(statements)),
            policies.exchanges(policies.many_statements_answers(statements)),
        )
        many_shapes = Case(
            f"{volume.shapes} statements of different shapes, distinct keys",
            start_table(stack, folder, "shapes", policies.many_shapes(volume.shapes)),
            policies.exchanges(policies.many_shapes_answers(volume.shapes)),
        )
        many_domains = Case(
            f"{statements} statements in {domains} domains, distinct keys",
            start_table(stack, folder, "domains", policies.many_domains(statements, domains), virtual=True),
            policies.many_domains_exchanges(statements, domains),
        )
        virtual = Case(
            "virtual server, sample, 10 keys in turn",
            start_table(stack, folder, "virtual", policies.sample(virtual=True), virtual=True),
            cycle_of_ten(policies.DOMAIN),
        )
        socketmap_ten = Case(
            "socketmap, sample, 10 keys in turn",
            socketmap,
            cycle(list(map(policies.socketmap_exchange, policies.SAMPLE_KEYS))),
        )
        socketmap_distinct = Case(
            "socketmap, sample, distinct keys", socketmap, map(policies.socketmap_exchange, answers)
        )
        postfix = Case("twisted.protocols.postfix", reference("postfix"), postfix_exchanges())
        cases = [ten, postfix, distinct, many_accounts, many_statements, many_domains, many_shapes, virtual]
        cases += [socketmap_ten, socketmap_distinct]
        measure(null, cases, volume)
        single = single_connection(
            "one connection, sample, distinct keys: median latency",
            null.server,
            table,
            policies.exchanges(answers),
            volume,
            bound=1.3,
        )
        bares = [send_all(bare, repeat(NULL_EXCHANGE, volume.requests)) for _ in range(3)]
    to_postfix = median(a.rate / b.rate for a, b in zip(ten.rounds, postfix.rounds, strict=True))
    bounds = [(ten, 0.85), (distinct, 0.65), (many_accounts, 0.55), (many_statements, 0.50)]
    bounds += [(many_domains, 0.50), (virtual, 0.80)]
    processor_bounds = [(distinct, 1.1), (ten, 0.55), (socketmap_ten, 0.65), (socketmap_distinct, 1.25)]
    processor_bounds.append((many_shapes, 1.4))
    return [
        fact(null.name, f"{null.rate:.0f}/s").with_processor(null.cost, null.cost),
        *generator_rows(null, bares, cases, volume.margin),
        *(case.bounded(bound * volume.margin) for case, bound in bounds),
        *(case.unbounded() for case in (many_shapes, socketmap_ten, socketmap_distinct)),
        *(case.processor_bounded(bound / volume.margin) for case, bound in processor_bounds),
        single,
        at_least(
            "sample, 10 keys in turn, to twisted.protocols.postfix",
            to_postfix,
            1.0 * volume.margin,
            note=f"{postfix.rate:.0f}/s, {postfix.cost * 1e6:.1f} us",
        ),
        metering.row(ten.cost, volume.margin),
    ]
