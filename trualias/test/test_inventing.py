"""The examples of the chapter about inventing a policy are the output of the commands."""

import os
import re
import shlex
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.examples import Block, read_rst
from trualias.testing.requirements import source_tree

CHAPTER = "docs/inventing-a-policy.rst"


class ChapterTests(SynchronousTestCase):
    """The commands of the chapter, run in a folder with the files that it shows."""

    def setUp(self) -> None:
        """Write each block that begins with a file name, such as ``# first.conf``, to that file."""
        text = (source_tree() / CHAPTER).read_text("utf-8")
        self.blocks = [part for part in read_rst(text) if isinstance(part, Block)]
        folder = Path(self.mktemp())
        folder.mkdir()
        for block in self.blocks:
            if named := re.match(r"# (\w+\.\w+)\n", block.text):
                (folder / named[1]).write_text(block.text, "utf-8")
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)

    def test_commands(self) -> None:
        """Each command prints the lines after it, apart from white space."""
        printed = [command for block in self.blocks for command in block.commands()]
        found = []
        for command, _ in printed:
            name, *arguments = shlex.split(command)
            self.assertEqual("trualias", name)
            output = StringIO()
            run(arguments, Terminal(BytesIO(), output, output))
            found.append((command, output.getvalue()))
        self.assertGreaterEqual(len(printed), 15)
        for (command, expected), (_, output_now) in zip(printed, found, strict=True):
            self.assertEqual(expected.split(), output_now.split(), command)

    def test_all_kinds(self) -> None:
        """The chapter uses all commands that help with inventing a policy."""
        used = {command.split()[1] for block in self.blocks for command, _ in block.commands()}
        self.assertEqual({"check", "compose", "explain", "replay", "strength"}, used)

    def test_figures(self) -> None:
        """The figures in the text occur in the commands' output."""
        text = (source_tree() / CHAPTER).read_text("utf-8")
        for sentence, figure in (
            ("Of 358 blind guesses one gets through", "1 of 358 blind guesses"),
            ("opens one door in 75", "gets through for 1.3 % of names"),
            ("a 6 is right for one name in seven", "always sending 6 gets through for 14.6 % of names"),
            ("one name in two thousand", "gets through for 0.052 % of other names"),
            ("one constant code does for every sixth name", "always sending 0e3 gets through for 15.6 % of names"),
        ):
            self.assertIn(sentence, " ".join(text.split()))
            self.assertIn(figure, text)
