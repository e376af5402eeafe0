"""``trualias explain``: why an address is accepted or not."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.options import (
    add_config,
    add_json,
    add_table,
    configuration_path,
    preferred_table,
    table_of_key,
)
from trualias.commands.output import Output, write_json
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
    command = commands.add_parser(
        "explain",
        help="explain why an address is accepted or not",
        description="Print the answer of a server to each key, and its reason: the statements that were compared with "
        "the key, the nearest first, how each reads it, the right code, and where the key goes wrong. A key with an @ "
        "is looked up as the virtual server does, any other as the table server does.",
        epilog="Example: trualias explain -c conf/tcp_table_server.conf.sample pinky-macys-m6. Exit status: 0 if every "
        "key is answered with an account, 1 if not, 2 for a configuration that cannot be used.",
    )
    add_config(command)
    add_json(command)
    add_table(command)
    command.add_argument("--all", action="store_true", help="print all statements and readings, not only the nearest")
    command.add_argument("keys", metavar="KEY", nargs="+", help="a local part, or a whole address")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Explain the keys and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    from trualias.commands.explain_case import evaluate
    from trualias.commands.explain_text import for_programs, is_accepted, print_case

    path = configuration_path(arguments, preferred_table(arguments, arguments.keys))
    snapshot = with_stored_states(load_snapshot(path), terminal)
    most = _EVERYTHING if arguments.all else _FEW
    cases = [evaluate(snapshot, key, table_of_key(arguments, key), most) for key in map(_text, arguments.keys)]
    if arguments.json:
        configuration = snapshot.configuration
        keys = [for_programs(case, configuration) for case in cases]
        write_json(terminal.output, {"configuration": configuration.name, "keys": keys})
    else:
        out = Output(terminal.output)
        for case in cases:
            print_case(case, snapshot.configuration, most, out)
    return _ACCEPTED if all(map(is_accepted, cases)) else _REFUSED


def _text(argument: str) -> str:
    """Decode an argument; bytes that are not UTF-8 become a character that no alias contains."""
    return os.fsencode(argument).decode("utf-8", "replace")
