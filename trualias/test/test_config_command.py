"""Tests of ``trualias config``."""

import os
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.configuration import SETTINGS, parse_configuration, read_configuration
from trualias.main import run
from trualias.testing.requirements import source_tree


class ConfigTests(SynchronousTestCase):
    """The command in a folder with files."""

    def setUp(self) -> None:
        """Write a configuration of two files."""
        folder = Path(self.mktemp()).absolute()
        (folder / "conf.d").mkdir(parents=True)
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)
        first = "#mine\nPORT:1\nACCOUNT a MATCHES a%code% WITH x;\nINCLUDE: conf.d/*.conf\nEND\n"
        second = "CASE SENSITIVE: no\n\nACCOUNT b MATCHES b%code% WITH CHARS(account);\n"
        Path("a.conf").write_text(first, "utf-8")
        Path("conf.d/b.conf").write_text(second, "utf-8")

    def config(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run(["config", *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    FORMATTED = "#mine\nPORT: 1\n\nACCOUNT a\nMATCHES a%code%\nWITH x;\n\nINCLUDE: conf.d/*.conf\nEND\n"

    def test_format(self) -> None:
        """The formatted file is printed, and the file stays as it is."""
        before = Path("a.conf").read_bytes()
        self.assertEqual((0, self.FORMATTED, ""), self.config("format", "a.conf"))
        self.assertEqual(before, Path("a.conf").read_bytes())

    def test_option(self) -> None:
        """``-c`` names the file, as for the other commands; without a name it is the one that a server would find."""
        self.assertEqual((0, self.FORMATTED, ""), self.config("format", "-c", "a.conf"))
        Path("a.conf").rename("trualias.conf")
        self.assertEqual((0, self.FORMATTED, ""), self.config("format"))
        self.assertEqual((0, "", ""), self.config("format", "--write"))
        self.assertEqual(self.FORMATTED, Path("trualias.conf").read_text("utf-8"))
        self.assertTrue(self.config("show")[1].startswith("# default\nHOST: 127.0.0.1\n"))
        self.assertEqual(
            (2, "", "one file at a time: it is given twice, as FILE and with -c\n"),
            self.config("show", "trualias.conf", "-c", "trualias.conf"),
        )

    def test_write(self) -> None:
        """With --write the file is replaced, also behind a symbolic link, and keeps its mode."""
        Path("a.conf").chmod(0o640)
        Path("link").symlink_to("a.conf")
        self.assertEqual((0, "", ""), self.config("format", "link", "--write"))
        self.assertEqual((self.FORMATTED, 0o640), (Path("a.conf").read_text(), Path("a.conf").stat().st_mode & 0o777))
        self.assertTrue(Path("link").is_symlink())
        self.assertEqual({"a.conf", "link", "conf.d"}, set(os.listdir()))

    def test_write_was_interrupted(self) -> None:
        """The file that is in the way of a write is named, and left alone."""
        Path("a.conf.new").write_text("other", "utf-8")
        new = Path("a.conf.new").absolute()
        self.assertEqual(
            (2, "", f"a.conf cannot be written: {new} is there already; remove it\n"),
            self.config("format", "--write", "a.conf"),
        )
        self.assertEqual("other", new.read_text("utf-8"))
        Path("\x1b[31m").write_text("PORT: 1\n", "utf-8")
        Path("\x1b[31m.new").touch()
        shown = ascii(str(Path("\x1b[31m.new").absolute()))[1:-1]
        self.assertEqual(
            (2, "", f"\\x1b[31m cannot be written: {shown} is there already; remove it\n"),
            self.config("format", "--write", "\x1b[31m"),
        )

    def test_errors(self) -> None:
        """A file with errors is neither printed nor written."""
        Path("a.conf").write_text("PORT 1\n", "utf-8")
        status, output, errors = self.config("format", "--write", "a.conf")
        self.assertEqual((2, ""), (status, output))
        self.assertIn("a.conf:1:1: expected a setting (NAME: value)", errors)
        self.assertEqual("PORT 1\n", Path("a.conf").read_text("utf-8"))
        line = "Nov 26 10:00:00 host postfix/smtpd[1]: connect\n"
        Path("mail.log").write_text(line, "utf-8")
        status, output, errors = self.config("format", "--write", "mail.log")
        self.assertEqual((2, ""), (status, output))
        self.assertIn("mail.log:1:1: unknown setting 'Nov 26 10'; expected HOST,", errors)
        self.assertEqual(line, Path("mail.log").read_text("utf-8"))
        self.assertEqual(
            (2, "", "no.conf: cannot be read: No such file or directory\n"), self.config("format", "no.conf")
        )

    def test_show(self) -> None:
        """All files and defaults are shown, with the file and line of each part."""
        expected = """\
# default
HOST: 127.0.0.1
# a.conf:2
PORT: 1
"""
        status, output, errors = self.config("show", "a.conf")
        self.assertEqual((0, ""), (status, errors))
        self.assertTrue(output.startswith(expected), output)
        for part in (
            "# default: no LISTEN\n",
            "# conf.d/b.conf:1\nCASE SENSITIVE: no\n",
            "# a.conf:4: INCLUDE: conf.d/*.conf\n",
            "\n# a.conf:3\nACCOUNT a\nMATCHES a%code%\nWITH x;\n",
            "\n# conf.d/b.conf:3\nACCOUNT b\nMATCHES b%code%\nWITH CHARS(account);\n\nEND\n",
        ):
            self.assertIn(part, output)

    def test_listen(self) -> None:
        """HOST and PORT are not shown where their defaults do not count."""
        Path("c.conf").write_text("LISTEN: socketmap tcp:1:interface=127.0.0.1\n", "utf-8")
        beside = (
            "# not in effect beside LISTEN: HOST\n# not in effect beside LISTEN: PORT\n# c.conf:1\nLISTEN: socketmap"
        )
        output = self.config("show", "c.conf")[1]
        self.assertTrue(output.startswith(beside), output)

    def test_shown_is_a_configuration(self) -> None:
        """What is shown is one configuration that means the same."""
        for path in ("a.conf", *map(str, (source_tree() / "conf").glob("*.sample"))):
            before = read_configuration(path)
            after = parse_configuration(self.config("show", path)[1], "shown.conf")
            for name, attribute in SETTINGS.items():
                if name != "INCLUDE":
                    values = [getattr(one.settings, attribute.name) for one in (before, after)]
                    self.assertEqual(values[0], values[1], name)
            self.assertEqual(
                [rule.statement for rule in before.policy.rules], [r.statement for r in after.policy.rules]
            )
            self.assertEqual(before.expectations, after.expectations)
            self.assertEqual((before.refusals, before.deliveries), (after.refusals, after.deliveries))
