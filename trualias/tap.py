"""The options of the two servers for twistd, and the reactor that they run on."""

import atexit
import os
from typing import cast

from twisted.application.service import MultiService
from twisted.logger import globalLogBeginner
from twisted.python.usage import Options

from trualias.configuration.locations import NoConfiguration, default_paths, find_configuration
from trualias.configuration.tables import Table
from trualias.language.source import ConfigurationErrors
from trualias.server.application import Application, Reactor, UnusableEndpoint
from trualias.server.load_thread import RunInThread, start_load_thread
from trualias.server.log_queue import LogQueue
from trualias.server.monotonic_clock import use_monotonic_clock
from trualias.server.stop_signals import StopSignals


class ServerOptions(Options):
    """The options of both servers; a subclass sets the table as ``kind``."""

    kind: Table
    synopsis = "[options]"
    optParameters = [
        ["config", "c", None, "The configuration file. Without it, the first that exists of the paths below."],
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
        """Return the help, with the default paths of the configuration."""
        paths = "".join(f"    {path}\n" for path in default_paths(self.kind))
        return f"{super().getUsage(width)}\nThe configuration is looked for at:\n{paths}"


def make_service(
    options: ServerOptions, reactor: Reactor | None = None, run_in_thread: RunInThread | None = None
) -> MultiService:
    """Load the configuration and make the server.

    ``reactor`` is the global one by default, and ``run_in_thread`` runs loads in a thread of their own by default.

    Raises SystemExit with a message for the user if there is no configuration, if it has errors, or if an endpoint
    cannot be used.
    """
    if reactor is None:
        from twisted.internet import reactor as global_reactor

        reactor = cast(Reactor, global_reactor)
        use_monotonic_clock(reactor)
        _prepare_process(reactor)
    try:
        # twistd can change the working directory later.
        path = os.path.abspath(options["config"] or find_configuration(options.kind))
        application = Application(
            options.kind,
            path,
            options["endpoints"],
            reactor,
            run_in_thread or start_load_thread(reactor),
            os.environ,
        )
    except UnusableEndpoint as problem:
        raise SystemExit(f"--endpoint {problem}") from None
    except (NoConfiguration, ConfigurationErrors) as error:
        raise SystemExit(str(error)) from None
    return application.make_service()


def _prepare_process(reactor: Reactor) -> None:
    """Let neither the log nor a hook hold up lookups or the end of the process."""
    log = LogQueue()
    signals = StopSignals(reactor, reactor.stop, log)
    log.install(globalLogBeginner)
    for function in (log.start, signals.install):
        reactor.callWhenRunning(function)
    atexit.register(signals.end)
