"""``trualias completion``: scripts by which shells complete the commands and their options."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trualias.commands.options import configuration_path
from trualias.commands.overview import add_command
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration, ConfigurationErrors, read_configuration
from trualias.configuration.locations import NoConfiguration
from trualias.configuration.tables import Table

_SHELLS = ("bash", "zsh", "fish")
_ACCOUNTS = "accounts"
_ADDRESSES = "addresses"
_COMMAND_LINES = {"bash": '"${COMP_WORDS[@]}"', "zsh": '"${words[@]}"', "fish": "(commandline -opc)"}
"""The words of the command line that is completed, in each shell's language."""
_CURRENT_WORDS = {"bash": '"${COMP_WORDS[COMP_CWORD]}"', "zsh": '"${words[CURRENT]}"', "fish": "(commandline -ct)"}
"""The word that is completed; an empty one of fish is no word."""
_NAMES = frozenset({("trualias compose", "name"), ("trualias strength", "accounts")})
"""The arguments that are accounts or aliases, by the program and the destination of the argument."""
_MOST_ADDRESSES = 100
_BUSY_SECONDS = 0.2
"""The longest wait for a store that another process has locked."""
_FILES = frozenset({"FILE", "LOG", "OLD"})
"""The arguments that are files, by their names in the help."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "completion",
        description="Print a script by which a shell completes the commands, the options, and the names of accounts. "
        "The script calls this command for the names: accounts prints those of the configuration that a command line "
        "names with -c, or of the one that would be found, and addresses those of its store that begin with a word.",
        exit_status="0",
    )
    command.add_argument(
        "shell",
        choices=(*_SHELLS, _ACCOUNTS, _ADDRESSES),
        help="the shell, or accounts or addresses for the names",
    )
    command.add_argument("--begin", metavar="TEXT", default="", help="what addresses begin with")
    command.add_argument(
        "words", metavar="WORD", nargs="*", help="the words of a command line, after accounts or addresses, and --"
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print the script for the whole command line, or the names, and return 0."""
    if arguments.shell in (_ACCOUNTS, _ADDRESSES):
        is_account = arguments.shell == _ACCOUNTS
        for name in _names(arguments.words) if is_account else _addresses(arguments.words, arguments.begin):
            terminal.output.write(f"{name}\n")
        return 0
    import shtab

    whole: ArgumentParser = arguments.command_line()
    for parser in _with_commands(whole):
        for action in parser._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            line = f"-- {_COMMAND_LINES[arguments.shell]} 2>/dev/null"
            if (parser.prog, action.dest) in _NAMES or action.metavar == "ACCOUNT":
                command = f"trualias completion {_ACCOUNTS} {line}"
                action.complete = shtab.cmd(command)  # type: ignore[attr-defined]
            if action.metavar == "ADDRESS":
                command = f"trualias completion {_ADDRESSES} --begin={_CURRENT_WORDS[arguments.shell]} {line}"
                action.complete = shtab.cmd(command)  # type: ignore[attr-defined]
            if isinstance(action, _SubParsersAction):
                for short in action._choices_actions:  # a list of completions has no room for whole descriptions
                    action.choices[short.dest].description = short.help
    terminal.output.write(shtab.complete(whole, arguments.shell))
    return 0


def _names(words: Sequence[str]) -> list[str]:
    """Return the accounts and aliases of the configuration of a command line; none if it cannot be used."""
    configuration = _configuration(words)
    return [] if configuration is None else sorted(configuration.policy.accounts | configuration.policy.aliases)


def _addresses(words: Sequence[str], begin: str) -> list[str]:
    """Return some addresses in the store of a command line's configuration that begin with a text in any case.

    There are none if the store cannot be read at once.
    """
    from trualias.store.interface import StoreUnusable
    from trualias.store.sqlite import SqliteStore

    configuration = _configuration(words)
    if configuration is None or configuration.store_path is None:
        return []
    lower = begin.lower()
    try:
        store = SqliteStore(configuration.store_path, _BUSY_SECONDS)
        try:
            found = store.neighbours(lower, _MOST_ADDRESSES)
        finally:
            store.close()
    except StoreUnusable:
        return []
    return [address for address in found if address.lower().startswith(lower) and address.isprintable()]


def _configuration(words: Sequence[str]) -> Configuration | None:
    """Return the configuration of a command line; None if it cannot be used."""
    given = [word for option, word in pairwise(words) if option in ("-c", "--config")]
    try:
        path = os.path.expanduser(given[-1]) if given else configuration_path(Namespace(config=None), Table.VIRTUAL)
        return read_configuration(path)
    except (NoConfiguration, ConfigurationErrors):
        return None


def _with_commands(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield a parser and the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _with_commands(command)
