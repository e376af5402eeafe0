"""Tests of trualias.commands.output."""

import os
import pty
import re
from io import StringIO
from typing import TextIO

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.output import console, show, shown, table_of, write_json


class PipeTests(SynchronousTestCase):
    """What is no terminal."""

    def test_text(self) -> None:
        """Text is written as it is: neither coloured, nor wrapped, nor taken for markup."""
        output = StringIO()
        text = "[red]1[/] :smile: " + 60 * "word "
        console(output).print(text, style="bold red")
        self.assertEqual(text + "\n", output.getvalue())

    def test_table(self) -> None:
        """A table has a line a row, with its columns in line, no cell cut and no space at an end."""
        output = StringIO()
        rows = table_of("address", "answer")
        rows.add_row(300 * "x", "foo")
        rows.add_row("[bold]y[/]", "")
        show(console(output), rows)
        expected = f"{'address':300}  answer\n{300 * 'x'}  foo\n[bold]y[/]\n"
        self.assertEqual(expected, output.getvalue())

    def test_json(self) -> None:
        """What is for programs is one JSON text that ends its line."""
        output = StringIO()
        write_json(output, {"address": "caf\u00e9"})
        self.assertEqual('{\n  "address": "caf\u00e9"\n}\n', output.getvalue())

    def test_shown(self) -> None:
        """Characters that would do something to a terminal are shown by their numbers."""
        self.assertEqual("foo caf\u00e9", shown("foo caf\u00e9"))
        self.assertEqual(r"\x1b[2J\n\udcff\u202e", shown("\x1b[2J\n\udcff\u202e"))


class TerminalTests(SynchronousTestCase):
    """A terminal, a real one."""

    def setUp(self) -> None:
        """Open a terminal of an ordinary kind."""
        for name, value in (("TERM", "xterm"), ("NO_COLOR", None), ("FORCE_COLOR", None), ("COLUMNS", "80")):
            self.addCleanup(self.set_variable, name, os.environ.get(name))
            self.set_variable(name, value)
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.terminal: TextIO = os.fdopen(slave, "w")
        self.addCleanup(self.terminal.close)

    def set_variable(self, name: str, value: str | None) -> None:
        """Give a variable of the environment a value, or none."""
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    def read(self) -> str:
        """What a person sees."""
        self.terminal.flush()
        return os.read(self.master, 10_000).decode()

    def test_colour(self) -> None:
        """Colours are for terminals."""
        console(self.terminal).print("foo", style="red")
        self.assertEqual("\x1b[31mfoo\x1b[0m\r\n", self.read())

    def test_no_colour(self) -> None:
        """Whoever has asked all programs for no colours gets none."""
        self.set_variable("NO_COLOR", "1")
        console(self.terminal).print("foo", style="red")
        self.assertEqual("foo\r\n", self.read())

    def test_table(self) -> None:
        """A table keeps within the width of the terminal, and every character of a cell is shown."""
        rows = table_of("address", "answer")
        rows.add_row(120 * "x", "foo")
        show(console(self.terminal), rows)
        seen = self.read()
        self.assertEqual(120, seen.count("x"))
        lines = re.sub("\x1b\\[[0-9;]*m", "", seen).split("\r\n")
        self.assertEqual(80, max(map(len, lines)))
