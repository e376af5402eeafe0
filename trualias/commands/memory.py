"""The store for the commands: which one, whether it may be changed, and the addresses that a person types."""

from __future__ import annotations

import getpass
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Protocol

from attrs import frozen

from trualias.commands.options import add_config, configuration_path
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import SERVER_TABLES, Table
from trualias.language.domains import fold_domain
from trualias.lookup import Ambiguous, Found, Snapshot
from trualias.lookup.alias_states import AliasKey, AliasState, alias_key
from trualias.lookup.loading import load_snapshot
from trualias.messages import quoted
from trualias.store.interface import Store, StoreChanged, StoreUnusable
from trualias.store.records import Change, Entry, Kept
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import BUSY_SECONDS
from trualias.store.states_copy import StatesCopy, UnusableStatesCopy, copy_file_name, read_states_copy

DEFAULT_STATE = "/var/lib/trualias"

DONE, REFUSED, UNUSABLE = 0, 1, 2
"""The exit statuses of the commands that use the store."""


_MOST_NEIGHBOURS = 500
"""Addresses before and after a misspelled one that it is compared with: a comparison takes some 10 microseconds."""


class Refused(Exception):
    """A command cannot do what is asked; ``str()`` is the reason."""


def add_memory(command: ArgumentParser) -> None:
    """Declare ``-c FILE`` and ``--state-directory DIR``."""
    add_config(command)
    command.add_argument(
        "--state-directory",
        metavar="DIR",
        help=f"the state directory of the servers; by default $STATE_DIRECTORY or {DEFAULT_STATE}",
    )


def load(arguments: Namespace) -> tuple[Snapshot, str]:
    """Load the configuration; return its snapshot and the path of its store; raise `Refused` if it has none."""
    snapshot = load_snapshot(configuration_path(arguments, Table.VIRTUAL))
    path = snapshot.configuration.store_path
    if path is None:
        raise Refused(f"{snapshot.configuration.name} has no STORE, such as sqlite:/var/lib/trualias/memory.sqlite")
    return snapshot, path


def copies(state_directory: str | None, path: str) -> list[StatesCopy]:
    """Return the copies that the servers keep of a store's states; raise `Refused` if one cannot be read."""
    folder = state_directory or os.environ.get("STATE_DIRECTORY", "").split(":")[0] or DEFAULT_STATE
    found = []
    for table in SERVER_TABLES:
        name = os.path.join(folder, copy_file_name(table.value, path))
        try:
            copy = read_states_copy(name)
        except UnusableStatesCopy as error:
            raise Refused(f"{name}: {error}") from None
        if copy is not None and copy.path == path:
            found.append(copy)
    return found


def open_store(path: str, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open a store; raise `Refused` if it cannot be used."""
    try:
        store = SqliteStore(path, busy_seconds)
        store.position()
    except StoreUnusable as error:
        raise Refused(f"{error}{_remedy(path)}") from None
    return store


def _remedy(path: str) -> str:
    """Return what to do about a store that cannot be used, to be appended to the error; empty if that is not known."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return (
            "; 'trualias store upgrade' makes a store, as a server does when it starts, unless there was one already: "
            "see 'trualias store adopt'"
        )
    except PermissionError:
        return _OTHER_USER
    except OSError:
        return ""
    may_use = os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    return "" if may_use else _OTHER_USER


_OTHER_USER = "; run the command as the user of the servers"


def open_to_change(state_directory: str | None, path: str, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open a store; raise `Refused` if it cannot be used, or if a server has states in force that it lacks.

    ``busy_seconds`` is the longest wait for another process that writes.
    """
    store = open_store(path, busy_seconds)
    found = store.position()
    for copy in copies(state_directory, path):
        if found.identity != copy.position.identity or found.revision < copy.position.revision:
            store.close()
            raise Refused(
                f"{path} is not the store whose states the servers have in force, or an older state of it; nothing is "
                "changed until trualias store adopt has put that right"
            )
    return store


def actor() -> str:
    """Return the user of the machine, and the one who became this user by sudo."""
    user = getpass.getuser()
    sudo = os.environ.get("SUDO_USER")
    return f"{user} (sudo by {sudo})" if sudo and sudo != user else user


@frozen
class Memory:
    """A configuration with its store, which is open, and was at a revision when the command began."""

    snapshot: Snapshot
    path: str
    store: Store
    revision: int

    def change(self, changes: Sequence[Change]) -> None:
        """Make all changes or none; return when they are on disk; raise `Refused` if the store has changed meanwhile.

        A state that was read before could be written over a revocation.
        """
        try:
            self.store.change(changes, actor(), time.time(), self.revision)
        except StoreChanged:
            raise Refused(_CHANGED_MEANWHILE.format(path=self.path)) from None

    def keep(self, kept: Sequence[Kept], note: str) -> None:
        """Keep all aliases or none, as `change` makes changes; the trail has one line for them, with the note."""
        try:
            self.store.keep(kept, note, actor(), time.time(), self.revision)
        except StoreChanged:
            raise Refused(_CHANGED_MEANWHILE.format(path=self.path)) from None


_CHANGED_MEANWHILE = "{path} was changed meanwhile, and nothing is done; repeat the command"

MemoryAction = Callable[[Memory, Namespace, Terminal], int]
"""An action of a command; it returns the exit status, and raises `Refused`."""


class AddAction(Protocol):
    """Declares an action of ``trualias alias``."""

    def __call__(
        self, name: str, function: MemoryAction, text: str, description: str, example: str, *, to_change: bool = True
    ) -> ArgumentParser:
        """Return the parser of an action, with its help text, its description, and the arguments of its example.

        ``to_change``: the store must be the one whose states the servers have in force.
        """


def with_memory(action: MemoryAction, *, to_change: bool = False) -> Callable[[Namespace, Terminal], int]:
    """Return a command that opens the store of the configuration, runs an action, and writes why it is refused.

    ``to_change``: the store must be the one whose states the servers have in force.
    """

    def run(arguments: Namespace, terminal: Terminal) -> int:
        try:
            snapshot, path = load(arguments)
            store = open_to_change(arguments.state_directory, path) if to_change else open_store(path)
        except Refused as refusal:
            terminal.errors.write(f"{refusal}\n")
            return UNUSABLE
        try:
            if to_change:
                store.make_due_changes(time.time())
            return action(Memory(snapshot, path, store, store.position().revision), arguments, terminal)
        except Refused as refusal:
            terminal.errors.write(f"{refusal}\n")
            return REFUSED
        except StoreUnusable as problem:
            terminal.errors.write(f"{problem}\n")
            return UNUSABLE
        finally:
            store.close()

    return run


@frozen
class Alias:
    """An alias that a person typed: its key, its address as looked up, and what there is to say about it."""

    key: AliasKey
    address: str
    remark: str = ""

    @property
    def in_brackets(self) -> str:
        """The remark in brackets after a space; empty without one."""
        return f" ({self.remark})" if self.remark else ""


def typed_key(snapshot: Snapshot, typed: str) -> tuple[str, str]:
    """Return the local part and the folded domain that a person typed; raise `Refused` for a foreign domain.

    The domain is that of ALIAS DOMAINS if none was typed and there is just one, otherwise empty.
    """
    local_part, at, given = typed.rpartition("@")
    if not at:
        local_part, given = typed, ""
    domains = snapshot.configuration.settings.alias_domains
    domain = fold_domain(given) or (next(iter(domains)) if len(domains) == 1 else "")
    if domain and domain not in domains:
        raise Refused(f"the domain {quoted(given)} is not one of ALIAS DOMAINS")
    return local_part, domain


def looked_up(snapshot: Snapshot, typed: str) -> Alias:
    """Return the alias that a person typed, after ``preprocess``; raise `Refused` for a text that is none."""
    local_part, domain = typed_key(snapshot, typed)
    remark = ""
    if snapshot.hooks is not None:
        hooked = snapshot.hooks.preprocess(local_part, domain or None)
        if hooked is None:
            raise Refused(f"preprocess() of the PROCESSOR module refuses {quoted(typed)} already")
        changed = (hooked[0], fold_domain(hooked[1] or "") if domain else "")
        if changed != (local_part, domain):
            local_part, domain = changed
            remark = f"{typed} is looked up as {local_part}{'@' + domain if domain else ''}"
    if not local_part.isprintable() or not local_part or " " in local_part:
        raise Refused(f"{quoted(typed)} is not an address")
    if local_part in snapshot.mailboxes:
        raise Refused(f"{quoted(local_part)} is a mailbox, not an alias: all mail of its owner goes there")
    return Alias(alias_key(local_part, domain), f"{local_part}@{domain}" if domain else local_part, remark)


def resolve(snapshot: Snapshot, store: Store, typed: str, *, force: bool = False) -> Alias:
    """Return the alias that a person typed, as the store spells it; raise `Refused` for a text that is none.

    ``force``: it need not be known to the store, nor found by the tables.
    """
    alias = looked_up(snapshot, typed)
    entry = store.entry(alias.key)
    if entry is not None:
        return Alias(alias.key, entry.address, alias.remark)
    local_part, domain = typed_key(snapshot, typed)
    if force or is_found(snapshot, f"{local_part}@{domain}" if domain else local_part):
        return alias
    near = get_close_matches(alias.address, store.neighbours(alias.key, _MOST_NEIGHBOURS), n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Refused(
        f"{quoted(typed)} is no alias that the configuration accepts or the store knows{hint} (--force does it)"
    )


def unchanged(alias: Alias, before: Entry | None) -> Change:
    """Return the change that leaves an alias as its entry has it, for others to be made from."""
    if before is None:
        return Change(alias.key, alias.address, AliasState.ACTIVE)
    return Change(alias.key, alias.address, before.state, None, before.expires, before.resumes)


def is_found(snapshot: Snapshot, key: str) -> bool:
    """Return whether the configuration accepts an address, or a local part; the store is not consulted."""
    table = Table.VIRTUAL if "@" in key else Table.LOCAL_PART
    return isinstance(snapshot.tables[table](key), Found | Ambiguous)


def other_entries(memory: Memory, alias: Alias) -> Iterator[tuple[str, Entry]]:
    """Yield the entry of the other kind, with or without a domain, where it decides about the alias as well."""
    local_part, _, domain = alias.key.rpartition("@")
    others = ("",) if domain else sorted(memory.snapshot.configuration.settings.alias_domains)
    for other in others:
        entry = memory.store.entry(f"{local_part}@{other}")
        if entry is not None and (entry.state is not AliasState.ACTIVE or entry.lock is not None):
            yield other or "all alias domains", entry


def has_policy_service(snapshot: Snapshot) -> bool:
    """Return whether a LISTEN of the configuration is a policy service, which counts mail and enforces locks."""
    return snapshot.configuration.settings.has_policy_service


def typed_addresses(given: Iterable[str], lines: Iterable[bytes]) -> list[str]:
    """Return the addresses of the arguments, or of the lines where the only argument is ``-``."""
    words = list(given)
    if words != ["-"]:
        return words
    return [text for line in lines if (text := line.decode("utf-8", "replace").strip())]
