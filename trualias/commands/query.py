"""``trualias query``: the answers of a server, without a server."""

import os
import traceback
from argparse import ArgumentParser, Namespace
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, assert_never

from trualias.commands.terminal import Terminal
from trualias.configuration.locations import find_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, BudgetExceeded, Found, Lookup, NotFound, describe
from trualias.lookup.loading import load_snapshot
from trualias.messages import escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_ALL_FOUND = 0
_NOT_ALL_FOUND = 1


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Declare the command."""
    command = commands.add_parser(
        "query",
        help="answer lookup keys as a server would, without a server",
        description="Print a line KEY<TAB>VALUE for each key that a server with this configuration would find. "
        "Messages that a server would log, such as a warning about an ambiguous address, go to standard error.",
        epilog="Exit status: 0 if every key was found, 1 if not, 2 for a configuration that cannot be used.",
    )
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration; by default the one that the server would find"
    )
    command.add_argument(
        "--virtual",
        action="store_true",
        help="look up whole addresses, as trualias-virtual does, instead of local parts, as trualias-table does",
    )
    command.add_argument(
        "keys",
        metavar="KEY",
        nargs="*",
        help="a key to look up; with - alone, or without keys, they are read from standard input, one a line",
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Look up the keys and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    table = Table.VIRTUAL if arguments.virtual else Table.LOCAL_PART
    snapshot = load_snapshot(arguments.config or find_configuration(table))
    lookup = snapshot.tables[table]
    # A hook can return any text: a pipe gets it unchanged, a terminal without characters that it would interpret.
    show = escaped if terminal.output.isatty() else str
    status = _ALL_FOUND
    for key in _keys(arguments.keys, terminal):
        value = None if key is None else _value(lookup, key, terminal)
        if key is None or value is None:
            status = _NOT_ALL_FOUND
        else:
            terminal.output.write(f"{show(key)}\t{show(value)}\n")
    return status


def _keys(arguments: Sequence[str], terminal: Terminal) -> Iterator[str | None]:
    """Yield the keys to look up, None for a key that is not UTF-8 and therefore not an alias."""
    if arguments in ([], ["-"]):
        first = terminal.input.readline().removeprefix(BOM_UTF8)
        lines = (line.rstrip(b"\r\n") for line in chain([first], terminal.input))
        raw = (line for line in lines if line)
    else:
        raw = (os.fsencode(argument) for argument in arguments)
    for key in raw:
        try:
            yield key.decode("utf-8")
        except UnicodeDecodeError:
            yield None


def _value(lookup: Lookup, key: str, terminal: Terminal) -> str | None:
    """Look a key up and write what a server would log; return None if the server would not answer with a value."""
    try:
        answer = lookup(key)
    except Exception:
        terminal.errors.write(f"{escaped(key)}: the lookup failed\n{_traceback()}")
        return None
    match answer:
        case NotFound():
            return None
        case Found(value, readings=1):
            return value
        case Found(value) | Ambiguous(_, value):
            pass
        case BudgetExceeded():
            value = None
        case _:
            assert_never(answer)
    terminal.errors.write(f"{escaped(key)}: {escaped(describe(answer))}\n")
    return value


def _traceback() -> str:
    """Return the traceback of the current exception, with its control characters escaped."""
    return "\n".join(map(escaped, traceback.format_exc().split("\n")))
