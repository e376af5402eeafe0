"""``trualias status``: whether the servers run, and with what configuration."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import suppress
from typing import TYPE_CHECKING

from trualias.commands.options import add_state_directory, state_directory_path
from trualias.commands.output import Output
from trualias.commands.overview import add_command
from trualias.commands.status_text import describe
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import SERVER_TABLES
from trualias.errors import NoUsableConfiguration
from trualias.monitoring.status import UnusableStatus
from trualias.monitoring.status_files import read_status, status_paths

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_RUNNING = 0
_NOT_RUNNING = 1
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "status",
        description="Print for each table whether its servers run, since when, and with what configuration, from the "
        "files that running servers write into their state directory every ten seconds and after each load. A server "
        "that has not written for 30 seconds hangs or is gone. With -c, ask the sockets instead: connect to each "
        "address of the configuration, look up the addresses of its EXPECT statements, and compare the "
        "answers with the file's.",
        exit_status="0 if the servers run (and answer as the file says), 1 if one does not, 2 for wrong "
        "arguments or a configuration that cannot be used",
    )
    command.add_argument("-c", "--config", metavar="FILE", help="ask the server of this configuration by its sockets")
    add_state_directory(command, "--state")
    command.add_argument(
        "tables",
        metavar="TABLE",
        nargs="*",
        help="the tables whose servers must run: table, virtual; by default at least one must run, and none may hang",
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print the status of each server, and return the exit status."""
    state = state_directory_path(arguments.state_directory)
    known = [table.value for table in SERVER_TABLES]
    for name in arguments.tables:
        if name not in known:
            arguments.command_line(("status",)).error(f"unknown table {name!r}; expected {' or '.join(known)}")
    if arguments.config is not None:
        # It needs the lookups and the processes, which take longer to import than everything else.
        from trualias.commands.status_by_sockets import ask_sockets

        try:
            is_running = ask_sockets(arguments.config, state, arguments.tables, terminal)
        except NoUsableConfiguration as error:
            terminal.errors.write(
                f"{error}\na server that runs already keeps the configuration that it has loaded before; without -c, "
                "trualias status shows whether it runs\n"
            )
            return _UNUSABLE
        return _RUNNING if is_running else _NOT_RUNNING
    return _read_states(state, arguments.tables, terminal)


def _read_states(state: str, tables: list[str], terminal: Terminal) -> int:
    """Print what the servers wrote into the state directory."""
    output = Output(terminal.output)
    running: set[str] = set()
    problems: set[str] = set()
    for table in [each.value for each in SERVER_TABLES if not tables or each.value in tables]:
        found = _servers(state, table)
        for text, is_running in found:
            (running if is_running else problems).add(table)
            output.print(f"{table}: {text}")
        if not found:
            output.print(f"{table}: not running")
    if tables:
        return _RUNNING if (running - problems).issuperset(tables) else _NOT_RUNNING
    return _RUNNING if running and not problems else _NOT_RUNNING


def _servers(state: str, table: str) -> list[tuple[str, bool]]:
    """Return the text for each status of a table's servers, and whether it shows a server that runs and listens."""
    found = []
    try:
        for path in status_paths(state, table):
            with suppress(FileNotFoundError):  # the server has just stopped
                found.append(_server(path))
    except OSError as error:
        found.append((f"unknown: {error.filename} cannot be read: {error.strerror}", False))
    return found


def _server(path: str) -> tuple[str, bool]:
    try:
        status, is_fresh = read_status(path)
    except UnusableStatus:
        return f"unknown: {path} is damaged", False
    if not is_fresh:
        return f"hangs, or ended without notice; its last status was: {describe(status)}", False
    return describe(status), not status.problem
