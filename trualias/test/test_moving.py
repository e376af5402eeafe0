"""The examples of the chapter about a catch-all domain are the output of the commands."""

from __future__ import annotations

import os
import re
import shlex
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.store.sqlite_file import create
from trualias.test.examples import Block, read_rst
from trualias.testing.requirements import source_tree


class ChapterTests(SynchronousTestCase):
    """The commands of the chapter, run one after the other in a folder with the files that it shows."""

    def test_commands(self) -> None:
        """Each command prints the lines after it, apart from white space."""
        text = (source_tree() / "docs" / "catch-all.rst").read_text("utf-8")
        blocks = [part for part in read_rst(text) if isinstance(part, Block)]
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        for block in blocks:
            if named := re.match(r"# (\w+\.\w+)\n", block.text):
                (folder / named[1]).write_text(block.text.removeprefix(named[0]), "utf-8")
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)
        create("memory.sqlite")  # as the server does when it starts
        self.patch(os, "environ", {**os.environ, "STATE_DIRECTORY": str(folder)})
        commands = [command for block in blocks for command in block.commands()]
        for command, expected in commands:
            name, *arguments = shlex.split(command)
            self.assertEqual("trualias", name)
            output = StringIO()
            run(arguments, Terminal(BytesIO(), output, output))
            self.assertEqual(expected.split(), output.getvalue().split(), command)
        used = [command.split()[1:3] for command, _ in commands]
        self.assertEqual([["alias", "import"]] * 4 + [["query", "-c"], ["explain", "-c"], ["alias", "export"]], used)
