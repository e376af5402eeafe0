"""Options that several commands share."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from trualias.configuration.locations import NoConfiguration, find_configuration
from trualias.configuration.tables import Table
from trualias.state_files import state_directory

_DEFAULT_STATE = "/var/lib/trualias"


def add_config(command: ArgumentParser) -> None:
    """Declare ``-c FILE``."""
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration; by default the one that the servers would find"
    )


def add_state_directory(command: ArgumentParser, *shorter: str) -> None:
    """Declare ``--state-directory DIR``, and shorter names of it."""
    command.add_argument(
        "--state-directory",
        *shorter,
        metavar="DIR",
        help=f"the state directory of the servers; by default $STATE_DIRECTORY or {_DEFAULT_STATE}",
    )


def state_directory_path(given: str | None) -> str:
    """Return the path of the state directory of the servers: the given one, or the first of systemd's."""
    return state_directory(given, os.environ) or _DEFAULT_STATE


def add_json(command: ArgumentParser, text: str = "print one JSON text, for programs") -> None:
    """Declare ``--json``, and what it does."""
    command.add_argument("--json", action="store_true", help=text)


def add_table(command: ArgumentParser) -> None:
    """Declare ``--virtual`` and ``--table``, which override the choice of the table by the key."""
    table = command.add_mutually_exclusive_group()
    table.add_argument("--virtual", action="store_true", help="look up every key as the virtual server does")
    table.add_argument("--table", action="store_true", help="look up every key as the table server does")


def table_of_key(arguments: Namespace, key: str) -> Table:
    """Return the table to look a key up in: the virtual one for a key with an ``@``, unless an option names one."""
    if arguments.virtual or (not arguments.table and "@" in key):
        return Table.VIRTUAL
    return Table.LOCAL_PART


def preferred_table(arguments: Namespace, keys: Iterable[str]) -> Table:
    """Return the table whose server's configuration is searched first for some keys."""
    return Table.VIRTUAL if any(table_of_key(arguments, key) is Table.VIRTUAL for key in keys) else Table.LOCAL_PART


def configuration_path(arguments: Namespace, preferred: Table) -> str:
    """Return the path of the given configuration, or of one that a server would find.

    The server of the ``preferred`` table comes first.

    Raises:
        NoConfiguration: no file is given, and neither server would find one.
    """
    if arguments.config is not None:
        return str(arguments.config)
    try:
        return find_configuration(preferred)
    except NoConfiguration:
        other = Table.LOCAL_PART if preferred is Table.VIRTUAL else Table.VIRTUAL
        try:
            return find_configuration(other)
        except NoConfiguration:
            pass
        raise
