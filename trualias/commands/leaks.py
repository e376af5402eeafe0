"""``trualias leaks``: aliases that others wrote to than those that they seem to be made for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.memory import DONE, Memory, add_memory, with_memory
from trualias.commands.options import add_json
from trualias.commands.overview import add_command
from trualias.commands.owners import add_account, known_owner
from trualias.commands.senders import warn_if_none_kept
from trualias.commands.senders_text import print_strangers
from trualias.commands.terminal import Terminal

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "leaks",
        description="List the senders whose domain has nothing to do with the words of the alias that they wrote to, "
        "nor with its senders of the first seven days; the one that wrote first last. Running servers count the mails.",
        exit_status="0 if the list is complete, 1 if it was refused, 2 for a configuration or a store that "
        "cannot be used",
    )
    add_memory(command)
    add_json(command)
    add_account(command)
    command.set_defaults(run=with_memory(_list))


def _list(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    found = memory.store.strangers(known_owner(memory, arguments.account))
    print_strangers(found, terminal, as_json=arguments.json)
    warn_if_none_kept(memory, terminal)
    return DONE
