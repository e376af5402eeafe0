"""The HTTP site of a server process.

Only a process with METRICS imports this: ``prometheus_client`` and ``twisted.web`` take 5 MB.
"""

from collections.abc import Sequence

from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import Counters, LoadCounters
from trualias.protocols.clients import Clients
from trualias.web.health import Health, HealthPage, Listener
from trualias.web.prometheus import MetricsPage, ServerCollector
from trualias.web.site import LimitedSite


def make_site(
    clients: Clients,
    counters: Counters,
    current: CurrentSnapshot,
    loads: LoadCounters,
    listeners: Sequence[Listener],
) -> LimitedSite:
    """Make the site with ``/metrics`` and ``/healthz``, for the networks that may connect for lookups."""
    pages = {
        "metrics": MetricsPage(ServerCollector(clients, counters, current, loads)),
        "healthz": HealthPage(Health(listeners)),
    }
    return LimitedSite(pages, clients.is_allowed, clients.refusal_log.refused)
