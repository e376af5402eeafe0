"""The examples of the documentation: the literal blocks and tables of its reStructuredText.

Only the part of reStructuredText that the documentation uses is read: literal blocks after ``::`` and after a
``code-block``, and simple tables. An example is recognised by its form, without a mark, so that none can be forgotten.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent

from attrs import frozen

from trualias.configuration import SETTINGS

_BORDER = re.compile(r"\s*=+( +=+)+\s*").fullmatch
# The text of an item of a list begins after its mark, and its blocks are indented more than that text.
_OPENS_BLOCK = re.compile(r"(?P<indent>\s*((-|\d+\.) +)?)(\.\. code(-block)?::.*|(?!\.\. ).*::)").fullmatch
_SETTING = "|".join(SETTINGS)
_OPENS_CONFIGURATION = re.compile(rf"(#.*\n|\s*\n)*(ACCOUNT\s|({_SETTING}):)").match
_OPENS_ERRORS = re.compile(r"\S+\.conf:\d+:\d+: ").match
_COMMAND = re.compile(r"\$ (.*)")


@frozen
class Block:
    """A literal block without its indentation, and the number of its first line, counted from 1."""

    line: int
    text: str

    @property
    def is_configuration(self) -> bool:
        """True for a configuration or a part of one, which begins with a setting or an account statement."""
        return _OPENS_CONFIGURATION(self.text) is not None

    @property
    def is_errors(self) -> bool:
        """True for the errors of a refused configuration."""
        return _OPENS_ERRORS(self.text) is not None

    def commands(self) -> Iterator[tuple[str, str]]:
        """Yield each command line after ``$``, and its output up to the next one."""
        command, output = "", ""
        for line in [*self.text.splitlines(), "$ "]:
            if typed := _COMMAND.fullmatch(line):
                if command:
                    yield command, output
                command, output = typed[1], ""
            else:
                output += line + "\n"


@frozen
class RstTable:
    """A simple table: the number of its first line, counted from 1, and the cells of its head and of its rows."""

    line: int
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_answers(self) -> bool:
        """True for a table of addresses and their answers."""
        return self.head[0] in ("address", "you say") and self.head[1] == "answer"

    @property
    def is_chat(self) -> bool:
        """True for a table of requests and replies as they are sent over the socket."""
        return self.head == ("request", "reply") and self.rows[0][0].startswith("``get samissexy.34")


def read_rst(text: str) -> Iterator[Block | RstTable]:
    """Yield the literal blocks and simple tables of a text in their order."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if _BORDER(lines[at]):
            table, at = _read_table(lines, at)
            yield table
        elif opening := _OPENS_BLOCK(lines[at]):
            begin = at = at + 1
            inside = " " * (len(opening["indent"]) + 1)
            while at < len(lines) and (not lines[at].strip() or lines[at].startswith(inside)):
                at += 1
            while begin < at and (not lines[begin].strip() or lines[begin].lstrip().startswith(":")):
                begin += 1
            yield Block(begin + 1, dedent("\n".join(lines[begin:at])).strip("\n") + "\n")
        else:
            at += 1


def _read_table(lines: list[str], begin: int) -> tuple[RstTable, int]:
    columns = [column.span() for column in re.finditer("=+", lines[begin])]
    cuts = [*(start for start, _ in columns), None]
    rows: list[tuple[str, ...]] = []
    borders, at = 1, begin
    while borders < 3:
        at += 1
        if _BORDER(lines[at]):
            borders += 1
            continue
        cells = tuple(lines[at][start:end].strip() for start, end in pairwise(cuts))
        if cells[0] or not rows:
            rows.append(cells)
        else:  # the row goes on
            rows[-1] = tuple(f"{above} {below}".strip() for above, below in zip(rows[-1], cells, strict=True))
    return RstTable(begin + 1, rows[0], tuple(rows[1:])), at + 1


def cell_text(cell: str) -> str:
    """Return the text of a cell, without the backquotes of a literal."""
    return cell[2:-2] if cell.startswith("``") and cell.endswith("``") else cell


@frozen
class Answer:
    """The documented answer to an address; ``account`` is None if it is not found."""

    line: int
    address: str
    account: str | None


@frozen
class Example:
    """A configuration, and its answers, or its errors."""

    configuration: Block
    errors: str | None
    answers: tuple[Answer, ...]


def read_examples(text: str) -> tuple[Example, ...]:
    """Return each configuration of a text with the errors or the tables of answers that follow it."""
    found: list[tuple[Block, list[Block], list[Answer]]] = []
    for part in read_rst(text):
        match part:
            case Block() if part.is_configuration:
                found.append((part, [], []))
            case Block() if part.is_errors:
                found[-1][1].append(part)
            case RstTable() if part.is_answers:
                found[-1][2].extend(_answers(part))
            case _:
                pass
    return tuple(
        Example(configuration, errors[0].text if errors else None, tuple(answers))
        for configuration, errors, answers in found
    )


def _answers(table: RstTable) -> Iterator[Answer]:
    for row in table.rows:
        account = None if row[1] == "not found" else cell_text(row[1])
        yield Answer(table.line, cell_text(row[0]), account)


# A comment of a sample configuration: an address and its answer.
_COMMENTED = re.compile(r"#     (?P<address>\S+)\s+(reaches (?P<account>[\w.@]*\w)|not found)\b.*").fullmatch


def read_comments(text: str) -> tuple[Answer, ...]:
    """Return the addresses in the comments of a sample configuration, with their documented answers."""
    return tuple(
        Answer(number, commented["address"], commented["account"])
        for number, line in enumerate(text.splitlines(), 1)
        if (commented := _COMMENTED(line))
    )
