"""The examples of the page about the command line are the output of the commands."""

from __future__ import annotations

import os
import re
import shlex
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias.analysis.address_warnings
import trualias.analysis.delivery_warnings
import trualias.analysis.search_lint
import trualias.analysis.statement_lint
import trualias.commands.host_warnings
import trualias.commands.store_warnings
from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.examples import Block, RstTable, cell_text, read_rst
from trualias.testing.requirements import source_tree


def page() -> str:
    """Return the text of the page."""
    return (source_tree() / "docs" / "command-line.rst").read_text("utf-8")


class PageTests(SynchronousTestCase):
    """The examples and the table of warnings."""

    def test_commands(self) -> None:
        """Each command prints the lines after it, given the configuration before it as ``policy.conf``."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        parts = list(read_rst(page()))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        seen = set()
        for part in parts:
            if not isinstance(part, Block):
                continue
            if part.is_configuration:
                Path("policy.conf").write_text(part.text, "utf-8")
            for command, printed in part.commands():
                program, *arguments = shlex.split(command)
                output = StringIO()
                run(arguments, Terminal(BytesIO(), output, output))
                self.assertEqual(
                    f"{program} {output.getvalue()}", f"trualias {printed}", f"line {part.line}: {command}"
                )
                seen.add(arguments[0])
        self.assertEqual({"check", "explain", "compose"}, seen)

    def test_warnings(self) -> None:
        """The page lists every kind of warning."""
        (listed,) = (
            part for part in read_rst(page()) if isinstance(part, RstTable) and part.head[0] == "in ``--json``"
        )
        modules = (
            trualias.analysis.search_lint,
            trualias.analysis.statement_lint,
            trualias.analysis.address_warnings,
            trualias.analysis.delivery_warnings,
            trualias.commands.host_warnings,
            trualias.commands.store_warnings,
        )
        code = "".join(Path(str(module.__file__)).read_text("utf-8") for module in modules)
        kinds = re.findall(r'LintWarning\(\s*"([a-z-]+)"', code)
        self.assertEqual(sorted(kinds), sorted(cell_text(row[0]) for row in listed.rows))
