"""The HTTP site of a server process.

Only a process with METRICS imports this: ``prometheus_client`` and ``h11`` take 2 MB.
"""

from collections.abc import Iterable, Sequence

from twisted.internet.interfaces import IReactorTime

from trualias.lookup import CurrentSnapshot
from trualias.monitoring.counters import Counters, LoadCounters
from trualias.protocols.clients import Clients
from trualias.web.health import HealthPage, HealthSource, Listener, ListenerHealth
from trualias.web.hosts import KnownHosts
from trualias.web.prometheus import MetricsPage, ServerCollector
from trualias.web.site import Page, Site


def make_site(
    reactor: IReactorTime,
    clients: Clients,
    counters: Counters,
    current: CurrentSnapshot,
    loads: LoadCounters,
    listeners: Sequence[Listener],
    *,
    names: Iterable[str] = (),
    health: Sequence[HealthSource] = (),
) -> Site:
    """Make the site with ``/metrics`` and ``/healthz``, for the networks that may connect for lookups.

    ``names`` are the domain names under which it is served, besides the machine's. ``health`` are the parts of the
    process besides the listeners that decide about its health.
    """
    pages: dict[str, Page] = {
        "/metrics": MetricsPage(ServerCollector(clients, counters, current, loads), reactor.seconds),
        "/healthz": HealthPage((ListenerHealth(listeners), *health)),
    }
    return Site(reactor, pages, KnownHosts(names).is_known, clients.is_allowed, clients.refusal_log.refused)
