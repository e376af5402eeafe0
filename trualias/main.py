"""The console script ``trualias``."""

import gc
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

import trualias
from trualias.commands.arguments import CommandParser, Overview
from trualias.commands.overview import SUMMARIES
from trualias.commands.terminal import InputError, OutputError, Terminal
from trualias.errors import NoUsableConfiguration
from trualias.messages import did_you_mean, quoted

_UNUSABLE = 2
_WITHOUT_COMMANDS = ("--version", "--help", "-h")
"""The options that need no module of a command."""


def main() -> int:
    """Run the command line of the process and return the exit status."""
    # Like other programs, end without a traceback on Ctrl-C and when the reader of a pipe ends.
    for number in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    # A command ends soon, and all that it has made goes then. Without this, a check of 30,000 statements takes a
    # quarter longer.
    gc.set_threshold(*gc.get_threshold()[:2], 1_000_000)
    terminal = Terminal.of_process()
    try:
        try:
            return run(sys.argv[1:], terminal)
        finally:
            if not terminal.output.closed:
                terminal.output.flush()
    except OutputError as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    except InputError as error:
        terminal.errors.write(f"cannot read standard input: {error.strerror}\n")
        return _UNUSABLE


def run(arguments: Sequence[str], terminal: Terminal) -> int:
    """Run a command and return the exit status.

    Raises:
        SystemExit: the arguments are wrong, or ask for help or the version.
    """
    if not arguments:
        terminal.errors.write("trualias: expected a command\n")
        terminal.errors.write("trualias --help lists the commands\n")
        return _UNUSABLE
    first = arguments[0]
    if first not in SUMMARIES and first not in _WITHOUT_COMMANDS:
        if first.startswith("-"):
            long = [name for name in _WITHOUT_COMMANDS if name.startswith("--")]
            problem = f"expected a command first, found {quoted(first)}{did_you_mean(first, long)}"
        else:
            problem = f"unknown command {quoted(first)}{did_you_mean(first, list(SUMMARIES))}"
        terminal.errors.write(f"trualias: {problem}\ntrualias --help lists the commands\n")
        return _UNUSABLE
    # Importing the modules of all commands would take longer.
    parsed = command_line([first] if first in SUMMARIES else ()).parse_args(arguments)
    try:
        status: int = parsed.run(parsed, terminal)
    except NoUsableConfiguration as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    return status


def command_line(names: Iterable[str] = SUMMARIES) -> Overview:
    """Return the parser of the named commands and their arguments."""
    parser = Overview(prog="trualias", description="Verifiable mail aliases, on the command line.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {trualias.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=CommandParser)
    for name in names:
        import_module(f"trualias.commands.{name}").add_to(commands)
    parser.set_defaults(command_line=command_line)
    return parser
