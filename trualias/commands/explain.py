"""``trualias explain``: why an address is accepted or not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.lookup_keys import add_keys, given_keys, raw_keys
from trualias.commands.options import (
    add_config,
    add_json,
    add_table,
    configuration_path,
    preferred_table,
    table_of_key,
)
from trualias.commands.output import Output, write_json
from trualias.commands.overview import add_command
from trualias.commands.stored_states import with_stored_states
from trualias.commands.terminal import Terminal
from trualias.lookup.loading import load_snapshot

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_ACCEPTED = 0
_REFUSED = 1
_EVERYTHING = 1_000_000
_FEW = 3


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "explain",
        description="Print the answer of a server to each key, and its reason: the statements that were compared with "
        "the key, the nearest first, how each reads it, the right code, and where the key goes wrong. A key with an @ "
        "is looked up as the virtual server does, any other as the table server does.",
        exit_status="0 if every key is answered with an account, 1 if not, 2 for a configuration that cannot be used",
    )
    add_config(command)
    add_json(command)
    add_table(command)
    command.add_argument("--all", action="store_true", help="print all statements and readings, not only the nearest")
    add_keys(command, "a local part, or a whole address")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Explain the keys and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    from trualias.commands.explain_case import evaluate
    from trualias.commands.explain_text import for_programs, is_accepted, print_case

    given = given_keys(arguments.keys)
    path = configuration_path(arguments, preferred_table(arguments, given))
    snapshot = with_stored_states(load_snapshot(path), terminal)
    most = _EVERYTHING if arguments.all else _FEW
    configuration, out = snapshot.configuration, Output(terminal.output)
    status, for_json = _ACCEPTED, []
    for raw in raw_keys(given, terminal):
        key = raw.decode("utf-8", "replace")  # what is not UTF-8 becomes a character that no alias contains
        case = evaluate(snapshot, key, table_of_key(arguments, key), most)
        if not is_accepted(case):
            status = _REFUSED
        if arguments.json:
            for_json.append(for_programs(case, configuration))
        else:
            print_case(case, configuration, most, out)
    if arguments.json:
        write_json(terminal.output, {"configuration": configuration.name, "keys": for_json})
    return status
