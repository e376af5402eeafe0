"""What several commands understand in the same way."""

from argparse import ArgumentParser, Namespace

from trualias.configuration.locations import NoConfiguration, find_configuration
from trualias.configuration.tables import Table


def add_config(command: ArgumentParser) -> None:
    """Declare `-c FILE`."""
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration; by default it is looked for as the servers do"
    )


def add_json(command: ArgumentParser) -> None:
    """Declare `--json`."""
    command.add_argument("--json", action="store_true", help="print one JSON text, for programs")


def configuration_path(arguments: Namespace, first: Table) -> str:
    """The path of the configuration: the file that was named, or where a server, the first choice first, finds it.

    Raises `NoConfiguration`.
    """
    if arguments.config is not None:
        return str(arguments.config)
    try:
        return find_configuration(first)
    except NoConfiguration:
        other = Table.LOCAL_PART if first is Table.VIRTUAL else Table.VIRTUAL
        try:
            return find_configuration(other)
        except NoConfiguration:
            pass
        raise
