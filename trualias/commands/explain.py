"""`trualias explain`: why an address is accepted, or why it is not."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.options import add_config, add_json, configuration_path
from trualias.commands.output import console, write_json
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import Table
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
        help="tell why an address is accepted or not",
        description="Tell for each key what a server would answer, and why: which statements were compared with it, "
        "the nearest first, how each reads it, what its code should have been, and where it goes wrong. A key with an "
        "@ is asked as the virtual server would be, another as the table server.",
        epilog="Example: trualias explain -c conf/tcp_table_server.conf.sample pinky-macys-m6. Exit status: 0 if every "
        "key is answered with an account, 1 if not, 2 for a configuration that cannot be used.",
    )
    add_config(command)
    add_json(command)
    server = command.add_mutually_exclusive_group()
    server.add_argument("--virtual", action="store_true", help="ask every key as the virtual server would be")
    server.add_argument("--table", action="store_true", help="ask every key as the table server would be")
    command.add_argument("--all", action="store_true", help="tell all statements and readings, not only the nearest")
    command.add_argument("keys", metavar="KEY", nargs="+", help="what to explain: a local part, or a whole address")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Explain the keys and return the exit status; raises `NoConfiguration` and `ConfigurationErrors`."""
    from trualias.commands.explain_case import evaluate
    from trualias.commands.explain_text import for_programs, is_accepted, print_case

    kinds = {_kind(arguments, key) for key in arguments.keys}
    snapshot = load_snapshot(
        configuration_path(arguments, Table.VIRTUAL if Table.VIRTUAL in kinds else Table.LOCAL_PART)
    )
    keep = _EVERYTHING if arguments.all else _FEW
    cases = [evaluate(snapshot, key, _kind(arguments, key), keep) for key in map(_text, arguments.keys)]
    if arguments.json:
        configuration = snapshot.configuration
        keys = [for_programs(case, configuration) for case in cases]
        write_json(terminal.output, {"configuration": configuration.name, "keys": keys})
    else:
        out = console(terminal.output)
        for case in cases:
            print_case(case, snapshot.configuration, keep, out)
    return _ACCEPTED if all(map(is_accepted, cases)) else _REFUSED


def _kind(arguments: Namespace, key: str) -> Table:
    """The server that a key is meant for."""
    if arguments.virtual or (not arguments.table and "@" in key):
        return Table.VIRTUAL
    return Table.LOCAL_PART


def _text(argument: str) -> str:
    """The text of an argument; bytes that are none become a character that no alias has."""
    return os.fsencode(argument).decode("utf-8", "replace")
