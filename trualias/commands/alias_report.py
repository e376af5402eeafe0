"""The output of the commands that change aliases: lines for people, or the changed aliases for programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from trualias.commands.alias_text import entry_json
from trualias.commands.memory import DONE, Memory, Refused
from trualias.commands.options import add_json
from trualias.commands.output import write_json
from trualias.commands.owners import add_account, owner, with_account
from trualias.commands.terminal import Terminal
from trualias.commands.typed_aliases import Alias, resolve
from trualias.lookup.alias_states import AliasState
from trualias.messages import escaped
from trualias.store.records import Entry


def add_report(action: ArgumentParser) -> None:
    """Declare ``--json`` and ``--account`` of an action that changes aliases."""
    add_json(action)
    add_account(action, "only if the aliases are of this account")


def add_address(action: ArgumentParser) -> None:
    """Declare the address of an action for one alias."""
    action.add_argument(
        "address", metavar="ADDRESS", help="the alias; if there is one alias domain, this may be left out"
    )


class Report:
    """The output of one command.

    ``print`` writes a line about what is done, which programs do not get. ``remark`` writes what people need to know as
    well; for programs it is on standard error.
    """

    def __init__(self, memory: Memory, arguments: Namespace, terminal: Terminal) -> None:
        self._memory = memory
        self._as_json: bool = arguments.json
        self._terminal = terminal

    def print(self, text: str) -> None:
        """Write a line for people."""
        if not self._as_json:
            self._terminal.output.write(f"{escaped(text)}\n")

    def print_about(self, alias: Alias, text: str) -> None:
        """Write a line about an alias for people, with what ``preprocess`` made of what was typed."""
        self.print(f"{alias.address} {text}{alias.in_brackets}")

    def remark(self, text: str) -> None:
        """Write a line on standard output; with ``--json`` on standard error, where programs do not read it."""
        (self._terminal.errors if self._as_json else self._terminal.output).write(f"{escaped(text)}\n")

    def finish(self, changed: Iterable[Alias]) -> int:
        """Write the changed aliases for programs; return the exit status."""
        if self._as_json:
            found = [self._memory.store.entry(alias.key) for alias in changed]
            entries = [with_account(self._memory.snapshot, entry) for entry in found if entry is not None]
            write_json(self._terminal.output, [entry_json(entry) for entry in entries])
        return DONE


def typed_alias(memory: Memory, arguments: Namespace, typed: str, *, force: bool = False) -> Alias:
    """Return the alias that a person typed; raise `Refused` for a text that is none, and if it is of another account.

    ``force``: it need not be known to the store, nor found by the tables.
    """
    alias = resolve(memory.snapshot, memory.store, typed, force=force)
    wanted = owner(memory.snapshot, arguments.account)
    if wanted.account is not None:
        entry = memory.store.entry(alias.key) or Entry(alias.key, alias.address, AliasState.ACTIVE, "", 0)
        account = with_account(memory.snapshot, entry).account
        is_in_domain = wanted.domain in (None, alias.key.rpartition("@")[2])
        if account != wanted.account or not is_in_domain:
            raise Refused(f"{alias.address} is not an alias of {arguments.account}")
    return alias
