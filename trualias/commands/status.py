"""``trualias status``: whether the servers run, and with what configuration."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from trualias.commands.options import add_state_directory, state_directory_path
from trualias.commands.output import Output
from trualias.commands.overview import add_command
from trualias.commands.status_text import describe
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import SERVER_TABLES
from trualias.errors import NoUsableConfiguration
from trualias.monitoring.status import Status, UnusableStatus, boot_id, status_clock, status_file_name

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
        description="Print for each table whether its server runs, since when, and with what configuration, from the "
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
    state = Path(state_directory_path(arguments.state_directory))
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


def _read_states(state: Path, tables: list[str], terminal: Terminal) -> int:
    """Print what the servers wrote into the state directory."""
    known = [table.value for table in SERVER_TABLES]
    boot, now = boot_id(), status_clock()
    running, problems = set(), set()
    for table in known:
        try:
            path = state / status_file_name(table)
            status = Status.from_json(path.read_bytes())
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            text = "not running"
        except OSError as error:
            text = f"unknown: {error.filename} cannot be read: {error.strerror}"
            problems.add(table)
        except UnusableStatus:
            text = f"unknown: {state / status_file_name(table)} is damaged"
            problems.add(table)
        else:
            text = describe(status)
            if not status.is_fresh(boot, now, age):
                text = f"hangs, or ended without notice; its last status was: {text}"
                problems.add(table)
            elif status.problem:
                problems.add(table)
            else:
                running.add(table)
        if table in (tables or known):
            Output(terminal.output).print(f"{table}: {text}")
    if tables:
        return _RUNNING if running.issuperset(tables) else _NOT_RUNNING
    return _RUNNING if running and not problems else _NOT_RUNNING
