"""The options of the two servers for twistd, and the reactor that they run on."""

import atexit
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import cast

from twisted.application.service import MultiService
from twisted.logger import globalLogBeginner
from twisted.python.usage import Options

from trualias.configuration.locations import NoConfiguration, default_paths, find_configuration
from trualias.configuration.tables import Table
from trualias.server.application import Application, Reactor, UnusableEndpoint
from trualias.server.daemon_thread import DaemonThread, Worker
from trualias.server.first_load import CannotStart
from trualias.server.kept_copy import latest_copy
from trualias.server.log_queue import LogQueue
from trualias.server.monotonic_clock import use_monotonic_clock
from trualias.server.stop_signals import StopSignals
from trualias.server.twisted_internals import omit_log_contexts
from trualias.state_files import state_directory


class ServerOptions(Options):
    """The options of both servers; a subclass sets the table as ``kind``."""

    kind: Table
    synopsis = "[options]"
    optParameters = [
        ["config", "c", None, "The configuration file. Without it, the first that exists of the paths below."],
        [
            "state",
            "s",
            None,
            "The directory for a copy of the configuration and for the status. Without it, systemd's.",
        ],
    ]
    optFlags = [
        [
            "no-fallback",
            None,
            "Do not start from the kept copy, and do not compare it, if the file has errors or is gone.",
        ],
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


def critical(message: str) -> str:
    """Mark each line of a message as critical, sd-daemon(3), if standard error is the journal.

    The reason of a failed start does not pass the log, which is not open yet.
    """
    # Imported here, it does not delay a start that succeeds.
    from trualias.observers import is_journal

    if not is_journal(sys.stderr, os.environ):
        return message
    return "\n".join(f"<2>{line}" for line in message.splitlines())


def _configuration_path(options: ServerOptions, state: str | None) -> str:
    """Return the absolute path of the configuration, since twistd can change the working directory later.

    If no file is at a default path, it is that of the latest kept copy. Raises ``NoConfiguration``.
    """
    try:
        return os.path.abspath(options["config"] or find_configuration(options.kind))
    except NoConfiguration:
        kept = latest_copy(state, options.kind) if state and not options["no-fallback"] else None
        if kept is None:
            raise
        return kept.path


def make_service(
    options: ServerOptions, reactor: Reactor | None = None, make_worker: Callable[[str], Worker] | None = None
) -> MultiService:
    """Load the configuration and make the server.

    ``reactor`` is the global one by default, and ``make_worker`` makes daemon threads by default.

    Raises SystemExit with a message for the user if there is no configuration, if it has errors, or if an endpoint
    cannot be used.
    """
    if reactor is None:
        from twisted.internet import reactor as global_reactor

        reactor = cast(Reactor, global_reactor)
        use_monotonic_clock(reactor)
        omit_log_contexts(reactor)
        _prepare_process(reactor)
    try:
        state = state_directory(options["state"], os.environ)
        path = _configuration_path(options, state)
        application = Application(
            options.kind,
            path,
            options["endpoints"],
            reactor,
            make_worker or partial(DaemonThread, reactor),
            os.environ,
            state,
            fallback=not options["no-fallback"],
        )
    except UnusableEndpoint as problem:
        raise SystemExit(critical(f"--endpoint {problem}")) from None
    except (NoConfiguration, CannotStart) as error:
        raise SystemExit(critical(str(error))) from None
    return application.make_service()


def _prepare_process(reactor: Reactor) -> None:
    """Install the log's queue and the stop signals: neither a log nor a hook delays lookups or the process' end."""
    log = LogQueue()
    signals = StopSignals(reactor, reactor.stop, log)
    log.install(globalLogBeginner)
    for function in (log.start, signals.install):
        reactor.callWhenRunning(function)
    atexit.register(signals.end)
