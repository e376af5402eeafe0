"""``trualias completion``: scripts by which shells complete the commands and their options."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator

from trualias.commands.terminal import Terminal

_SHELLS = ("bash", "zsh", "fish")
_FILES = frozenset({"FILE", "LOG", "OLD"})
"""The arguments that are files, by their names in the help."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description="Print a script by which a shell completes the commands and options of trualias.",
        epilog="Example: trualias completion bash > /etc/bash_completion.d/trualias. Exit status: 0.",
    )
    command.add_argument("shell", choices=_SHELLS, help="the shell")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print the script for the whole command line and return 0."""
    import shtab

    whole: ArgumentParser = arguments.command_line()
    for parser in _with_commands(whole):
        for action in parser._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            if isinstance(action, _SubParsersAction):
                for short in action._choices_actions:  # a list of completions has no room for whole descriptions
                    action.choices[short.dest].description = short.help
    terminal.output.write(shtab.complete(whole, arguments.shell))
    return 0


def _with_commands(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield a parser and the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for command in action.choices.values():
                yield from _with_commands(command)
