"""Parsers of the command line: arguments in any order, and the help."""

from __future__ import annotations

import os
import re
from argparse import Action, ArgumentError, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import fill

from trualias.commands.overview import GROUPS
from trualias.messages import did_you_mean, escaped, one_of, quoted

_NARROWEST = 30
"""Characters that the help of the whole command line is folded to at least: its examples begin at the 15th."""


class CommandParser(ArgumentParser):
    """A command's parser: it takes options between the other arguments, and suggests the spelling of a wrong one.

    argparse on its own assigns only the arguments before the next option to a list of arguments.
    """

    _nested = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse the known arguments; the parent parser calls this."""
        if self._nested or any(isinstance(action, _SubParsersAction) for action in self._actions):
            return super().parse_known_args(args, namespace)
        self._nested = True
        try:
            parsed, rest = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._nested = False
        if rest:
            # Here, not in the parser of the whole command line, so that the usage is that of the command.
            self.error(f"unexpected {quoted(rest[0])}{self._suggestion(rest[0])}")
        return parsed, rest

    def _suggestion(self, argument: str) -> str:
        """Return what an argument that the command does not take may be meant for, to be appended to the error."""
        options = [name for action in self._actions for name in action.option_strings]
        if argument.startswith("-"):
            return did_you_mean(argument.partition("=")[0], [name for name in options if name.startswith("--")])
        is_file = "--config" in options and os.path.isfile(argument)
        return f"; -c {escaped(argument)} uses it as the configuration" if is_file else ""

    def _check_value(self, action: Action, value: object) -> None:
        """Raise ArgumentError for a value that is none of the choices of an argument."""
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            word = str(value)
            raise ArgumentError(action, f"unknown {quoted(word)}; expected {one_of(known)}{did_you_mean(word, known)}")


class Overview(ArgumentParser):
    """The parser of the whole command line, whose help has the commands in their groups, with an example of each."""

    def commands(self) -> dict[str, ArgumentParser]:
        """Return the parsers of the commands by their names."""
        (found,) = (action for action in self._actions if isinstance(action, _SubParsersAction))
        return dict(found.choices)

    def format_help(self) -> str:
        """Return the help text, folded to the width of the terminal."""
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        parts = [formatter.format_help()]
        width = max(get_terminal_size().columns - 2, _NARROWEST)
        for title, names in GROUPS.items():
            parts.append(f"\n{title}:\n")
            for name, summary in names.items():
                parts.append(
                    fill(
                        f"{name:12}{summary.help}",
                        width,
                        initial_indent="  ",
                        subsequent_indent=" " * 14,
                        break_on_hyphens=False,
                    )
                )
                parts.append(
                    "\n"
                    + fill(
                        f"$ {summary.example}",
                        width,
                        initial_indent=" " * 14,
                        subsequent_indent=" " * 16,
                        break_on_hyphens=False,
                    )
                )
                parts.append("\n")
        last = "trualias COMMAND --help describes a command; trualias(1) has all of them."
        parts.append(f"\n{fill(last, width, break_on_hyphens=False)}\n")
        return "".join(parts)


def example_and_status(command: ArgumentParser) -> tuple[str, str]:
    """Return the parts of a command's epilog: its example, a command line, and the meaning of its exit status."""
    found = re.fullmatch(r"Example: (.*?)\. Exit status: (.*)\.", command.epilog or "")
    assert found is not None, command.prog
    return found[1], found[2]
