"""The manual pages and completion scripts in the tree are those of today's commands.

``.ci/generated`` renders them, and ``.ci/run`` compares what a reader sees of them; here nothing needs Sphinx.
"""

import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from io import BytesIO, StringIO

from twisted.trial.unittest import SynchronousTestCase

from trualias import __version__
from trualias.commands.arguments import example_and_status
from trualias.commands.terminal import Terminal
from trualias.main import command_line, run
from trualias.test.examples import Block, read_rst
from trualias.testing.requirements import source_tree

RENDER = "not today's: run .ci/generated"


def words(page: str) -> str:
    """Return the words of a manual page, without the markup of roff."""
    lines = (line for line in page.splitlines() if not re.match(r"['.]", line))
    text = re.sub(r"\\f[A-Z]|\\f\(..|\\[&/,]|\\%", "", " ".join(lines)).replace("\\-", "-").replace("\\(aq", "'")
    text = (
        text.replace("\\(ga", "`")
        .replace("\\(ha", "^")
        .replace("\\(ti", "~")
        .replace("\\(dq", '"')
        .replace("\\e", "\\")
    )
    return " ".join(text.split())


def leaves(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield the parsers of all commands that have no commands below them."""
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    for action in below:
        for command in action.choices.values():
            yield from leaves(command)
    if not below:
        yield parser


class CompletionTests(SynchronousTestCase):
    """The scripts in ``completion``."""

    def test_scripts(self) -> None:
        """Each is what the command prints."""
        for shell in ("bash", "zsh", "fish"):
            output = StringIO()
            run(["completion", shell], Terminal(BytesIO(), output, StringIO()))
            self.assertTrue((source_tree() / "completion" / shell).read_text("utf-8") == output.getvalue(), RENDER)


class ManualPageTests(SynchronousTestCase):
    """The pages in ``man``."""

    def page(self, name: str) -> str:
        """Return the words of a page."""
        return words((source_tree() / "man" / name).read_text("utf-8"))

    def test_version(self) -> None:
        """Every page has the version of the package."""
        pages = sorted(path.name for path in (source_tree() / "man").iterdir())
        self.assertEqual(["trualias-table.8", "trualias-virtual.8", "trualias.1", "trualias.conf.5"], pages)
        for name in pages:
            heading = re.search(r"(?m)^\.TH .*$", (source_tree() / "man" / name).read_text("utf-8"))
            assert heading is not None
            self.assertIn(f'"{__version__}"', heading[0], RENDER)

    def test_commands(self) -> None:
        """trualias(1) has the description, the options and the exit status of every command."""
        page = self.page("trualias.1").replace("\u2013", "--").replace("\u2018", "'").replace("\u2019", "'")
        lacking = []
        for command in leaves(command_line()):
            texts = [command.description, example_and_status(command)[1], *(a.help for a in command._actions if a.help)]
            for text in filter(None, texts):
                if text != "show this help message and exit" and " ".join(text.split()) not in page:
                    lacking.append((command.prog, text))
        self.assertEqual([], lacking, RENDER)

    def test_configuration(self) -> None:
        """trualias.conf(5) has every example of the page about the policy language."""
        page = self.page("trualias.conf.5")
        text = (source_tree() / "docs" / "policy.rst").read_text("utf-8")
        blocks = [part for part in read_rst(text) if isinstance(part, Block) and part.is_configuration]
        self.assertGreater(len(blocks), 20)
        lines = [line for block in blocks for line in block.text.splitlines() if line.startswith(("MATCHES", "WITH"))]
        self.assertEqual([], [line for line in lines if " ".join(line.split()) not in page], RENDER)
