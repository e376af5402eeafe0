"""Composition of a server process from its services."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from twisted.application.service import MultiService, Service
from twisted.internet.interfaces import IProtocolFactory, IReactorFromThreads

from trualias.configuration import Configuration
from trualias.configuration.endpoints import check_listeners, endpoint_problem
from trualias.configuration.listeners import configured_listeners, tcp_endpoint
from trualias.configuration.setting_values import Listener, WireProtocol
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot
from trualias.lookup.hooks import slow_calls
from trualias.lookup.loading import wait_until_stable
from trualias.monitoring.counters import Counters, LoadCounters
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.server import gc_tuning, systemd
from trualias.server.daemon_thread import Worker
from trualias.server.file_limits import ensure_descriptors
from trualias.server.first_load import FirstLoad, FirstLoader
from trualias.server.kept_copy import CopyHealth, CopyService, KeptCopy, copy_path, path_to_read
from trualias.server.listening import ListeningService
from trualias.server.reload import ReloadService
from trualias.server.safeguards import ContentSafeguard, Extent, report_dropped_accounts
from trualias.server.settings_effects import (
    WARNINGS,
    Effect,
    PermissionWarning,
    RestartWarning,
    SettingsEffects,
    StoreGuard,
    set_log_level,
)
from trualias.server.shutdown import GracefulShutdownService
from trualias.server.signals import SighupService
from trualias.server.slow_hooks import SlowHookWarnings
from trualias.server.socket_watch import SocketWatchService
from trualias.server.statistics_service import StatisticsService
from trualias.server.systemd import SystemdNotifier, SystemdService, watchdog_seconds

if TYPE_CHECKING:
    from trualias.server.memory_services import MemoryServices
    from trualias.server.status_service import StatusService
    from trualias.web.health import HealthSource


class Reactor(systemd.Reactor, IReactorFromThreads):
    """The interfaces that a server needs of its reactor."""


class UnusableEndpoint(Exception):
    """An endpoint that was given in place of the configured ones cannot be used; ``str()`` says why."""


class Application:
    """The parts of one server process; ``make_service`` composes them.

    The constructor loads the configuration. It raises ``CannotStart`` and ``UnusableEndpoint``.

    Args:
        table: the table that the line protocol answers from.
        path: of the configuration file, absolute.
        endpoints: to listen on for the line protocol instead of HOST, PORT and LISTEN, which apply if it is empty.
        reactor: runs the services.
        make_worker: makes a worker, whose name it is given.
        environment: of the process, for systemd.
        state: the directory for the copy of the configuration and for the status; None for none.
        fallback: the process may start from the copy.
        clock: returns seconds, for the durations of requests.

    """

    def __init__(
        self,
        table: Table,
        path: str,
        endpoints: Sequence[str],
        reactor: Reactor,
        make_worker: Callable[[str], Worker],
        environment: Mapping[str, str],
        state: str | None = None,
        *,
        fallback: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._table = table
        self._path = path
        self._endpoints = tuple(endpoints)
        self._reactor = reactor
        self._make_worker = make_worker
        self._environment = environment
        self._clock = clock
        self._state = state
        self._notifier = SystemdNotifier(environment)
        slow_calls.report = SlowHookWarnings().warn
        first = _load(path, path_to_read(state, table, path) if state and fallback else None, self._notifier)
        # Of the first load only these are kept: its snapshot is to be freed once another one is in use.
        self._seen, self._files, self._current = first.seen, first.files, CurrentSnapshot(first.snapshot)
        self._loads = self._make_loads(first.kept, first.is_fallback)
        self._memory = self._open_memory()
        self._listeners = self._choose_listeners()
        self._counters = Counters() if self._configuration.settings.metrics else None
        self._clients = Clients(counters=self._counters)

    def make_service(self) -> MultiService:
        """Apply the settings to the process, and compose the services, which are not started yet."""
        statistics = StatisticsService(self._reactor, [self._clients])
        effects = SettingsEffects(self._effects(statistics))
        permissions = PermissionWarning()
        permissions.check(self._configuration)
        for listener in (permissions, effects):
            listener.applied(self._configuration)
        notifications = self._make_systemd_service()
        copies = self._make_copy_services()
        memory, health = ([], None) if self._memory is None else self._memory.make_services()
        last = [] if self._memory is None else [self._memory.finish]
        guards = (ContentSafeguard(self._current, self._loads), StoreGuard(self._configuration))
        lookups = self._make_lookup_services()
        statuses = self._make_status_services(lookups)
        reload = ReloadService(
            self._path,
            self._seen,
            self._current,
            [*guards, notifications, permissions, effects, *copies, *statuses],
            self._reactor,
            self._make_worker("examinations of the configuration"),
            self._make_worker("loads"),
            wait_until_stable=partial(wait_until_stable, files=self._files),
            files=self._files,
            loads=self._loads,
        )
        services: list[Service] = [
            # The first to start stops last: connections are closed when no more clients can connect.
            GracefulShutdownService(self._reactor, self._clients, last),
            *lookups,
            SocketWatchService(self._reactor, self._make_worker("unix sockets"), lookups),
            *self._make_web_services(lookups, health),
            reload,
            *copies,
            *memory,
            statistics,
            SighupService(self._reactor, reload.load),
            notifications,
            *statuses,
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
        watchdog = watchdog_seconds(self._environment, os.getpid())
        return SystemdService(self._reactor, self._notifier, watchdog, self._current, self._loads)

    def _make_loads(self, kept: KeptCopy | None, is_fallback: bool) -> LoadCounters:
        loads = LoadCounters(time.time())
        if kept is not None and is_fallback:
            loads.current, loads.fallback = False, kept.description
        elif kept is not None:
            accounts = Extent.of(self._configuration).accounts
            report_dropped_accounts(loads, self._path, max(0, kept.extent.accounts - accounts), kept.extent.accounts)
        return loads

    def _make_copy_services(self) -> list[CopyService]:
        if self._state is None:
            return []
        path = copy_path(self._state, self._table, self._path)
        return [
            CopyService(path, self._current, self._reactor, self._make_worker("copies of the configuration"), time.time)
        ]

    def _make_lookup_services(self) -> list[ListeningService]:
        kinds = {(listener.protocol, listener.table) for listener in self._listeners}
        factories = {(protocol, table): self._make_factory(protocol, table) for protocol, table in kinds}
        return [
            self._listen(
                listener.endpoint, factories[listener.protocol, listener.table], f"trualias.{listener.protocol.value}"
            )
            for listener in self._listeners
        ]

    def _make_factory(self, protocol: WireProtocol, table: Table | None) -> ClientFactory:
        if protocol is WireProtocol.TCP_TABLE:
            return TableFactory(self._reactor, self._current, table or self._table, self._clock, self._clients)
        if protocol is WireProtocol.POLICY:
            # A protocol that no listener has is not imported.
            from trualias.protocols.policy_delegation import PolicyFactory

            sink = None if self._memory is None else self._memory.deliveries
            return PolicyFactory(self._reactor, self._current, self._clock, self._clients, sink)
        from trualias.protocols.socketmap import SocketmapFactory

        return SocketmapFactory(self._reactor, self._current, self._clock, self._clients)

    def _make_status_services(self, lookups: list[ListeningService]) -> list[StatusService]:
        if self._state is None:
            return []
        # Without a state directory, nothing of it is imported.
        from trualias.monitoring.status_files import StatusFile
        from trualias.server.status_service import StatusService, status_maker

        make_status = status_maker(self._path, self._current, self._loads, lookups)
        file = StatusFile(self._state, self._table.value, self._path)
        return [StatusService(file, self._reactor, self._make_worker("the status"), make_status)]

    def _open_memory(self) -> MemoryServices | None:
        """Read the states of aliases before the first lookup."""
        path = self._configuration.store_path
        if path is None:
            return None
        # Without a store, nothing of it is imported.
        from trualias.server.memory_services import MemoryServices

        return MemoryServices(
            path,
            self._path,
            self._table,
            self._state,
            self._current,
            self._reactor,
            self._make_worker,
            self._loads,
        )

    def _make_web_services(
        self, lookups: list[ListeningService], store_health: HealthSource | None
    ) -> list[ListeningService]:
        address = self._configuration.settings.metrics
        if address is None or self._counters is None:
            return []
        from trualias.server.web_service import make_site

        health = [CopyHealth(self._loads), *([] if store_health is None else [store_health])]
        site = make_site(
            self._reactor,
            self._clients,
            self._counters,
            self._current,
            self._loads,
            lookups,
            names=address.names,
            health=health,
        )
        return [self._listen(tcp_endpoint(address.host, address.port), site, "trualias.web")]

    def _listen(self, endpoint: str, factory: IProtocolFactory, name: str) -> ListeningService:
        return ListeningService(self._reactor, endpoint, factory, self._remote_allowed, name)

    def _remote_allowed(self) -> bool:
        return bool(self._configuration.settings.allow)


def _load(path: str, copy: str | None, notifier: SystemdNotifier) -> FirstLoad:
    """Load the first configuration; raise ``CannotStart``."""
    with gc_tuning.full_collections_suspended():
        first = FirstLoader(path, copy, check_listeners, notifier.notify).load()
        if first.snapshot.configuration.settings.metrics is not None:
            # Imported here, its many objects are excluded from later collections.
            import trualias.server.web_service  # noqa: F401
    return first
