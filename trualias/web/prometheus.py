"""The metrics of a process for Prometheus, and whether it is well, over HTTP.

The numbers are plain ones that whoever answers counts; the families of Prometheus are made of them when somebody asks.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import twisted
from attrs import frozen
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import OK, SERVICE_UNAVAILABLE, Request
from twisted.web.resource import Resource
from twisted.web.server import Site

import trualias
from trualias.lookup import CurrentSnapshot, NotFoundReason
from trualias.monitoring.counters import BOUNDS, CountedAs, Counters, Loads, RequestOutcome
from trualias.protocols.clients import Clients

OUTCOME_LABELS: dict[str, tuple[CountedAs, ...]] = {
    "found": (RequestOutcome.FOUND,),
    "not_found": tuple(NotFoundReason),
    "ambiguous": (RequestOutcome.AMBIGUOUS,),
    "bad": (RequestOutcome.BAD,),
    "stats": (RequestOutcome.STATS,),
    "fault": (RequestOutcome.FAULT, RequestOutcome.HOOK),
    "over_budget": (RequestOutcome.OVER_BUDGET,),
}
"""What becomes of a request, and the results that count as such."""

OTHERS = "other accounts"
"""What stands for the accounts that are not told apart; no account has a space in its name."""

_ENDS = (*map(floatToGoString, BOUNDS), "+Inf")


class ServerCollector(Collector):
    """Makes the families of a process when somebody asks for them."""

    def __init__(self, clients: Clients, counters: Counters, current: CurrentSnapshot, loads: Loads) -> None:
        self._clients = clients
        self._counters = counters
        self._current = current
        self._loads = loads

    def collect(self) -> Iterator[Metric]:
        """Give all families."""
        yield from self._requests()
        yield from self._connections()
        yield from self._configuration()
        build = {
            "version": trualias.__version__,
            "python": platform.python_version(),
            "twisted": twisted.__version__,
        }
        yield InfoMetricFamily("trualias_build", "Which versions run.", value=build)

    def _requests(self) -> Iterator[Metric]:
        labels = ("protocol", "server")
        requests = CounterMetricFamily(
            "trualias_requests", "Requests by what became of them.", labels=(*labels, "outcome")
        )
        not_found = CounterMetricFamily(
            "trualias_not_found", "Requests whose address was not found, by why.", labels=(*labels, "reason")
        )
        seconds = HistogramMetricFamily(
            "trualias_request_duration_seconds",
            "Time from a request being read to its reply being handed to the socket.",
            labels=labels,
        )
        hooks = 0
        for pair, tally in self._counters.all().items():
            numbers = {result: sum(counts) for result, counts in tally.buckets.items()}
            hooks += numbers[RequestOutcome.HOOK]
            for outcome, results in OUTCOME_LABELS.items():
                requests.add_metric((*pair, outcome), sum(numbers[result] for result in results))
            for reason in NotFoundReason:
                not_found.add_metric((*pair, reason.value), numbers[reason])
            counts = map(sum, zip(*tally.buckets.values(), strict=True))
            seconds.add_metric(pair, _cumulated(counts), tally.elapsed)
        yield from (requests, not_found, seconds)
        wrong_codes = CounterMetricFamily(
            "trualias_wrong_codes",
            "Addresses of an account's shape whose code was wrong: many are a sign that somebody guesses.",
            labels=("account",),
        )
        for account, number in sorted(self._counters.wrong_codes.counts.items()):
            wrong_codes.add_metric((account,), number)
        wrong_codes.add_metric((OTHERS,), self._counters.wrong_codes.others[0])
        yield wrong_codes
        yield CounterMetricFamily("trualias_hook_failures", "Lookups that failed in the PROCESSOR module.", value=hooks)

    def _connections(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("trualias_connections", "Clients that are connected.", value=len(self._clients))
        yield GaugeMetricFamily(
            "trualias_connections_limit", "Clients that may be connected at once.", value=self._clients.limit
        )
        refused = CounterMetricFamily(
            "trualias_connections_refused", "Clients that were turned away, by why.", labels=("reason",)
        )
        refused.add_metric(("limit",), self._clients.refused_by_limit)
        refused.add_metric(("network",), self._clients.refused_by_network)
        yield refused

    def _configuration(self) -> Iterator[Metric]:
        loads = self._loads
        policy = self._current.snapshot.configuration.policy
        yield CounterMetricFamily("trualias_reloads", "Reloads of the configuration, tried.", value=loads.tried)
        yield CounterMetricFamily(
            "trualias_reloads_failed", "Reloads of the configuration, failed.", value=loads.failed
        )
        yield GaugeMetricFamily(
            "trualias_configuration_current",
            "1 where the file on disk is the configuration in use, 0 where its last load failed.",
            value=int(loads.current),
        )
        yield GaugeMetricFamily(
            "trualias_configuration_loaded_timestamp_seconds",
            "When the configuration in use was loaded.",
            value=loads.loaded_at,
        )
        yield GaugeMetricFamily(
            "trualias_statements", "Account statements of the configuration in use.", value=len(policy.rules)
        )
        yield GaugeMetricFamily(
            "trualias_accounts", "Accounts of the configuration in use.", value=len(policy.accounts)
        )


def _cumulated(counts: Iterable[int]) -> list[tuple[str, float]]:
    """Turn the numbers of the buckets into how many requests took that long or less."""
    total = 0
    cumulated: list[tuple[str, float]] = []
    for end, count in zip(_ENDS, counts, strict=True):
        total += count
        cumulated.append((end, total))
    return cumulated


class Listening(Protocol):
    """What listens for clients, or does not."""

    description: str

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""


@frozen(eq=False)
class Health:
    """Tells whether clients are answered. There is always a configuration in use, or the process would have ended."""

    listeners: Sequence[Listening]

    def problem(self) -> str | None:
        """Say what is wrong; None where all is well."""
        silent = [listener.description for listener in self.listeners if not listener.listening]
        return f"not listening on {', '.join(silent)}" if silent else None


class _Page(Resource):
    """A page that can be asked for its headers alone."""

    isLeaf = True

    def render_HEAD(self, request: Request) -> bytes:
        """Give the headers."""
        self.render_GET(request)
        return b""

    def render_GET(self, request: Request) -> bytes:
        """Give the page."""
        raise NotImplementedError


class _MetricsPage(_Page):
    """Gives the figures in the form that is asked for.

    The resource that prometheus_client has for Twisted would do it in another thread, of the global reactor. Nothing
    here waits for anything, and figures that are read where they are counted are all of one moment.
    """

    def __init__(self, collector: ServerCollector) -> None:
        super().__init__()
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)

    def render_GET(self, request: Request) -> bytes:
        accepted = b",".join(request.requestHeaders.getRawHeaders(b"accept", ()))
        encode, content_type = choose_encoder(accepted.decode("latin-1"))
        request.setHeader(b"content-type", content_type.encode())
        return encode(self._registry)


class _HealthPage(_Page):
    def __init__(self, health: Health) -> None:
        super().__init__()
        self._health = health

    def render_GET(self, request: Request) -> bytes:
        problem = self._health.problem()
        request.setResponseCode(OK if problem is None else SERVICE_UNAVAILABLE)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        request.setHeader(b"cache-control", b"no-store")
        return f"{problem or 'ok'}\n".encode()


class _QuietSite(Site):
    """Writes no line for each request to the log."""

    noisy = False

    def log(self, request: Request) -> None:
        """Do nothing."""


class MetricsSite(WrappingFactory):
    """Serves ``/metrics`` and ``/healthz`` to those who may connect, a few at a time.

    The descriptors are there for mail servers.
    """

    MOST = 32

    PATIENCE = 10
    """Seconds for a client to ask, and to ask again."""

    noisy = False

    def __init__(
        self,
        collector: ServerCollector,
        health: Health,
        clients: Clients,
    ) -> None:
        root = Resource()
        root.putChild(b"metrics", _MetricsPage(collector))
        root.putChild(b"healthz", _HealthPage(health))
        super().__init__(_QuietSite(root, timeout=self.PATIENCE))
        self._clients = clients

    def buildProtocol(self, addr: IPv4Address | IPv6Address | None) -> TwistedProtocol | None:  # type: ignore[override]
        """Take a client, or refuse one from a network that may not ask, or one too many."""
        if not self._clients.is_allowed(addr):
            return None
        if len(self.protocols) >= self.MOST:
            self._clients.refusal_log.tell(addr, f"there are {self.MOST} already who read the metrics")
            return None
        return super().buildProtocol(addr)
