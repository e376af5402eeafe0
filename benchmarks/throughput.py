"""Requests a second, each case as a ratio to the null server.

The machine has other things to do, and does them in bursts. So every case is asked in several short rounds, each
between two rounds of the null server, and what counts is the median of the rounds' ratios.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice, repeat
from pathlib import Path
from statistics import median

from attrs import field, frozen

from benchmarks import metering, policies
from benchmarks.load import Exchange, Measurement, ask
from benchmarks.report import Row, at_least, at_most, fact
from benchmarks.rivals import NOT_FOUND
from benchmarks.servers import Server, alias_server, own, processor_seconds, running
from trualias.testing.live import free_port

NULL_EXCHANGE = (b"get samissexy.34\n", NOT_FOUND)
BUSIEST = 0.75
"""The part of the time that the load generator may be at work; beyond, it would be measured instead of the server."""


@frozen
class Case:
    """A server, what it is asked, and what came of it."""

    name: str
    server: Server
    questions: Iterator[Exchange]
    rounds: list[Measurement] = field(factory=list, init=False)
    ratios: list[float] = field(factory=list, init=False)
    """Of each round, to the null server's rounds before and after it."""
    processor: list[float] = field(factory=list, init=False)
    """Of each round, the seconds that the server was at work."""

    def ask(self, requests: int) -> None:
        """One round."""
        before = processor_seconds(self.server.pid)
        self.rounds.append(ask(self.server.port, islice(self.questions, requests)))
        self.processor.append(processor_seconds(self.server.pid) - before)

    @property
    def cost(self) -> float:
        """What a request costs the server, in seconds of a processor."""
        return sum(self.processor) / sum(measurement.requests for measurement in self.rounds)

    @property
    def figures(self) -> str:
        """Requests a second, and what one costs the server, in microseconds of a processor."""
        return f"{rate(self.rounds):.0f}/s, {self.cost * 1e6:.1f} us"


@frozen
class Volume:
    """How much is asked and how large the large configurations are."""

    rounds: int
    requests: int
    """In each round of each case; all rounds together are one pass over the distinct keys."""
    margin: float
    """What the bounds are multiplied by."""


FULL = Volume(rounds=8, requests=25_000, margin=1.0)
SHORT = Volume(rounds=4, requests=6_000, margin=0.5)


def start_table(stack: ExitStack, folder: Path, name: str, text: str, *, virtual: bool = False) -> Server:
    """Start a server of the project with this configuration, until the stack is unwound."""
    port = free_port()
    configuration = folder / f"{name}.conf"
    configuration.write_text(policies.with_settings(text, port), encoding="utf-8")
    return stack.enter_context(running(alias_server(configuration, virtual=virtual), port))


def prepare(answers: Iterable[policies.Answer], volume: Volume) -> Iterator[Exchange]:
    """All questions of a case, made before anything is measured."""
    return iter(list(policies.exchanges(islice(answers, volume.rounds * volume.requests))))


def cycle_of_ten(domain: str = "") -> Iterator[Exchange]:
    """The ten keys of the sample configuration in turn, without end."""
    return cycle(list(policies.exchanges(policies.SAMPLE_KEYS, domain)))


def postfix_questions() -> Iterator[Exchange]:
    """The same ten keys without end; Twisted's server has no text after its ``500``."""
    ten = [(line, reply if reply != NOT_FOUND else b"500 \n") for line, reply in islice(cycle_of_ten(), 10)]
    return cycle(ten)


def measure(null: Case, cases: Sequence[Case], volume: Volume) -> None:
    """Ask all cases in turn, round for round."""
    null.ask(volume.requests)
    for _ in range(volume.rounds):
        for case in cases:
            case.ask(volume.requests)
            null.ask(volume.requests)
            beside = null.rounds[-2].rate + null.rounds[-1].rate
            case.ratios.append(case.rounds[-1].rate * 2 / beside)


def rate(rounds: Iterable[Measurement]) -> float:
    """The median of the rounds' rates, requests a second."""
    return median(measurement.rate for measurement in rounds)


def ratio_row(case: Case, bound: float) -> Row:
    """The row for a case that must reach this part of the null server's rate."""
    note = f"{min(case.ratios):.2f} to {max(case.ratios):.2f}; {case.figures}"
    return at_least(case.name, median(case.ratios), bound, note=note)


def generator_rows(null: Case, bare: Sequence[Measurement], cases: Sequence[Case], margin: float) -> list[Row]:
    """The rows that tell whether the load generator is fast enough not to be what is measured."""
    busiest = max(median(measurement.busy for measurement in case.rounds) for case in [null, *cases])
    most = f"{rate(bare):.0f}/s"
    return [
        at_least("load generator: most that it can ask", rate(bare) / rate(null.rounds), 2.0 * margin, note=most),
        at_most("load generator: part of the time at work, busiest case", busiest, BUSIEST / margin),
    ]


def run(folder: Path, volume: Volume) -> list[Row]:
    """Start all servers, measure all cases, stop the servers; the rows of the table."""
    statements, accounts = 30_000, 100_000
    with ExitStack() as stack:

        def rival(name: str) -> Server:
            port = free_port()
            return stack.enter_context(running(own(name, port), port))

        null, bare = Case("null server", rival("null"), repeat(NULL_EXCHANGE)), rival("bare")
        text = policies.sample()
        table = start_table(stack, folder, "sample", text)
        ten = Case("sample, 10 keys in turn", table, cycle_of_ten())
        distinct = Case("sample, distinct keys", table, prepare(policies.distinct_sample_answers(), volume))
        many_accounts = Case(
            f"one statement with {accounts} accounts, distinct keys",
            start_table(stack, folder, "accounts", policies.many_accounts(accounts)),
            prepare(policies.many_accounts_answers(accounts), volume),
        )
        many_statements = Case(
            f"{statements} statements, distinct keys",
            start_table(stack, folder, "statements", policies.many_statements(statements)),
            prepare(policies.many_statements_answers(statements), volume),
        )
        virtual = Case(
            "virtual server, sample, 10 keys in turn",
            start_table(stack, folder, "virtual", policies.sample(virtual=True), virtual=True),
            cycle_of_ten(policies.DOMAIN),
        )
        postfix = Case("twisted.protocols.postfix", rival("postfix"), postfix_questions())
        cases = [ten, postfix, distinct, many_accounts, many_statements, virtual]
        measure(null, cases, volume)
        bares = [ask(bare.port, repeat(NULL_EXCHANGE, volume.requests)) for _ in range(3)]
    against_postfix = median(a.rate / b.rate for a, b in zip(ten.rounds, postfix.rounds, strict=True))
    bounded = [(ten, 0.85), (distinct, 0.65), (many_accounts, 0.55), (many_statements, 0.50), (virtual, 0.80)]
    return [
        fact(null.name, null.figures),
        *generator_rows(null, bares, cases, volume.margin),
        *(ratio_row(case, bound * volume.margin) for case, bound in bounded),
        at_least(
            "sample, 10 keys in turn, to twisted.protocols.postfix",
            against_postfix,
            1.0 * volume.margin,
            note=postfix.figures,
        ),
        metering.row(ten.cost, volume.margin),
    ]
