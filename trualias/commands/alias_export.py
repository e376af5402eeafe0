"""``trualias alias export``: all that the store knows of aliases, for other programs."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from trualias.commands.alias_text import entry_json, sender_json
from trualias.commands.csv_cells import with_guard
from trualias.commands.memory import DONE, AddAction, Memory
from trualias.commands.options import add_json
from trualias.commands.output import write_json_array
from trualias.commands.owners import add_account, entries_of, known_owner
from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.store.records import Entry

_SENDER_COLUMNS = ("sender", "first_seen", "last_seen", "accepted", "refused", "expected")


def add_to(add: AddAction) -> None:
    """Declare the action."""
    action = add(
        "export",
        _export,
        "write all aliases as CSV or JSON",
        "Write all that the store knows of each alias as CSV or JSON, or of each sender of each alias. Import takes "
        "the column address of the CSV.",
        "--format csv",
        to_change=False,
    )
    action.add_argument(
        "--format",
        choices=("csv", "json"),
        default="csv",
        help="csv, whose first line has the names of the columns, or json",
    )
    action.add_argument(
        "--senders", action="store_true", help="in CSV a line for each sender of an alias; in JSON the senders of each"
    )
    add_json(action, "the same as --format json")
    add_account(action)


def _export(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    entries = entries_of(memory, known_owner(memory, arguments.account))
    if arguments.json or arguments.format == "json":
        write_json_array(terminal.output, (_object(memory, entry, arguments.senders) for entry in entries))
    elif arguments.senders:
        _write_csv(terminal.output, ("address", "account", *_SENDER_COLUMNS), _sender_rows(memory, entries))
    else:
        columns = tuple(_cells(Entry("", "", AliasState.ACTIVE, "", 0)))
        _write_csv(terminal.output, columns, map(_cells, entries))
    return DONE


def _object(memory: Memory, entry: Entry, with_senders: bool) -> dict[str, object]:
    found = entry_json(entry)
    if with_senders:
        found["senders"] = [sender_json(sender) for sender in memory.store.senders(entry.key)]
    return found


def _write_csv(stream: TextIO, columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return with_guard(" ".join(map(str, value)))
        case _:
            return with_guard(str(value))


def _cells(entry: Entry) -> dict[str, object]:
    """Return the cells of an alias: what the JSON has, and the senders of a lock, or ``first``."""
    lock = None if entry.lock is None else list(entry.lock.senders) or "first"
    return {**entry_json(entry), "lock": lock}


def _sender_rows(memory: Memory, entries: Iterable[Entry]) -> Iterator[Mapping[str, object]]:
    for entry in entries:
        for sender in memory.store.senders(entry.key):
            yield {"address": entry.address, "account": entry.account, **sender_json(sender)}
