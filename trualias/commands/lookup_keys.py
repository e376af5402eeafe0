"""The lookup keys that a command line gives, or the lines of standard input."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from itertools import chain

from trualias.commands.terminal import Terminal, prompt_for_lines


def add_keys(command: ArgumentParser, text: str) -> None:
    """Declare the keys."""
    command.add_argument(
        "keys",
        metavar="KEY",
        nargs="*",
        help=f"{text}; with - alone, or without keys, they are read from standard input, one a line",
    )


def given_keys(arguments: Sequence[str]) -> Sequence[str]:
    """Return the keys of a command line; none if they are those of standard input."""
    return () if list(arguments) == ["-"] else arguments


def raw_keys(given: Sequence[str], terminal: Terminal) -> Iterator[bytes]:
    """Yield the given keys as octets; if there are none, the lines of standard input that are not empty."""
    if given:
        yield from map(os.fsencode, given)
        return
    prompt_for_lines(terminal, "keys")
    first = terminal.input.readline().removeprefix(BOM_UTF8)
    yield from filter(None, (line.rstrip(b"\r\n") for line in chain([first], terminal.input)))
