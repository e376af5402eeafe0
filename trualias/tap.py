"""The two servers as services of twistd: their options, and how a server is put together."""

import os
import time
from typing import cast

from attrs import frozen
from twisted.application.service import MultiService, Service
from twisted.internet.interfaces import IProtocolFactory, IReactorFromThreads
from twisted.python.usage import Options

from trualias import log
from trualias.configuration import Configuration
from trualias.configuration.endpoints import check_listeners, configured_listeners, endpoint_problem, tcp_endpoint
from trualias.configuration.fingerprint import fingerprint
from trualias.configuration.locations import NoConfiguration, default_paths, find_configuration
from trualias.configuration.permissions import permission_problem
from trualias.configuration.settings import Address, Listener, WireProtocol
from trualias.configuration.tables import Table
from trualias.language.source import ConfigurationErrors
from trualias.lookup import CurrentSnapshot
from trualias.lookup.loading import load_snapshot, wait_until_stable
from trualias.monitoring.counters import Counters
from trualias.protocols.clients import Clients, GracefulShutdownService
from trualias.protocols.connection import ClientFactory
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.server import gc_tuning as memory
from trualias.server import systemd
from trualias.server.file_limits import ensure_descriptors
from trualias.server.listening import ListeningService
from trualias.server.monotonic_clock import go_by_steady_clock
from trualias.server.reload import AliasService, InThread
from trualias.server.signals import HangupService
from trualias.server.statistics_service import StatisticsService
from trualias.server.systemd import NotifyService, SystemdNotifier, watchdog_seconds
from trualias.server.thread import in_thread_of_its_own

_log = log.logger(__name__)


class Reactor(systemd.Reactor, IReactorFromThreads):
    """What the servers need of a reactor."""


class ServerOptions(Options):
    """The options of both servers; `kind` says whose they are."""

    kind: Table
    synopsis = "[options]"
    optParameters = [
        ["config", "c", None, "The configuration file. Without it, the first that exists of the places below."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["endpoints"] = []

    def opt_endpoint(self, description: str) -> None:
        """Where to listen for the line protocol, instead of HOST, PORT and LISTEN: a Twisted endpoint, such as
        tcp:3047:interface=127.0.0.1 or unix:/run/trualias.sock:mode=660. Give it again for one more."""
        self["endpoints"].append(description)

    opt_e = opt_endpoint

    def getUsage(self, width: int | None = None) -> str:
        """Explain the options, and list where a configuration is looked for."""
        looked = "".join(f"    {path}\n" for path in default_paths(self.kind))
        return f"{super().getUsage(width)}\nThe configuration is looked for at:\n{looked}"


def make_service(
    options: ServerOptions, reactor: Reactor | None = None, in_thread: InThread | None = None
) -> MultiService:
    """Load the configuration and put the server together.

    `reactor` is the global one unless given, `in_thread` runs loads in a thread of their own unless given.

    Raises SystemExit with a message for people where there is no configuration, or one with errors, or an endpoint
    that Twisted does not understand.
    """
    if reactor is None:
        from twisted.internet import reactor as global_reactor

        reactor = cast(Reactor, global_reactor)
        go_by_steady_clock(reactor)
    try:
        # twistd may change the working directory later.
        path = os.path.abspath(options["config"] or find_configuration(options.kind))
        seen = fingerprint(path)
        with memory.growing():
            snapshot = load_snapshot(path)
            if snapshot.configuration.settings.metrics is not None:
                # Takes 5 MB that nobody else needs. Imported here, the garbage collector passes over it.
                import trualias.web.prometheus  # noqa: F401
        check_listeners(snapshot.configuration)
    except (NoConfiguration, ConfigurationErrors) as error:
        raise SystemExit(str(error)) from None

    current = CurrentSnapshot(snapshot)
    metrics = snapshot.configuration.settings.metrics
    counters = None if metrics is None else Counters()
    clients = Clients(counters=counters)
    statistics = StatisticsService(reactor, [clients])
    effects = [_set_log_level, statistics.configure, clients.configure, ensure_descriptors, *_WARNINGS[options.kind]]
    if counters is not None:
        effects.append(counters.configure)
    for effect in effects:
        effect(snapshot.configuration)
    effects.append(_MetricsRestartWarning(metrics))
    if not options["endpoints"]:
        effects.append(_RestartWarning(configured_listeners(snapshot.configuration)))
    notify = NotifyService(reactor, SystemdNotifier(os.environ), watchdog_seconds(os.environ, os.getpid()), current)
    aliases = AliasService(
        path,
        seen,
        current,
        effects,
        reactor,
        in_thread or in_thread_of_its_own(reactor),
        check_listeners,
        [notify],
        lambda pause: wait_until_stable(path, pause),
    )

    def factory(protocol: WireProtocol) -> ClientFactory:
        if protocol is WireProtocol.TCP_TABLE:
            return TableFactory(reactor, current, options.kind, time.perf_counter, clients)
        return SocketmapFactory(reactor, current, time.perf_counter, clients)

    def listen(where: str, factory: IProtocolFactory) -> ListeningService:
        return ListeningService(reactor, where, factory, lambda: bool(current.snapshot.configuration.settings.allow))

    wanted = _listeners(options, snapshot.configuration)
    factories = {protocol: factory(protocol) for protocol in {listener.protocol for listener in wanted}}
    listening = [listen(listener.endpoint, factories[listener.protocol]) for listener in wanted]
    services: list[Service] = [*listening]
    if metrics is not None and counters is not None:
        from trualias.web.prometheus import Health, MetricsSite, ServerCollector

        collector = ServerCollector(clients, counters, current, aliases.loads)
        site = MetricsSite(collector, Health(listening), clients)
        services.append(listen(tcp_endpoint(metrics.host, metrics.port), site))
    server = MultiService()
    # What stands first stops last: clients are let go when no more can come.
    for service in (
        GracefulShutdownService(reactor, clients),
        *services,
        aliases,
        statistics,
        HangupService(reactor, aliases.load),
        notify,
    ):
        service.setServiceParent(server)
    return server


def _listeners(options: ServerOptions, configuration: Configuration) -> tuple[Listener, ...]:
    for description in options["endpoints"]:
        problem = endpoint_problem(description, bool(configuration.settings.allow))
        if problem is not None:
            raise SystemExit(f"--endpoint {problem}")
    return tuple([Listener(WireProtocol.TCP_TABLE, each) for each in options["endpoints"]]) or configured_listeners(
        configuration
    )


def _set_log_level(configuration: Configuration) -> None:
    log.set_level(configuration.settings.logging)


def _warn_of_writers(configuration: Configuration) -> None:
    try:
        problem = permission_problem(configuration.name)
    except OSError:  # it is being replaced, and will be looked at when the new one is there
        return
    if problem is not None:
        _log.warn("others could change {path}: {problem}", path=configuration.name, problem=problem)


def _warn_of_no_domains(configuration: Configuration) -> None:
    if not configuration.settings.alias_domains:
        _log.warn(
            "{path} has no ALIAS DOMAINS, so that no address is found; give the domains that this server answers for",
            path=configuration.name,
        )


_WARNINGS = {Table.LOCAL_PART: (_warn_of_writers,), Table.VIRTUAL: (_warn_of_writers, _warn_of_no_domains)}


@frozen
class _RestartWarning:
    """Tells when a configuration says to listen elsewhere than where this process listens."""

    listening: tuple[Listener, ...]

    def __call__(self, configuration: Configuration) -> None:
        wanted = configured_listeners(configuration)
        if wanted != self.listening:
            _log.warn(
                "HOST, PORT or LISTEN is another now, which needs a restart: listening on {listening}, the file says "
                "{wanted}",
                listening=", ".join(map(str, self.listening)),
                wanted=", ".join(map(str, wanted)),
            )


@frozen
class _MetricsRestartWarning:
    """Tells when a configuration says to serve the metrics elsewhere than where this process does, or whether to."""

    serving: Address | None

    def __call__(self, configuration: Configuration) -> None:
        wanted = configuration.settings.metrics
        if wanted != self.serving:
            _log.warn(
                "METRICS is another now, which needs a restart: the metrics are {serving}, the file says {wanted}",
                serving=self.serving or "off",
                wanted=wanted or "off",
            )
