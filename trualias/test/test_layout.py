"""Tests of ``trualias.language.layout``."""

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.layout import format_text
from trualias.language.source import ConfigurationErrors
from trualias.language.tree import Account, unparse
from trualias.test import trialprofile
from trualias.test.strategies import policies
from trualias.testing.requirements import source_tree

trialprofile.load()


class LayoutTests(SynchronousTestCase):
    """The layout of statements, comments and blank lines."""

    def assert_format(self, text: str, expected: str) -> None:
        """Assert the formatted text, which is its own."""
        self.assertEqual(expected, format_text(text, "a.conf"))
        self.assertEqual(expected, format_text(expected, "a.conf"))

    def test_settings(self) -> None:
        """A setting has one blank after its colon, and one between the words of its name."""
        self.assert_format("\n\n  PORT:1\r\nCASE  SENSITIVE\t:   no \n", "PORT: 1\nCASE SENSITIVE: no\n")
        self.assert_format("ALIAS DOMAINS: a.example  b.example", "ALIAS DOMAINS: a.example  b.example\n")

    def test_accounts(self) -> None:
        """An account statement has three lines, and blank lines around it and the comments before it."""
        self.assert_format(
            "PORT: 1\nACCOUNT foo ,bar USING fqdn MATCHES %account%-%code% WITH CHAR ( 1 , - ),CHARS( );"
            "ACCOUNT b ALIASED * MATCHES %code%\nWITH\nx\n;\nHOST: ::1\n# about c\nACCOUNT c MATCHES c%code% WITH y;\n"
            "# about d\nACCOUNT d MATCHES d%code% WITH y;EXPECT a,b\n NOTHING ;",
            "PORT: 1\n\nACCOUNT foo, bar USING fqdn\nMATCHES %account%-%code%\nWITH CHAR(1,-), CHARS();\n\n"
            "ACCOUNT b ALIASED *\nMATCHES %code%\nWITH x;\n\nHOST: ::1\n\n# about c\nACCOUNT c\nMATCHES c%code%\n"
            "WITH y;\n\n# about d\nACCOUNT d\nMATCHES d%code%\nWITH y;\n\nEXPECT a, b NOTHING;\n",
        )

    def test_other_statements(self) -> None:
        """Other statements have one line."""
        self.assert_format(
            "REFUSE a,\n b@example.org;DELIVER foo AT a.example TO x,\ty@b.example;\nEND\n# vim:\n",
            "REFUSE a, b@example.org;\nDELIVER foo AT a.example TO x, y@b.example;\nEND\n# vim:\n",
        )
        self.assert_format("REFUSE (a,b),(, c,) ;", "REFUSE (a, b), (, c, );\n")

    def test_comments(self) -> None:
        """Comments are kept, also between the words of a statement."""
        self.assert_format(
            "\t#one \n\n\n\n\n # two\nACCOUNT a,\n # three\nb\nMATCHES %account%-%code%\n#four\nWITH\n#five\n"
            "CHAR(account,\n#six\n1,-), #, x;\n  # seven",
            "#one\n\n\n# two\nACCOUNT a,\n# three\n    b\nMATCHES %account%-%code%\n#four\nWITH\n#five\n"
            "    CHAR(account,\n#six\n    1,-), #, x;\n\n# seven\n",
        )

    def test_long_lists(self) -> None:
        """A long list goes on in indented lines, none of which begins with a #."""
        names = ", ".join(f"account{number}" for number in range(20))
        formatted = format_text(f"ACCOUNT {names} MATCHES %account%-%code% WITH {'xxxxxxxxx, #, ' * 10}y;", "a.conf")
        lines = formatted.splitlines()
        self.assertEqual(["    account17, account18, account19"], lines[2:3])
        self.assertTrue(all(len(line) <= 104 and not line.lstrip().startswith("#") for line in lines), formatted)
        self.assertEqual(formatted, format_text(formatted, "a.conf"))

    def test_lines_of_other_statements(self) -> None:
        """A statement keeps its lines if one of the layout would begin a setting or another statement."""
        names = ", ".join(["account"] * 10)
        for text in (
            "ACCOUNT a MATCHES %code% WITH x:y;\n",
            "DELIVER\u00a0a: TO b;\n",
            "ACCOUNT a,\n\n#b\n  *, b MATCHES x:%code%\n\tWITH x ;\n",
            f"REFUSE {names}, a:b;\n",
            f"REFUSE {names}, REFUSE;\n",
            f"ACCOUNT {names}, EXPECT MATCHES\n   %account%.%code% WITH x;\n",
        ):
            self.assert_format(text, text)

    def test_errors(self) -> None:
        """A text with errors of syntax is not formatted."""
        errors = self.assertRaises(ConfigurationErrors, format_text, "PORT: x\nACCOUNT a\n", "a.conf")
        self.assertEqual("a.conf:2:1: this ACCOUNT statement has no ';' at its end\nACCOUNT a\n^", str(errors))

    def test_samples(self) -> None:
        """The samples have the layout."""
        for path in sorted((source_tree() / "conf").glob("*.sample")):
            text = path.read_text("utf-8")
            self.assertEqual(text, format_text(text, path.name))

    @given(policies(), st.lists(st.sampled_from((" ", "\n", "\t", "\n# x\n", "\n\n\n"))))
    def test_any_policy(self, policy: tuple[Account, ...], blanks: list[str]) -> None:
        """The formatted text of any policy, with any white space, has the same tree, and is its own formatted text."""
        text = "\n".join(map(unparse, policy))
        assume(" #" not in text)  # at the beginning of a line it would be a comment
        for number, blank in enumerate(blanks):
            parts = text.split(" ")
            parts[number % len(parts)] += blank
            text = " ".join(parts)
        formatted = format_text(text, "a.conf")
        self.assertEqual(formatted, format_text(formatted, "a.conf"))
