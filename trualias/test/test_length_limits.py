"""Tests of ``trualias.language.length_limits``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.length_limits import LONGEST
from trualias.language.parser import parse
from trualias.language.source import Source
from trualias.language.tree import Account, Setting


class LengthTests(SynchronousTestCase):
    """Parts of a configuration that are too long."""

    def messages(self, text: str) -> list[tuple[int, str]]:
        """Return the offsets and messages of the errors of a text."""
        return [(error.offset, error.message) for error in parse(Source(text, "test.conf")).errors]

    def test_words(self) -> None:
        """A word of a statement may have 1,000,000 characters; the error of a longer one is at its first character."""
        message = "a word has more than 1,000,000 characters"
        for length in (LONGEST + 1, 1_100_000, 24_000_000):
            word = "x" * length
            for begin, end in (
                ("ACCOUNT ", " MATCHES a%code% WITH x;"),
                ("ACCOUNT foo MATCHES ", "%code% WITH x;"),
                ("ACCOUNT foo MATCHES a%code% WITH ", ";"),
                ("EXPECT a, ", " foo;"),
                ("EXPECT " + 400_000 * "a, ", " foo;"),
            ):
                self.assertEqual([(len(begin), message)], self.messages(begin + word + end))
        (statement,) = parse(Source(f"ACCOUNT {'x' * LONGEST} MATCHES a%code% WITH x;", "")).statements
        self.assertIsInstance(statement, Account)

    def test_the_others(self) -> None:
        """The statements after one with a long word are parsed."""
        parsed = parse(Source(f"EXPECT {'x' * 1_000_001} foo;\nACCOUNT foo MATCHES a%code% WITH x;\n", "test.conf"))
        self.assertEqual(1, len(parsed.errors))
        self.assertEqual([Account], [type(statement) for statement in parsed.statements])

    def test_settings(self) -> None:
        """The line of a setting may have 1,000,000 characters."""
        name = "PROCESSOR: "
        longest = name + "x" * (LONGEST - len(name))
        (statement,) = parse(Source(longest, "")).statements
        self.assertIsInstance(statement, Setting)
        self.assertEqual([(1, "a setting has more than 1,000,000 characters")], self.messages(f"\n{longest}x\n"))
