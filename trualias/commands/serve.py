"""``trualias serve``: the server of a configuration, in the foreground."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import trualias
from trualias.commands.options import add_config, configuration_path
from trualias.commands.overview import add_command
from trualias.commands.terminal import OutputError, Terminal
from trualias.configuration import Settings, read_configuration
from trualias.configuration.tables import Table
from trualias.messages import escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

# The folder of the package is searched last: it matters only for a source tree that is not installed. Ctrl-C ends the
# process without a traceback also before the reactor runs.
_TWISTD = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "sys.excepthook = lambda kind, *rest: kind is KeyboardInterrupt or sys.__excepthook__(kind, *rest); "
    "from twisted.scripts.twistd import run; run()"
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "serve",
        description="Run the server that a configuration asks for, with its log on the terminal, until Ctrl-C: the "
        "virtual server if ALIAS DOMAINS is set, the table server if not. It is the same server as twistd "
        "trualias-virtual or twistd trualias-table, which have more options and are meant for services.",
        exit_status="that of the server; 2 for a configuration that cannot be used",
    )
    add_config(command)
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Replace this process by the server.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    path = configuration_path(arguments, Table.VIRTUAL)
    table = served_table(read_configuration(path).settings)
    # Mail waits for the server, and not for its log: it starts also where this cannot be written.
    with suppress(OutputError):
        terminal.output.write(f"trualias-{table.value} serves {escaped(path)}; Ctrl-C stops it.\n")
        terminal.output.flush()
    command = server_command(path, table)
    # A new program image, so that the server starts as under twistd: with the signals that it expects, and its imports
    # in their order.
    os.execv(command[0], command)


def served_table(settings: Settings) -> Table:
    """Return the table whose server a configuration asks for."""
    return Table.VIRTUAL if settings.alias_domains else Table.LOCAL_PART


def server_command(path: str, table: Table) -> list[str]:
    """Return the command line of a table's server with the configuration at ``path``, in this interpreter."""
    folder = str(Path(trualias.__file__).resolve().parent.parent)
    server = f"trualias-{table.value}"
    # -P: no module of the working directory is imported, as with the script twistd.
    return [sys.executable, "-P", "-c", _TWISTD, folder, "--nodaemon", "--pidfile=", server, "--config", path]
