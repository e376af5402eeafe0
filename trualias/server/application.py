"""Composition of a server process from its services."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from twisted.application.service import MultiService, Service
from twisted.internet.interfaces import IProtocolFactory, IReactorFromThreads

from trualias.configuration import Configuration
from trualias.configuration.endpoints import check_listeners, configured_listeners, endpoint_problem, tcp_endpoint
from trualias.configuration.fingerprint import fingerprint
from trualias.configuration.settings import Listener, WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.loading import load_snapshot, wait_until_stable
from trualias.monitoring.counters import Counters, LoadCounters
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.server import gc_tuning, systemd
from trualias.server.file_limits import ensure_descriptors
from trualias.server.listening import ListeningService
from trualias.server.load_thread import RunInThread
from trualias.server.reload import ReloadService
from trualias.server.settings_effects import WARNINGS, Effect, RestartWarning, SettingsEffects, set_log_level
from trualias.server.shutdown import GracefulShutdownService
from trualias.server.signals import SighupService
from trualias.server.statistics_service import StatisticsService
from trualias.server.systemd import SystemdNotifier, SystemdService, watchdog_seconds


class Reactor(systemd.Reactor, IReactorFromThreads):
    """The interfaces that a server needs of its reactor."""


class UnusableEndpoint(Exception):
    """An endpoint that was given in place of the configured ones cannot be used; ``str()`` says why."""


class Application:
    """The parts of one server process; ``make_service`` composes them.

    The constructor loads the configuration. It raises ``ConfigurationErrors`` if that has errors, and
    ``UnusableEndpoint``.

    Args:
        table: the table that the line protocol answers from.
        path: of the configuration file, absolute.
        endpoints: to listen on for the line protocol instead of HOST, PORT and LISTEN, which apply if it is empty.
        reactor: runs the services.
        run_in_thread: runs reloads.
        environment: of the process, for systemd.
        clock: returns seconds, for the durations of requests.

    """

    def __init__(
        self,
        table: Table,
        path: str,
        endpoints: Sequence[str],
        reactor: Reactor,
        run_in_thread: RunInThread,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._table = table
        self._path = path
        self._endpoints = tuple(endpoints)
        self._reactor = reactor
        self._run_in_thread = run_in_thread
        self._environment = environment
        self._clock = clock
        self._loaded = fingerprint(path)
        self._current = CurrentSnapshot(_load(path))
        self._listeners = self._choose_listeners()
        self._counters = Counters() if self._configuration.settings.metrics else None
        self._clients = Clients(counters=self._counters)

    def make_service(self) -> MultiService:
        """Apply the settings to the process, and compose the services, which are not started yet."""
        statistics = StatisticsService(self._reactor, [self._clients])
        effects = SettingsEffects(self._effects(statistics))
        effects.applied(self._configuration)
        notifications = self._make_systemd_service()
        reload = ReloadService(
            self._path,
            self._loaded,
            self._current,
            [notifications, effects],
            self._reactor,
            self._run_in_thread,
            wait_until_stable=wait_until_stable,
        )
        lookups = self._make_lookup_services()
        services: list[Service] = [
            # The first to start stops last: connections are closed when no more clients can connect.
            GracefulShutdownService(self._reactor, self._clients),
            *lookups,
            *self._make_web_services(lookups, reload.loads),
            reload,
            statistics,
            SighupService(self._reactor, reload.load),
            notifications,
        ]
        server = MultiService()
        for service in services:
            service.setServiceParent(server)
        return server

    @property
    def _configuration(self) -> Configuration:
        return self._current.snapshot.configuration

    def _choose_listeners(self) -> tuple[Listener, ...]:
        if not self._endpoints:
            return configured_listeners(self._configuration)
        for endpoint in self._endpoints:
            problem = endpoint_problem(endpoint, self._remote_allowed())
            if problem is not None:
                raise UnusableEndpoint(problem)
        return tuple([Listener(WireProtocol.TCP_TABLE, endpoint) for endpoint in self._endpoints])

    def _effects(self, statistics: StatisticsService) -> list[Effect]:
        effects = [
            set_log_level,
            statistics.configure,
            self._clients.configure,
            ensure_descriptors,
            *WARNINGS[self._table],
        ]
        if self._counters is not None:
            effects.append(self._counters.configure)
        effects.append(RestartWarning.of_metrics(self._configuration))
        if not self._endpoints:
            effects.append(RestartWarning.of_listeners(self._configuration))
        return effects

    def _make_systemd_service(self) -> SystemdService:
        notifier = SystemdNotifier(self._environment)
        watchdog = watchdog_seconds(self._environment, os.getpid())
        return SystemdService(self._reactor, notifier, watchdog, self._current)

    def _make_lookup_services(self) -> list[ListeningService]:
        protocols = {listener.protocol for listener in self._listeners}
        factories = {protocol: self._make_factory(protocol) for protocol in protocols}
        return [self._listen(listener.endpoint, factories[listener.protocol]) for listener in self._listeners]

    def _make_factory(self, protocol: WireProtocol) -> ClientFactory:
        if protocol is WireProtocol.TCP_TABLE:
            return TableFactory(self._reactor, self._current, self._table, self._clock, self._clients)
        return SocketmapFactory(self._reactor, self._current, self._clock, self._clients)

    def _make_web_services(self, lookups: list[ListeningService], loads: LoadCounters) -> list[ListeningService]:
        address = self._configuration.settings.metrics
        if address is None or self._counters is None:
            return []
        from trualias.server.web_service import make_site

        site = make_site(
            self._reactor, self._clients, self._counters, self._current, loads, lookups, names=address.names
        )
        return [self._listen(tcp_endpoint(address.host, address.port), site)]

    def _listen(self, endpoint: str, factory: IProtocolFactory) -> ListeningService:
        return ListeningService(self._reactor, endpoint, factory, self._remote_allowed)

    def _remote_allowed(self) -> bool:
        return bool(self._configuration.settings.allow)


def _load(path: str) -> Snapshot:
    """Load the first configuration; raise ``ConfigurationErrors``."""
    with gc_tuning.full_collections_suspended():
        snapshot = load_snapshot(path)
        if snapshot.configuration.settings.metrics is not None:
            # Imported here, its many objects are excluded from later collections.
            import trualias.server.web_service  # noqa: F401
    check_listeners(snapshot.configuration)
    return snapshot
