"""The pages of the documentation: the walk of the administrator, and the command lines of all documents."""

import os
import re
import shlex
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import command_line, run
from trualias.test.examples import Block, read_rst
from trualias.test.test_documentation import documents
from trualias.testing.requirements import source_tree

# The end of a command line for trualias: what follows is the shell's.
_SHELL = re.compile(r"\s(?:[|<>]|&&).*|\s\d?>.*")


def command_lines() -> list[tuple[str, str]]:
    """Return each command line of trualias in a block of the documents, with the name of the document."""
    found = []
    for name, text in documents().items():
        for block in (part for part in read_rst(text) if isinstance(part, Block)):
            for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
                if typed := re.match(r"[$#] (?:\S*/)?(trualias .*)", line):
                    found.append((name, _SHELL.sub("", typed[1])))
    return found


class CommandLineTests(SynchronousTestCase):
    """The command lines of all documents."""

    def test_every_command_line(self) -> None:
        """Every one is accepted by the parser: its command and its options exist."""
        found = command_lines()
        self.assertGreater(len({name for name, _ in found}), 8)
        refused = []
        for name, line in found:
            try:
                command_line().parse_args(shlex.split(line)[1:])
            except SystemExit:
                refused.append((name, line))
        self.assertEqual([], refused)


class AdministratorTests(SynchronousTestCase):
    """The page for administrators."""

    def test_commands(self) -> None:
        """Its commands, one after the other in an empty folder, print the lines after them."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        page = (source_tree() / "docs" / "administrators.rst").read_text("utf-8")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        seen = []
        for block in (part for part in read_rst(page) if isinstance(part, Block)):
            for command, printed in block.commands():
                output = StringIO()
                arguments = shlex.split(command)[1:]
                run(arguments, Terminal(BytesIO(), output, output))
                self.assertEqual(printed, output.getvalue(), command)
                seen.append(arguments[0])
        self.assertEqual(["init", "check", "compose", "query"], seen)

    def test_links(self) -> None:
        """It refers to every page for administrators and for integration, so that none is overlooked."""
        index = (source_tree() / "docs" / "index.rst").read_text("utf-8")
        page = (source_tree() / "docs" / "administrators.rst").read_text("utf-8")
        part = index.partition("For administrators\n")[2].partition(":caption: For contributors")[0]
        listed = set(re.findall(r"^   ([a-z-]+)$", part, re.MULTILINE))
        self.assertGreater(len(listed), 15)
        # These are references, which other pages and the manual pages lead to.
        others = {"administrators", "hooks", "protocol", "json", "trualias", "trualias-table", "trualias-virtual"}
        self.assertEqual(set(), {name for name in listed - others if f":doc:`{name}`" not in page})
