"""``trualias query``: the answers of a server, without a server."""

import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
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
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.stored_states import with_stored_states
from trualias.commands.terminal import Terminal
from trualias.lookup import Ambiguous, Answer, Found, Lookup, NotFound, describe
from trualias.lookup.loading import load_snapshot
from trualias.messages import escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_ALL_FOUND = 0
_NOT_ALL_FOUND = 1


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "query",
        description="Print a line KEY<TAB>VALUE for each key that a server with this configuration would find. A key "
        "with an @ is looked up as the virtual server does, any other as the table server does. Messages that a server "
        "would log, such as a warning about an ambiguous address, go to standard error.",
        exit_status="0 if every key was found, 1 if not, 2 for a configuration that cannot be used",
    )
    add_config(command)
    add_json(command)
    add_table(command)
    add_keys(command, "a key to look up")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Look up the keys and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    keys = given_keys(arguments.keys)
    path = configuration_path(arguments, preferred_table(arguments, keys))
    snapshot = with_stored_states(load_snapshot(path), terminal)
    # A hook can return any text: a pipe gets it unchanged, a terminal without characters that it would interpret.
    show = escaped if terminal.output.isatty() else str
    status = _ALL_FOUND
    results = []
    for key in _keys(keys, terminal):
        table = table_of_key(arguments, key or "")
        answer = None if key is None else _look_up(snapshot.tables[table], key, terminal)
        value = answer.value if isinstance(answer, Found | Ambiguous) else None
        if value is None:
            status = _NOT_ALL_FOUND
        if arguments.json:
            is_kept = isinstance(answer, Found) and answer.is_kept
            # Without a store, the output is as it was before there were any.
            kept = {"kept": is_kept} if snapshot.configuration.settings.store else {}
            results.append({"key": key, "table": table.value, "found": value is not None, "value": value, **kept})
        elif key is not None and value is not None:
            terminal.output.write(f"{show(key)}\t{show(value)}\n")
    if arguments.json:
        write_json(terminal.output, {"configuration": snapshot.configuration.name, "keys": results})
    return status


def _keys(given: Sequence[str], terminal: Terminal) -> Iterator[str | None]:
    """Yield the keys to look up, None for a key that is not UTF-8 and therefore not an alias."""
    for key in raw_keys(given, terminal):
        try:
            yield key.decode("utf-8")
        except UnicodeDecodeError:
            yield None


def _look_up(lookup: Lookup, key: str, terminal: Terminal) -> Answer | None:
    """Look a key up and write what a server would log; return None if the lookup failed."""
    try:
        answer = lookup(key)
    except Exception:
        terminal.errors.write(f"{escaped(key)}: the lookup failed\n{_traceback()}")
        return None
    if not isinstance(answer, NotFound) and not (isinstance(answer, Found) and answer.readings == 1):
        terminal.errors.write(f"{escaped(key)}: {escaped(describe(answer))}\n")
    return answer


def _traceback() -> str:
    """Return the traceback of the current exception, with its control characters escaped."""
    return "\n".join(map(escaped, traceback.format_exc().split("\n")))
