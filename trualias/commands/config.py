"""``trualias config``: the layout of a configuration file, and what all its files say together."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.options import add_config, configuration_path
from trualias.commands.overview import add_command
from trualias.commands.terminal import Terminal
from trualias.configuration import read_configuration
from trualias.configuration.tables import Table
from trualias.messages import escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_DONE = 0
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "config",
        description="format: print a file in the layout of the samples, with all its comments and the same meaning. "
        "show: print everything that a configuration says, with the files that it includes and the defaults of all "
        "settings, as one configuration whose comments say where each part comes from.",
        exit_status="0, 2 for a file with errors or one that cannot be written",
    )
    add_config(command)
    command.add_argument("--write", action="store_true", help="format: write the file instead of printing it")
    command.add_argument("action", metavar="ACTION", choices=["format", "show"], help="format or show")
    command.add_argument("file", metavar="FILE", nargs="?", help="the configuration, as with -c")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print or write the file and return the exit status.

    Raises:
        NoConfiguration: no file is given or found.
        ConfigurationErrors: the file cannot be read or has errors.
    """
    if arguments.file is not None and arguments.config is not None:
        terminal.errors.write("one file at a time: it is given twice, as FILE and with -c\n")
        return _UNUSABLE
    arguments.config = arguments.config or arguments.file
    path = configuration_path(arguments, Table.VIRTUAL)
    if arguments.action == "show":
        from trualias.commands.config_text import everything

        terminal.output.write(everything(read_configuration(path)))
        return _DONE
    return _format(path, arguments.write, terminal)


def _format(path: str, write: bool, terminal: Terminal) -> int:
    from trualias.configuration.includes import read_text
    from trualias.configuration.settings_reader import unknown_name
    from trualias.language.layout import format_text

    # Another file, such as a log, can have lines that look like settings.
    formatted = format_text(read_text(path), path, unknown_name)
    if not write:
        terminal.output.write(formatted)
        return _DONE
    try:
        _replace(os.path.realpath(path), formatted.encode())
    except FileExistsError as error:
        # A write that was interrupted leaves it, and it may be of another write that goes on.
        terminal.errors.write(
            f"{escaped(path)} cannot be written: {escaped(error.filename)} is there already; remove it\n"
        )
        return _UNUSABLE
    except OSError as error:
        terminal.errors.write(f"{escaped(path)} cannot be written: {error.strerror}\n")
        return _UNUSABLE
    return _DONE


def _replace(path: str, content: bytes) -> None:
    """Put a new file in the place of another, with its owner and mode; raise OSError.

    At any time the path leads to the whole old file or to the whole new one, which a server may load.
    """
    status = os.stat(path)
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, status.st_mode & 0o7777)
        os.replace(new, path)
    except OSError:
        os.unlink(new)
        raise
