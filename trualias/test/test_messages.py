"""Tests of ``trualias.messages``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.messages import did_you_mean, escaped, number_of, one_of, others_since, quoted


class NumberTests(SynchronousTestCase):
    """Numbers with their nouns."""

    def test_number_of(self) -> None:
        """One has the singular, all other numbers the plural."""
        self.assertEqual(
            ["0 words", "1 word", "2 words", "11 words"], [number_of(count, "word") for count in (0, 1, 2, 11)]
        )

    def test_several(self) -> None:
        """A plural with more than an s can be given, and another word for zero."""
        self.assertEqual(
            ["no addresses", "1 address", "3 addresses"],
            [number_of(count, "address", "addresses", zero="no") for count in (0, 1, 3)],
        )

    def test_others_since(self) -> None:
        """Other messages are mentioned where there are some."""
        self.assertEqual(
            ["", " (1 other since the last such line)", " (2 others since the last such line)"],
            [others_since(count) for count in range(3)],
        )


class WordsTests(SynchronousTestCase):
    """The parts of messages."""

    def test_did_you_mean(self) -> None:
        """A misspelled word, in any case, gives the right spelling; any other word gives nothing."""
        known = ["ACCOUNT", "EXPECT", "alpha"]
        found = {word: did_you_mean(word, known) for word in ("ACOUNT", "account", "EXCEPT", "ALPHA", "aplha")}
        right = {"ACOUNT": 0, "account": 0, "EXCEPT": 1, "ALPHA": 2, "aplha": 2}
        self.assertEqual({word: f"; did you mean '{known[number]}'?" for word, number in right.items()}, found)
        for word in ("", "x", "HOST", "ACCOUNTING OF EVERYTHING"):
            self.assertEqual("", did_you_mean(word, known), word)

    def test_nothing_known(self) -> None:
        """Without known words there is no suggestion."""
        self.assertEqual("", did_you_mean("HOST", []))

    def test_one_of(self) -> None:
        """Alternatives are joined as in a sentence."""
        lists = [one_of(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])]
        self.assertEqual(["a", "a or b", "a, b or c"], lists)

    def test_quoted(self) -> None:
        """A word is quoted; the end of a very long one is left out, and unprintable characters are replaced."""
        self.assertEqual("'fo.o'", quoted("fo.o"))
        self.assertEqual("'a\ufffdb' (character 2 is U+0007)", quoted("a\x07b"))
        self.assertEqual(f"'{'x' * 64}'", quoted("x" * 64))
        self.assertEqual(f"'{'x' * 64}...'", quoted("x" * 200_000))

    def test_deceptive_characters(self) -> None:
        """The first character that is not seen or that looks like another one is named; Latin letters are not."""
        for word, name in (
            ("CASE\u00a0SENSITIVE", "character 5 is U+00A0 NO-BREAK SPACE"),
            ("exam\u200bple", "character 5 is U+200B ZERO WIDTH SPACE"),
            ("f\u043e\u043e", "character 2 is U+043E CYRILLIC SMALL LETTER O"),
            ("HOST\uff1a1", "character 5 is U+FF1A FULLWIDTH COLON"),
            ("\u201cfoo\u201d", "character 1 is U+201C LEFT DOUBLE QUOTATION MARK"),
            ("o\u2019neil", "character 2 is U+2019 RIGHT SINGLE QUOTATION MARK"),
            ("f\u0131g", "character 2 is U+0131 LATIN SMALL LETTER DOTLESS I"),
            ("u\u0308", "character 2 is U+0308 COMBINING DIAERESIS"),
            ("\u2013", "U+2013 EN DASH"),
            ("\udcff", "U+DCFF"),
        ):
            shown = word.translate({0xA0: 0xFFFD, 0x200B: 0xFFFD, 0xDCFF: 0xFFFD})
            self.assertEqual(f"'{shown}' ({name})", quoted(word))
        for word in ("b\u00fccher", "\u0141\u00f3d\u017a", "a\tb", "~"):
            self.assertEqual(f"'{word}'", quoted(word))
        self.assertEqual(f"'{'x' * 64}...'", quoted("x" * 64 + "\u200b"))


class EscapedTests(SynchronousTestCase):
    """Untrusted texts."""

    def test_escaped(self) -> None:
        """Characters that a terminal might interpret are escaped."""
        self.assertEqual("foo caf\u00e9", escaped("foo caf\u00e9"))
        self.assertEqual(r"\x1b[2J\n\udcff\u202e", escaped("\x1b[2J\n\udcff\u202e"))
