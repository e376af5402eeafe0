"""Output on terminals and in pipes."""

import contextlib
import os
import pty
import re
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.output import (
    Output,
    show,
    show_rows,
    table_of,
    write_items,
    write_json,
    write_json_array,
    write_rows,
)


class PipeTests(SynchronousTestCase):
    """Output in a pipe."""

    def test_text(self) -> None:
        """Text is written unchanged: not coloured, wrapped or interpreted as markup."""
        output = StringIO()
        text = "[red]1[/] :smile: " + 60 * "word "
        Output(output).print(text, style="bold red")
        self.assertEqual(text + "\n", output.getvalue())

    def test_table(self) -> None:
        """A table has one line for each row, with aligned columns, no cut cells and no trailing spaces."""
        output = StringIO()
        rows = table_of("address", "answer")
        rows.add_row(300 * "x", "foo")
        rows.add_row("[bold]y[/]", "")
        show(output, rows)
        expected = f"{'address':300}  answer\n{300 * 'x'}  foo\n[bold]y[/]\n"
        self.assertEqual(expected, output.getvalue())

    def test_rows(self) -> None:
        """Rows have aligned columns by the cells that characters take, and nothing is written without rows."""
        output = StringIO()
        write_rows(output, ("a", "note"), ())
        self.assertEqual("", output.getvalue())
        write_rows(output, ("alias", "note"), [("\u4e2d\u6587", "x"), ("[bold]y[/]", "")])
        self.assertEqual("alias       note\n\u4e2d\u6587        x\n[bold]y[/]\n", output.getvalue())

    def test_rows_without_heads(self) -> None:
        """Rows without heads are aligned as well."""
        output = StringIO()
        show_rows(output, [("  alias", "[bold]y[/]"), ("  a", "x")])
        self.assertEqual("  alias  [bold]y[/]\n  a      x\n", output.getvalue())

    def test_items(self) -> None:
        """A pipe gets all columns, aligned by the cells of the characters, and nothing that a terminal would obey."""
        output = StringIO()
        write_items(output, {"name": (0, str), "length": (50, lambda item: str(len(item)))}, ["a", "b\n"])
        self.assertEqual("name  length\na     1\nb\\n   2\n", output.getvalue())
        output = StringIO()
        write_items(output, {"": (0, str), "note": (0, lambda item: item[:1])}, ["\u4e2d\u6587", "[bold]y[/]"])
        self.assertEqual("            note\n\u4e2d\u6587        \u4e2d\n[bold]y[/]  [\n", output.getvalue())
        output = StringIO()
        write_items(output, {"name": (0, str)}, [])
        self.assertEqual("", output.getvalue())

    def test_many_items(self) -> None:
        """Many items are written in batches, whose columns get no narrower, as they come."""
        output = StringIO()

        def items() -> Iterator[str]:
            yield from ("x" * 9 for _ in range(1_000))
            self.assertEqual(1_001, output.getvalue().count("\n"))
            yield from "yz"

        write_items(output, {"name": (0, str), "length": (0, lambda item: str(len(item)))}, items())
        lines = output.getvalue().splitlines()
        self.assertEqual([1003, "name       length", "z          1"], [len(lines), lines[0], lines[-1]])

    def test_json_array(self) -> None:
        """An array is written value by value, as it would be at once."""
        cases: list[list[dict[str, object]]] = [[], [{"a": "x\ny", "b": [1, {}]}], [{"a": 1}, {}, {"c": None}]]
        for values in cases:
            one, other = StringIO(), StringIO()
            write_json(one, values)
            write_json_array(other, iter(values))
            self.assertEqual(one.getvalue(), other.getvalue())

    def test_json(self) -> None:
        """JSON output is one text that ends with a newline."""
        output = StringIO()
        write_json(output, {"address": "caf\u00e9"})
        self.assertEqual('{\n  "address": "caf\u00e9"\n}\n', output.getvalue())


class TerminalTests(SynchronousTestCase):
    """Output on a pseudo terminal."""

    def setUp(self) -> None:
        """Open a pseudo terminal of 80 columns."""
        for name, value in (("TERM", "xterm"), ("NO_COLOR", None), ("FORCE_COLOR", None), ("COLUMNS", "80")):
            self.addCleanup(self.set_variable, name, os.environ.get(name))
            self.set_variable(name, value)
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.terminal: TextIO = os.fdopen(slave, "w")
        self.addCleanup(self.terminal.close)

    def set_variable(self, name: str, value: str | None) -> None:
        """Set an environment variable, or remove it."""
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    def read(self) -> str:
        """Return the output so far."""
        self.terminal.flush()
        return os.read(self.master, 10_000).decode()

    def test_folded(self) -> None:
        """On 40 columns text is folded between words, apart from lines whose columns matter."""
        self.set_variable("COLUMNS", "40")
        text = "foo.macys.m6 is not found: it looks right, but its code is wrong"
        Output(self.terminal).print(text)
        self.assertEqual("foo.macys.m6 is not found: it looks\r\n  right, but its code is wrong\r\n", self.read())
        Output(self.terminal).print(text, hanging=0)
        self.assertEqual("foo.macys.m6 is not found: it looks\r\nright, but its code is wrong\r\n", self.read())
        Output(self.terminal).print(text, folded=False)
        self.assertEqual(f"{text}\r\n", self.read())

    def test_indented(self) -> None:
        """A folded line goes on two columns to the right of its beginning; one that fits is left alone."""
        self.set_variable("COLUMNS", "30")
        Output(self.terminal).print(
            "a.conf: note: it does not end with END\n    why: a file that was cut off looks so\n  x",
        )
        self.assertEqual(
            "a.conf: note: it does not\r\n  end with END\r\n"
            "    why: a file that was cut\r\n      off looks so\r\n  x\r\n",
            self.read(),
        )
        Output(self.terminal).print("    MATCHES %account%-%alnum%-%code%\n", folded=False)
        self.assertEqual("    MATCHES %account%-%alnum%-%code%\r\n\r\n", self.read())
        self.set_variable("COLUMNS", "5")
        Output(self.terminal).print("    12345678901")
        self.assertEqual("    1234567890\r\n      1\r\n", self.read())

    def test_colour(self) -> None:
        """A terminal gets colours."""
        Output(self.terminal).print("foo", style="red")
        self.assertEqual("\x1b[31mfoo\x1b[0m\r\n", self.read())

    def test_no_colour(self) -> None:
        """With ``NO_COLOR`` there are no colours."""
        self.set_variable("NO_COLOR", "1")
        Output(self.terminal).print("foo", style="red")
        self.assertEqual("foo\r\n", self.read())

    def test_table(self) -> None:
        """A table stays within the width of the terminal, and shows every character of a cell."""
        rows = table_of("address", "answer")
        rows.add_row(120 * "x", "foo")
        show(self.terminal, rows)
        seen = self.read()
        self.assertEqual(120, seen.count("x"))
        lines = re.sub("\x1b\\[[0-9;]*m", "", seen).split("\r\n")
        self.assertEqual(80, max(map(len, lines)))

    def test_rows(self) -> None:
        """Rows are a table of rich, within the width of the terminal."""
        write_rows(self.terminal, ("alias", "note"), [(120 * "x", "y")])
        self.assertEqual(120, self.read().count("x"))

    def test_rows_without_heads(self) -> None:
        """Rows without heads are folded within the width of the terminal."""
        show_rows(self.terminal, [("alias", 120 * "x"), ("a", "y")])
        lines = re.sub("\x1b\\[[0-9;]*m", "", self.read()).split("\r\n")
        self.assertEqual(
            [f"alias  {73 * 'x'}", f"       {47 * 'x'}", "a      y"], [line.rstrip() for line in lines[:3]]
        )

    def test_folded_items(self) -> None:
        """Items are a table of rich, within the width of the terminal, and have one head."""
        write_items(self.terminal, {"alias": (0, str), "note": (0, lambda item: "y")}, [120 * "x"])
        self.assertEqual(120, self.read().count("x"))
        write_items(self.terminal, {"alias": (0, str)}, ["x"] * 1_100)
        self.terminal.flush()
        os.set_blocking(self.master, False)
        seen = ""
        with contextlib.suppress(BlockingIOError):
            while True:
                seen += self.read()
        self.assertEqual((1, 1_100), (seen.count("alias"), seen.count("x")))

    def test_items(self) -> None:
        """A terminal gets the columns for which it is wide enough."""
        write_items(self.terminal, {"name": (0, str), "80": (80, str), "81": (81, str)}, ["a"])
        seen = re.sub("\x1b\\[[0-9;]*m", "", self.read())
        self.assertEqual(["name", "80", "a", "a"], seen.split())
