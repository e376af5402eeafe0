"""The metrics of a server process for Prometheus, made from its counters at each scrape."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Protocol

import twisted
from attrs import frozen
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

import trualias
from trualias.lookup import CurrentSnapshot, NotFoundReason
from trualias.lookup.hooks import slow_calls
from trualias.monitoring.counters import BOUNDS, Counters, DetailedOutcome, LoadCounters, RequestOutcome
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.monitoring.process_counters import process_counters
from trualias.web.http import Response
from trualias.web.process import BoundedProcessCollector

OUTCOME_LABELS: dict[str, tuple[DetailedOutcome, ...]] = {
    "found": (RequestOutcome.FOUND,),
    "not_found": tuple(NotFoundReason),
    "ambiguous": (RequestOutcome.AMBIGUOUS,),
    "bad": (RequestOutcome.BAD,),
    "stats": (RequestOutcome.STATS,),
    "fault": (RequestOutcome.FAULT, RequestOutcome.HOOK),
    "over_budget": (RequestOutcome.OVER_BUDGET,),
    "deferred": (RequestOutcome.DEFERRED,),
}
"""The values of the label ``outcome``, and the counters that each sums up."""

OTHERS = "other accounts"
"""The label of all accounts without a counter of their own; no account has a space in its name."""

_BUCKETS = (*map(floatToGoString, BOUNDS), "+Inf")


class ConnectionCounts(Protocol):
    """The connections of lookup clients: how many are open, the most allowed, and how many were refused."""

    limit: int
    refused_by_limit: int
    refused_by_network: int

    def __len__(self) -> int:
        """Return how many are open."""


class ServerCollector(Collector):
    """Makes the metric families of a process at each scrape."""

    def __init__(
        self, connections: ConnectionCounts, counters: Counters, current: CurrentSnapshot, loads: LoadCounters
    ) -> None:
        self._connections = connections
        self._counters = counters
        self._current = current
        self._loads = loads

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        yield from self._request_families()
        yield from self._connection_families()
        yield from self._configuration_families()
        yield from _process_families()
        build = {
            "version": trualias.__version__,
            "python": platform.python_version(),
            "twisted": twisted.__version__,
        }
        yield InfoMetricFamily("trualias_build", "Versions of trualias, Python and Twisted.", value=build)

    def _request_families(self) -> Iterator[Metric]:
        labels = ("protocol", "server")
        requests = CounterMetricFamily("trualias_requests", "Requests by outcome.", labels=(*labels, "outcome"))
        not_found = CounterMetricFamily(
            "trualias_not_found", "Requests whose key was not found, by reason.", labels=(*labels, "reason")
        )
        seconds = HistogramMetricFamily(
            "trualias_request_duration_seconds",
            "Time from reading a request to handing its reply to the socket.",
            labels=labels,
        )
        hook_failures = 0
        for pair, counters in self._counters.all().items():
            numbers = {outcome: sum(buckets) for outcome, buckets in counters.buckets.items()}
            hook_failures += numbers[RequestOutcome.HOOK]
            for label, outcomes in OUTCOME_LABELS.items():
                requests.add_metric((*pair, label), sum(numbers[outcome] for outcome in outcomes))
            for reason in NotFoundReason:
                not_found.add_metric((*pair, reason.value), numbers[reason])
            buckets = map(sum, zip(*counters.buckets.values(), strict=True))
            seconds.add_metric(pair, _cumulative(buckets), counters.elapsed)
        yield from (requests, not_found, seconds)
        wrong_codes = CounterMetricFamily(
            "trualias_wrong_codes",
            "Addresses that match an account but for the code; many can mean that addresses are guessed.",
            labels=("account",),
        )
        for account, number in sorted(self._counters.wrong_codes.counts.items()):
            wrong_codes.add_metric((account,), number)
        wrong_codes.add_metric((OTHERS,), self._counters.wrong_codes.others[0])
        yield wrong_codes
        yield CounterMetricFamily(
            "trualias_hook_failures", "Lookups that failed in the PROCESSOR module.", value=hook_failures
        )

    def _connection_families(self) -> Iterator[Metric]:
        connections = self._connections
        yield GaugeMetricFamily("trualias_connections", "Connected clients.", value=len(connections))
        yield GaugeMetricFamily(
            "trualias_connections_limit", "The most clients that can be connected.", value=connections.limit
        )
        refused = CounterMetricFamily("trualias_connections_refused", "Refused clients by reason.", labels=("reason",))
        refused.add_metric(("limit",), connections.refused_by_limit)
        refused.add_metric(("network",), connections.refused_by_network)
        yield refused

    def _configuration_families(self) -> Iterator[Metric]:
        loads = self._loads
        policy = self._current.snapshot.configuration.policy
        yield CounterMetricFamily("trualias_reloads", "Reloads of the configuration.", value=loads.tried)
        yield CounterMetricFamily(
            "trualias_reloads_failed", "Reloads of the configuration that failed.", value=loads.failed
        )
        yield GaugeMetricFamily(
            "trualias_configuration_current",
            "1 if the configuration in use is that of the file, 0 if the last load of the file failed.",
            value=int(loads.current),
        )
        yield GaugeMetricFamily(
            "trualias_configuration_unreachable",
            "1 if the file cannot be examined, since its filesystem does not respond.",
            value=int(loads.unreachable),
        )
        yield GaugeMetricFamily(
            "trualias_configuration_fallback",
            "1 if the process started from its copy of an earlier configuration, which is still in use.",
            value=int(bool(loads.fallback)),
        )
        yield GaugeMetricFamily(
            "trualias_configuration_accounts_dropped",
            "Accounts that the configuration before the one in use had, and that it lacks.",
            value=loads.accounts_dropped,
        )
        if loads.store_in_use is not None:
            yield GaugeMetricFamily(
                "trualias_store_in_use",
                "1 if the store is followed, 0 if it is lost and the states of aliases stay as they are.",
                value=int(loads.store_in_use),
            )
            yield from _memory_families(loads.memory)
        yield GaugeMetricFamily(
            "trualias_configuration_loaded_timestamp_seconds",
            "Time at which the configuration in use was loaded.",
            value=loads.loaded_at,
        )
        yield GaugeMetricFamily(
            "trualias_statements", "Account statements of the configuration in use.", value=len(policy.all_rules)
        )
        yield GaugeMetricFamily(
            "trualias_accounts", "Accounts of the configuration in use.", value=len(policy.accounts)
        )


def _memory_families(memory: MemoryCounters) -> Iterator[Metric]:
    counted = CounterMetricFamily(
        "trualias_memory_deliveries", "Mails to aliases that are counted in the store, by outcome.", labels=("outcome",)
    )
    for outcome in ("accepted", "refused"):
        counted.add_metric((outcome,), getattr(memory, outcome))
    yield counted
    yield GaugeMetricFamily(
        "trualias_memory_pending", "Aliases and senders whose counts wait for the store.", value=memory.pending
    )
    for attribute, (name, text) in _MEMORY_COUNTERS.items():
        yield CounterMetricFamily(f"trualias_{name}", text, value=getattr(memory, attribute))


_MEMORY_COUNTERS = {
    "dropped": (
        "memory_dropped",
        "Mails to aliases that are not counted, since the store could not take them in time.",
    ),
    "unattributed": (
        "memory_unattributed",
        "Messages of which it is not known which of their recipients were accepted.",
    ),
    "beyond": (
        "memory_beyond",
        "Mails to addresses that did not become known, since too many of the account became known that day.",
    ),
    "guesses": ("guesses", "Wrong codes that clients of the policy service tried, with GUESSES."),
    "guesses_dropped": ("guesses_dropped", "Wrong codes that are not in the store, which could not take them in time."),
    "slowed": ("guesses_slowed", "Temporary errors to clients whose network is past the limit of GUESSES."),
}
"""The names and texts of the metrics by the attributes of `MemoryCounters`."""


def _process_families() -> Iterator[Metric]:
    yield CounterMetricFamily(
        "trualias_log_messages_dropped",
        "Messages that are not in the log, since it could not be written.",
        value=process_counters.log_messages_dropped,
    )
    yield CounterMetricFamily(
        "trualias_hook_slow", "Calls of hooks that took longer than 100 ms.", value=slow_calls.count
    )


def _cumulative(buckets: Iterable[int]) -> list[tuple[str, float]]:
    """Return the upper bound of each bucket with the sum of the buckets up to it."""
    total = 0
    cumulative: list[tuple[str, float]] = []
    for bound, count in zip(_BUCKETS, buckets, strict=True):
        total += count
        cumulative.append((bound, total))
    return cumulative


@frozen
class _Format:
    content_type: str
    encode: Callable[[CollectorRegistry], bytes]


_TEXT = _Format("text/plain; version=0.0.4; charset=utf-8", generate_latest)
_OPENMETRICS = _Format("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics.generate_latest)


def _choose_format(accept: str) -> _Format:
    """Return OpenMetrics if a value of the field Accept has its version 1, otherwise the text format.

    The function of ``prometheus_client`` also takes the version of the response from the request, so that the formats
    would be without number.
    """
    for accepted in accept.lower().split(","):
        media_type, *parameters = [part.strip() for part in accepted.split(";")]
        if media_type == "application/openmetrics-text" and "version=0.0.1" not in parameters:
            return _OPENMETRICS
    return _TEXT


class MetricsPage:
    """The metrics of a collector and of the process, in the format that the request accepts.

    Each format is rendered once in ``LIFETIME`` seconds at most. Rendering takes at most 4 ms: with all protocols, and
    the 100 accounts that are counted separately, whose names have 200 characters.

    The Twisted resource of ``prometheus_client`` would render in a thread of the global reactor, where each system call
    of the reactor's thread could wait 5 ms for the interpreter's lock. Here the counters are read in the thread that
    increments them: all are of one moment.

    ``clock`` returns seconds.
    """

    LIFETIME = 1.0

    def __init__(self, collector: ServerCollector, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        self._registry.register(BoundedProcessCollector())
        self._rendered: dict[_Format, tuple[float, Response]] = {}

    def render(self, accept: str) -> Response:
        """Return the metrics, which are at most ``LIFETIME`` seconds old."""
        chosen = _choose_format(accept)
        now = self._clock()
        at, response = self._rendered.get(chosen, (-math.inf, None))
        if response is None or now - at >= self.LIFETIME:
            response = Response(HTTPStatus.OK, chosen.encode(self._registry), chosen.content_type)
            self._rendered[chosen] = now, response
        return response
