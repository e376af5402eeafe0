"""``trualias completion``: scripts by which shells complete the commands and their options."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trualias.commands.options import configuration_path
from trualias.commands.terminal import Terminal
from trualias.configuration import ConfigurationErrors, read_configuration
from trualias.configuration.locations import NoConfiguration
from trualias.configuration.tables import Table

_SHELLS = ("bash", "zsh", "fish")
_ACCOUNTS = "accounts"
_COMMAND_LINES = {"bash": '"${COMP_WORDS[@]}"', "zsh": '"${words[@]}"', "fish": "(commandline -opc)"}
"""The words of the command line that is completed, in each shell's language."""
_NAMES = frozenset({("trualias compose", "name"), ("trualias strength", "accounts")})
"""The arguments that are accounts or aliases, by the program and the destination of the argument."""
_FILES = frozenset({"FILE", "LOG", "OLD"})
"""The arguments that are files, by their names in the help."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description="Print a script by which a shell completes the commands, the options, and the names of accounts. "
        "The script calls this command for the names: accounts prints those of the configuration that a command line "
        "names with -c, or of the one that would be found.",
        epilog="Example: trualias completion bash > /etc/bash_completion.d/trualias. Exit status: 0.",
    )
    command.add_argument("shell", choices=(*_SHELLS, _ACCOUNTS), help="the shell, or accounts for the names")
    command.add_argument("words", metavar="WORD", nargs="*", help="the words of a command line, after accounts and --")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print the script for the whole command line, or the names, and return 0."""
    if arguments.shell == _ACCOUNTS:
        for name in _names(arguments.words):
            terminal.output.write(f"{name}\n")
        return 0
    import shtab

    whole: ArgumentParser = arguments.command_line()
    for parser in _with_commands(whole):
        for action in parser._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            if (parser.prog, action.dest) in _NAMES:
                command = f"trualias completion {_ACCOUNTS} -- {_COMMAND_LINES[arguments.shell]} 2>/dev/null"
                action.complete = shtab.cmd(command)  # type: ignore[attr-defined]
            if isinstance(action, _SubParsersAction):
                for short in action._choices_actions:  # a list of completions has no room for whole descriptions
                    action.choices[short.dest].description = short.help
    terminal.output.write(shtab.complete(whole, arguments.shell))
    return 0


def _names(words: Sequence[str]) -> list[str]:
    """Return the accounts and aliases of the configuration of a command line; none if it cannot be used."""
    given = [word for option, word in pairwise(words) if option in ("-c", "--config")]
    try:
        path = os.path.expanduser(given[-1]) if given else configuration_path(Namespace(config=None), Table.VIRTUAL)
        policy = read_configuration(path).policy
    except (NoConfiguration, ConfigurationErrors):
        return []
    return sorted(policy.accounts | policy.aliases)


def _with_commands(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield a parser and the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _with_commands(command)
