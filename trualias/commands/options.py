"""Options that several commands share."""

from argparse import ArgumentParser, Namespace

from trualias.configuration.locations import NoConfiguration, find_configuration
from trualias.configuration.tables import Table


def add_config(command: ArgumentParser) -> None:
    """Declare ``-c FILE``."""
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration; by default the one that the servers would find"
    )


def add_json(command: ArgumentParser) -> None:
    """Declare ``--json``."""
    command.add_argument("--json", action="store_true", help="print one JSON text, for programs")


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
