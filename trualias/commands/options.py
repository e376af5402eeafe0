"""What several commands understand in the same way."""

from argparse import ArgumentParser, Namespace

from trualias.configuration.locations import Kind, NoConfiguration, find_configuration


def add_config(command: ArgumentParser) -> None:
    """Declare `-c FILE`."""
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration; by default it is looked for as the servers do"
    )


def add_json(command: ArgumentParser) -> None:
    """Declare `--json`."""
    command.add_argument("--json", action="store_true", help="print one JSON text, for programs")


def configuration_path(arguments: Namespace, first: Kind) -> str:
    """The path of the configuration: the file that was named, or where a server, the first choice first, finds it.

    Raises `NoConfiguration`.
    """
    if arguments.config is not None:
        return str(arguments.config)
    try:
        return find_configuration(first)
    except NoConfiguration:
        other = Kind.TABLE if first is Kind.VIRTUAL else Kind.VIRTUAL
        try:
            return find_configuration(other)
        except NoConfiguration:
            pass
        raise
