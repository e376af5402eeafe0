"""``trualias store``: check, back up and adopt the store of the memory."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trualias.commands.alias_text import describe_state, lock_json, state_json
from trualias.commands.memory import (
    DONE,
    REFUSED,
    UNUSABLE,
    Memory,
    Refused,
    actor,
    add_memory,
    copies,
    load,
    open_store,
    with_memory,
)
from trualias.commands.options import add_json
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import PLAIN, AliasKey, AliasRecord, AliasState
from trualias.lookup.locks import Lock
from trualias.messages import escaped, number_of
from trualias.store.interface import Store, StoreChanged, StoreUnusable
from trualias.store.records import KEEP, Change, Keep, Position
from trualias.store.sqlite_file import create, upgrade
from trualias.store.states_copy import StatesCopy

if TYPE_CHECKING:
    from argparse import _SubParsersAction


_EXIT_STATUS = (
    "0 if all is well, 1 if there is something to put right, 2 for a configuration or a store that cannot be used"
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command and its actions."""
    command = add_command(
        commands, "store", description="Look after the STORE of the configuration.", exit_status=_EXIT_STATUS
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    checking = actions.add_parser(
        "check",
        help="check the store",
        description="Check that the store is whole, and that it is the one whose states the servers have in force.",
        epilog=f"Example: trualias store check. Exit status: {_EXIT_STATUS}.",
    )
    checking.set_defaults(run=with_memory(_check))
    saving = actions.add_parser(
        "backup",
        help="write a copy of the store",
        description="Write a copy of the store to a new file, while servers and commands use it.",
        epilog=f"Example: trualias store backup /var/backups/memory.sqlite. Exit status: {_EXIT_STATUS}.",
    )
    saving.add_argument("file", metavar="FILE", help="the new file")
    saving.set_defaults(run=with_memory(_backup))
    adopting = actions.add_parser(
        "adopt",
        help="use a store that is not the one in force",
        description="Make the servers use the store that is there, although it is older than the one whose states they "
        "have in force, another one, or missing. The states in force that are stricter are written into it.",
        epilog=f"Example: trualias store adopt. Exit status: {_EXIT_STATUS}.",
    )
    fate = adopting.add_mutually_exclusive_group()
    fate.add_argument("--merge", action="store_true", help="write the stricter states in force into it, the default")
    fate.add_argument(
        "--discard", action="store_true", help="do not write the states in force into it: they are listed, and lost"
    )
    adopting.set_defaults(run=_adopt)
    upgrading = actions.add_parser(
        "upgrade",
        help="upgrade a store of an older version",
        description="Bring a store of an older version up to date, and keep a copy beside it; make one where there was "
        "none. A server does so, too, when it starts.",
        epilog=f"Example: trualias store upgrade. Exit status: {_EXIT_STATUS}.",
    )
    upgrading.set_defaults(run=_upgrade)
    for action in (checking, saving, adopting, upgrading):
        add_memory(action)
        add_json(action)


def _check(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    position = memory.store.position()
    faults = memory.store.check()
    for copy in copies(arguments.state_directory, memory.path):
        if copy.position.identity != position.identity:
            faults.append("it is another store than the one whose states the servers have in force")
        elif copy.position.revision > position.revision:
            faults.append(
                f"it is older than what the servers have in force: revision {position.revision}, not "
                f"{copy.position.revision}"
            )
    aliases, faults = sum(1 for _ in memory.store.entries()), list(dict.fromkeys(faults))
    if arguments.json:
        found = {"path": memory.path, "aliases": aliases, "revision": position.revision, "faults": faults}
        write_json(terminal.output, found)
    else:
        number = number_of(aliases, "alias", "aliases")
        terminal.output.write(f"{escaped(memory.path)}: {number}, revision {position.revision}\n")
        for fault in faults:
            terminal.output.write(f"{escaped(memory.path)}: {fault}\n")
    return REFUSED if faults else DONE


def _backup(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    memory.store.backup(os.path.abspath(arguments.file))
    if arguments.json:
        write_json(terminal.output, {"path": memory.path, "copy": os.path.abspath(arguments.file)})
    else:
        terminal.output.write(f"{escaped(arguments.file)} is a copy of {escaped(memory.path)}\n")
    return DONE


def _upgrade(arguments: Namespace, terminal: Terminal) -> int:
    try:
        _, path = load(arguments)
        is_missing = not os.path.exists(path)
        copy = ""
        if is_missing:
            if copies(arguments.state_directory, path):
                raise StoreUnusable(
                    f"there is no {path}, and a server has states of it in force: see trualias store adopt"
                )
            create(path)
        else:
            copy = upgrade(path)
    except (Refused, StoreUnusable) as problem:
        terminal.errors.write(f"{escaped(str(problem))}\n")
        return UNUSABLE
    if arguments.json:
        write_json(terminal.output, {"path": path, "made": is_missing, "copy": copy or None})
    elif is_missing:
        terminal.output.write(f"{escaped(path)} is made; every alias is active\n")
    else:
        done = f"is upgraded; {copy} is as it was before" if copy else "is up to date"
        terminal.output.write(f"{escaped(path)} {escaped(done)}\n")
    return DONE


def _adopt(arguments: Namespace, terminal: Terminal) -> int:
    try:
        _, path = load(arguments)
        in_force = copies(arguments.state_directory, path)
        if not in_force:
            raise Refused("there is no copy of the states that a server has in force: it uses the store that is there")
        if not os.path.exists(path):
            create(path)
        store = open_store(path)
    except (Refused, StoreUnusable) as problem:
        terminal.errors.write(f"{escaped(str(problem))}\n")
        return UNUSABLE
    try:
        found = store.position()
        latest = max((copy.position for copy in in_force), key=lambda position: position.revision)
        if found.identity == latest.identity and found.revision >= latest.revision:
            return _report_adopted(path, [], arguments, terminal, is_adopted=False)
        changes = _stricter(store, in_force)
        position = Position(latest.identity, max(found.revision, latest.revision) + 1)
        store.adopt([] if arguments.discard else changes, position, actor(), time.time(), found.revision)
    except StoreUnusable as problem:
        terminal.errors.write(f"{escaped(str(problem))}\n")
        return UNUSABLE
    except StoreChanged:
        terminal.errors.write(f"{escaped(path)} was changed meanwhile, and nothing is done; repeat the command\n")
        return UNUSABLE
    finally:
        store.close()
    return _report_adopted(path, changes, arguments, terminal, is_adopted=True)


def _report_adopted(
    path: str, changes: Sequence[Change], arguments: Namespace, terminal: Terminal, *, is_adopted: bool
) -> int:
    if arguments.json:
        found = {
            "path": path,
            "adopted": is_adopted,
            "discarded": arguments.discard,
            "changes": list(map(_json, changes)),
        }
        write_json(terminal.output, found)
        return DONE
    verb = "is lost" if arguments.discard else "is kept"
    for change in changes:
        terminal.output.write(escaped(f"{change.address}: {_describe(change)}, {verb}") + "\n")
    done = "is adopted; running servers use it within a second" if is_adopted else "is the store in force already"
    terminal.output.write(f"{escaped(path)} {escaped(done)}\n")
    return DONE


def _stricter(store: Store, copies: Sequence[StatesCopy]) -> list[Change]:
    """Return the changes that bring a store to what is stricter, locked or kept in the copies of what is in force."""
    in_force: dict[AliasKey, AliasRecord] = {}
    for copy in copies:
        for key, record in copy.states.items():
            before = in_force.get(key, PLAIN)
            in_force[key] = AliasRecord(
                max(before.state, record.state, key=lambda state: state.strictness),
                before.kept_for or record.kept_for,
                before.locks or record.locks,
            )
    changes = []
    for key, record in in_force.items():
        entry = store.entry(key)
        found = AliasState.ACTIVE if entry is None else entry.state
        lock: Lock | Keep = record.locks[0] if record.locks and (entry is None or entry.lock is None) else KEEP
        kept_for = record.kept_for if record.kept_for and (entry is None or not entry.kept) else KEEP
        if found.strictness < record.state.strictness or lock is not KEEP or kept_for is not KEEP:
            state = max(found, record.state, key=lambda state: state.strictness)
            note = None if entry else "adopted"
            times = (None, None) if entry is None or state is not found else (entry.expires, entry.resumes)
            changes.append(Change(key, key.removesuffix("@"), state, note, *times, kept_for=kept_for, lock=lock))
    return changes


def _describe(change: Change) -> str:
    assert change.state is not None
    words = [describe_state(change.state)]
    if change.lock is not KEEP:
        words.append("locked")
    if change.kept_for is not KEEP:
        words.append(f"kept for {change.kept_for}")
    return ", ".join(words)


def _json(change: Change) -> dict[str, object]:
    assert change.state is not None
    return {
        "address": change.address,
        **state_json(change.state),
        "lock": None if isinstance(change.lock, Keep) else lock_json(change.lock),
        "kept_for": None if isinstance(change.kept_for, Keep) else change.kept_for,
    }
