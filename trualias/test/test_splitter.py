"""Tests of splitting a text into statements: comments, line ends, missing ends, and long lines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.parser import Parsed, parse
from trualias.language.source import MOST_ERRORS, ConfigurationErrors, Source
from trualias.language.tree import Account, Call, End, Expect, Setting, unparse
from trualias.test import trialprofile
from trualias.test.complaints import Complaint, complaints

trialprofile.load()

STATEMENT = "expected a setting (NAME: value), ACCOUNT, EXPECT, REFUSE, DELIVER or END, found"
AFTER_ACCOUNTS = "expected ALIASED, AT, MATCHES, USING or ',', found"
CLASSES = "alnum, alpha, number, ident, fqdn or mailbox"
FIELDS = "account, alias, alnum, alpha, number, ident, fqdn or code"
NO_END = "this ACCOUNT statement has no ';' at its end"


def read(text: str) -> Parsed:
    """Parse a text."""
    return parse(Source(text, "test.conf"))


class SplitterCase(SynchronousTestCase):
    """Splits texts."""

    def assert_reads(self, text: str, *statements: str, errors: tuple[Complaint, ...] = ()) -> None:
        """Assert the statements of a text, settings by name and others by their first word; and the errors."""
        parsed = read(text)
        self.assertEqual(complaints(text, *errors), str(ConfigurationErrors(parsed.errors)))
        found = []
        for statement in parsed.statements:
            match statement:
                case Setting(name):
                    found.append(name)
                case Account((name, *_)):
                    found.append(name.text)
                case Expect((address, *_)):
                    found.append(address.text)
                case End():
                    pass
        self.assertEqual(list(statements), found)


class FileTests(SplitterCase):
    """Whole texts."""

    def test_empty(self) -> None:
        """A text without statements is a valid configuration."""
        for text in ("", "\n", " \t\r\n\f", "# comment", "#\n  # x;\n\t#ACCOUNT"):
            self.assert_reads(text)

    def test_comments(self) -> None:
        """A line whose first character after blanks is ``#`` is a comment, whatever it holds."""
        text = "# a\nPORT: 1\n\t# PORT: 2; ACCOUNT\n#\nACCOUNT a\n # ;\nMATCHES %code%\n#x\n\n#y\nWITH x;\n# end"
        self.assert_reads(text, "PORT", "a")

    def test_comment_after_a_statement(self) -> None:
        """A comment needs a line of its own; the error for one on another line says so."""
        text = "ACCOUNT a MATCHES %code% WITH x; #mine\nPORT: 1"
        error = 1, 34, f"{STATEMENT} '#mine'; a comment stands on lines of its own"
        self.assert_reads(text, "a", "PORT", errors=(error,))

    def test_deceptive_blanks(self) -> None:
        """A blank outside ASCII in the name of a setting, which does not end the name, is named."""
        text = "CASE\u00a0SENSITIVE: no\n\u200bACCOUNT a MATCHES %code% WITH x;\nPORT\uff1a 1\nPORT\u00a0\nPORT: 2"
        errors = [
            f"{STATEMENT} 'CASE\ufffdSENSITIVE' (character 5 is U+00A0 NO-BREAK SPACE)",
            f"{STATEMENT} '\ufffdACCOUNT' (character 1 is U+200B ZERO WIDTH SPACE); did you mean 'ACCOUNT'?",
            f"{STATEMENT} 'PORT\uff1a' (character 5 is U+FF1A FULLWIDTH COLON)",
            f"{STATEMENT} 'PORT'",
        ]
        parsed = read(text)
        self.assertEqual(errors, [error.message for error in parsed.errors])
        self.assertEqual(["PORT: 2"], [unparse(statement) for statement in parsed.statements])

    def test_line_ends(self) -> None:
        """CR LF ends a line as LF does."""
        text = "# a\nPORT: 1\n# b\nACCOUNT a\n# c\nMATCHES %code%\nWITH x,\ny;\nHOST: z\n"
        self.assertEqual((), read(text).errors)
        self.assertEqual(read(text).statements, read(text.replace("\n", "\r\n")).statements)

    def test_errors_with_line_ends(self) -> None:
        """A CR at the end of a line is not shown in errors."""
        (error,) = read("\r\nACCOUNT a,\r\nMATCHES b;\r\n").errors
        self.assertEqual("test.conf:3:1: expected a name, found 'MATCHES'\nMATCHES b;\n^", str(error))

    def test_tabs(self) -> None:
        """The caret stands under the column of the error even after tabs."""
        (error,) = read("ACCOUNT\ta\tMATCH\t%code%\tWITH\tx;").errors
        self.assertEqual(
            f"test.conf:1:11: {AFTER_ACCOUNTS} 'MATCH'; did you mean 'MATCHES'?\n"
            "ACCOUNT\ta\tMATCH\t%code%\tWITH\tx;\n       \t \t^",
            str(error),
        )

    def test_several_on_a_line(self) -> None:
        """Several statements may stand on one line; a setting is the last one on its line."""
        text = "ACCOUNT a MATCHES %code% WITH x;ACCOUNT b MATCHES %code% WITH y; EXPECT c d;PORT: 1; HOST: 2"
        self.assert_reads(text, "a", "b", "c", "PORT")

    def test_no_statement(self) -> None:
        """A line that is no statement is an error, and the next line is read."""
        errors = (1, 1, f"{STATEMENT} 'foo'"), (2, 1, f"{STATEMENT} ';'"), (4, 1, f"{STATEMENT} '('")
        self.assert_reads("foo bar\n;\nPORT: 1\n(x", "PORT", errors=errors)

    def test_two_semicolons(self) -> None:
        """An empty statement is an error."""
        self.assert_reads("EXPECT a b;;", "a", errors=((1, 12, f"{STATEMENT} ';'"),))

    def test_all_errors(self) -> None:
        """An error hides neither the next statement nor the next error."""
        self.assert_reads(
            "PORT: 1\nfoo\nACCOUNT a MATCHES %cod% WITH x;\nACCOUNT b\nMATCHES %code% wit x;\n"
            "account c MATCHES\n%code% WITH x;\nACCOUNT d MATCHES %code% WITH x;\nHOST: y",
            "PORT",
            "d",
            "HOST",
            errors=(
                (2, 1, f"{STATEMENT} 'foo'"),
                (3, 19, f"unknown field '%cod%'; expected {FIELDS}; did you mean 'code'?"),
                (5, 16, "expected WITH, found 'wit'; did you mean 'WITH'?"),
                (6, 1, f"{STATEMENT} 'account'; did you mean 'ACCOUNT'?"),
            ),
        )

    def test_all_errors_of_a_statement(self) -> None:
        """Every unknown word of a statement is an error, and its other parts can be checked."""
        text = "ACCOUNT a USING fqnd MATCHES %acount%-%-%cod% WITH CHRAS();"
        errors = (
            (1, 17, f"unknown class 'fqnd'; expected {CLASSES}; did you mean 'fqdn'?"),
            (1, 30, f"unknown field '%acount%'; expected {FIELDS}; did you mean 'account'?"),
            (1, 39, f"unknown field '%-%'; expected {FIELDS}"),
            (1, 45, "this '%' has no partner; a percent sign is written '%%'"),
        )
        self.assert_reads(text, errors=errors)
        (partial,) = read(text).partial
        self.assertEqual((Call("CHRAS", ()),), partial.items)


class EndTests(SplitterCase):
    """Statements without their ``;``."""

    def test_at_the_end(self) -> None:
        """A statement without ``;`` may be the last, with line ends and comments after it."""
        for rest in ("", "\n", "\n\n# a; b\n", "\n# a; b"):
            text = f"PORT: 1\nACCOUNT a MATCHES %code% WITH x{rest}"
            self.assert_reads(text, "PORT", "a", errors=((2, 1, NO_END),))
        self.assert_reads("EXPECT a b", "a", errors=((1, 1, "this EXPECT statement has no ';' at its end"),))

    def test_before_the_next(self) -> None:
        """A statement without ``;`` ends before the line of the next statement or setting, which is read."""
        account = "ACCOUNT N MATCHES %code% WITH x;"
        for following in ("N: 1", "  N :1", account, f"\t{account}", "EXPECT N b;", "EXPECT\nN b;", "#\n \n # \nN: 1"):
            text = f"ACCOUNT a\nMATCHES %code%\nWITH x\n# comment;\n\n{following}\n"
            self.assert_reads(text, "a", "N", errors=((1, 1, NO_END),))

    def test_not_before_a_name(self) -> None:
        """A line that only begins like a statement is part of the statement before it."""
        self.assert_reads("ACCOUNT\nACCOUNTANT,\nEXPECTED\nMATCHES\nACCOUNT%code%\nWITH EXPECT.;", "ACCOUNTANT")

    def test_other_errors(self) -> None:
        """Other errors of a statement without ``;`` are reported, too."""
        parsed = read("ACCOUNT a MATCHES %code% WITH x\n")
        self.assertEqual(read("ACCOUNT a MATCHES %code% WITH x;").statements, parsed.statements)
        field = 1, 19, f"unknown field '%cod%'; expected {FIELDS}; did you mean 'code'?"
        self.assert_reads("ACCOUNT a MATCHES %cod% WITH x", errors=((1, 1, NO_END), field))
        keyword = 1, 11, f"{AFTER_ACCOUNTS} 'MATCH'; did you mean 'MATCHES'?"
        self.assert_reads("ACCOUNT a MATCH %code% WITH x", errors=((1, 1, NO_END), keyword))

    def test_one_error(self) -> None:
        """If more than the ``;`` is missing, one error is reported."""
        text = "ACCOUNT a USING alpha ALIASED b , c MATCHES %alias%-%code% WITH CHAR ( alias , 1 , - ) , x"
        words = text.split()
        for number in range(1, len(words)):
            errors = [error.message for error in read(" ".join(words[:number])).errors]
            self.assertEqual([NO_END], errors, words[:number])

    def test_several(self) -> None:
        """Every missing ``;`` is reported."""
        errors = [(line, 1, NO_END) for line in (1, 2, 4)]
        self.assert_reads("ACCOUNT a\nACCOUNT b\nPORT: 1\nACCOUNT c\n", "PORT", errors=tuple(errors))

    def test_misspelled_start(self) -> None:
        """A statement with a misspelled first word is skipped up to its end, or to the next statement."""
        errors = ((1, 1, f"{STATEMENT} 'ACOUNT'; did you mean 'ACCOUNT'?"),)
        for end in (";", ""):
            self.assert_reads(f"ACOUNT a\nMATCHES x\nWITH y{end}\nPORT: 1\n", "PORT", errors=errors)


class LastStatementTests(SplitterCase):
    """``END``."""

    def test_end(self) -> None:
        """END may have blanks around it; blank lines and comments may follow."""
        for text in (
            "END",
            "END\n",
            "END\r\n",
            " \tEND \t\n\n \t# vim: et\n#",
            "\n# a\nEND\n",
            "PORT: 1\nEND",
            "EXPECT a b;\nEND",
        ):
            parsed = read(text)
            self.assertEqual((), parsed.errors)
            self.assertIsInstance(parsed.statements[-1], End)
            self.assertEqual(End(), parsed.statements[-1])
        for text in ("", "# END\n", "PORT: 1\n#\nEND", "EXPECT END END;"):
            self.assertEqual(text.endswith("\nEND"), End() in read(text).statements[-1:])

    def test_something_follows(self) -> None:
        """The first text after END that is no comment is an error, and the only one."""
        message = "only blank lines and comments may follow END, which is in line 2"
        for rest in ("PORT: 2", "ACCOUNT a", "foo", ";", "END"):
            text = f"PORT: 1\nEND\n# x\n\n{rest}\nx\n"
            self.assert_reads(text, "PORT", errors=((5, 1, message),))

    def test_not_alone(self) -> None:
        """END beside other text is an error, and the next line is read."""
        error = "END must be the only word of its line"
        for text in ("END;", "END # of file", "END x"):
            self.assert_reads(f"{text}\nPORT: 1\n", "PORT", errors=((1, 1, error),))
        self.assert_reads("EXPECT a b; END\n", "a", errors=((1, 13, error),))

    def test_misspelled(self) -> None:
        """A truncated or misspelled END is an error with a suggestion."""
        for word in ("EN", "end", "End", "ENDE"):
            self.assert_reads(
                f"PORT: 1\n{word}", "PORT", errors=((2, 1, f"{STATEMENT} '{word}'; did you mean 'END'?"),)
            )

    def test_after_a_missing_semicolon(self) -> None:
        """A statement without ``;`` ends before END."""
        for rest in ("", "\n\n# x;\n"):
            text = f"ACCOUNT a MATCHES %code% WITH x\n\nEND{rest}"
            self.assert_reads(text, "a", errors=((1, 1, NO_END),))
            self.assertIsInstance(read(text).statements[-1], End)

    def test_name(self) -> None:
        """In a statement, END is a name like any other, also alone on a line."""
        self.assert_reads("ACCOUNT\nEND\nMATCHES %code%\nWITH END;\nPORT: 1", "END", "PORT")


class AnyTextTests(SplitterCase):
    """Arbitrary texts."""

    WORDS = (
        *(
            "ACCOUNT",
            "USING",
            "ALIASED",
            "MATCHES",
            "WITH",
            "EXPECT",
            "END",
            "HOST",
            "foo",
            "ident",
            "CHARS",
            "é",
            "1",
            "-",
        ),
        *("*", ",", ";", "(", ")", ":", "%", "%%", "%code%", "%account%", "#"),
    )
    GAPS = ("", " ", "\n", "\r\n", "\n#", "\t", "\0", "\ufeff", "\u2028")

    @settings(max_examples=150)
    @given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=25))
    def test_errors_or_statements(self, words: list[tuple[str, str]]) -> None:
        """For any text every error shows its position, and statements without error survive unparsing."""
        text = "".join(word + gap for word, gap in words)
        parsed = read(text)
        for error in parsed.errors:
            offset, excerpt, caret = str(error).split("\n")
            self.assertEqual(f"test.conf:{error.line}:{error.column}: {error.message}", offset)
            self.assertLess(len(caret), len(excerpt) + 2)
            self.assertNotIn("''", error.message)
        if not parsed.errors:
            again = read("\n".join(map(unparse, parsed.statements)))
            self.assertEqual((parsed.statements, ()), (again.statements, again.errors))


class SizeTests(SplitterCase):
    """Large texts are read in reasonable time, and their errors stay readable."""

    def test_long_list(self) -> None:
        """A line of 200 kB is one list of names."""
        names = [f"account{number:05}" for number in range(15_000)]
        (statement,) = read(f"ACCOUNT {','.join(names)} MATCHES %account%-%code% WITH x;").statements
        assert isinstance(statement, Account)
        self.assertEqual(names, [name.text for name in statement.accounts])

    def test_error_in_a_long_line(self) -> None:
        """An error in a line of 200 kB shows the part around it."""
        names = ",".join(["account"] * 25_000)
        (error,) = read(f"ACCOUNT {names} MATCH %code% WITH x;").errors
        self.assertEqual(
            f"test.conf:1:200009: {AFTER_ACCOUNTS} 'MATCH'; did you mean 'MATCHES'?\n"
            f"{names[-99:]} MATCH %code% WITH x;\n{' ' * 100}^",
            str(error),
        )

    def test_long_words(self) -> None:
        """An error at a word of 200 kB shows its start."""
        word = "x" * 200_000
        cut = f"'{'x' * 64}...'"
        for text, message in (
            (word, f"{STATEMENT} {cut}"),
            (f"ACCOUNT a {word};", f"{AFTER_ACCOUNTS} {cut}"),
            (f"ACCOUNT a USING {word} MATCHES %code% WITH x;", f"unknown class {cut}; expected {CLASSES}"),
            (f"ACCOUNT a MATCHES %{word}% WITH x;", f"unknown field '%{'x' * 63}...'; expected {FIELDS}"),
        ):
            self.assertEqual([message], [error.message for error in read(text).errors])

    def test_many_errors_in_a_long_line(self) -> None:
        """Of thousands of errors in one line, one more than the limit is found."""
        parsed = read(f"ACCOUNT a MATCHES {'%x%' * 4_000} WITH x;")
        self.assertEqual(MOST_ERRORS + 1, len(parsed.errors))
        self.assertIn(f"test.conf:1:3019: unknown field '%x%'; expected {FIELDS}\n", str(parsed.errors[-1]))

    def test_many_statements_on_a_line(self) -> None:
        """Thousands of statements may stand on one line."""
        parsed = read("EXPECT a b;" * 2_000)
        self.assertEqual(((), 2_000), (parsed.errors, len(parsed.statements)))

    def test_long_blanks(self) -> None:
        """White space longer than one match passes over separates statements and words as any other does."""
        for blanks in ("\n" * 10_000, " " * 10_000 + "\n", "\n# x" * 10_000 + "\n", "\n" + "#" * 10_000 + "\n"):
            statement = f"ACCOUNT{blanks}foo{blanks}MATCHES x-%code%{blanks}WITH CHARS(account){blanks};"
            self.assert_reads(f"PORT: 1\n{blanks}{statement}\n{blanks}HOST: ::1{blanks}", "PORT", "foo", "HOST")

    def test_pauses(self) -> None:
        """The parser pauses at every statement."""
        pauses: list[None] = []
        parse(Source("PORT: 1\n" * 100, "test.conf"), lambda: pauses.append(None))
        self.assertEqual(100, len(pauses))
