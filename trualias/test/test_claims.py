"""Claims and items that are read by the shapes of others: the same statements, offsets and errors as Lark's."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lark import UnexpectedInput
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.claims import ClaimShapes, ClaimWords, may_have_comment, words_of
from trualias.language.item_shapes import ItemShapes
from trualias.language.parser import _Reader
from trualias.language.splitter import pieces
from trualias.language.tree import Account, unparse
from trualias.test import trialprofile
from trualias.test.strategies import accounts

trialprofile.load()
_ITEMS = "CHARS(account), x"

_PAIRS = (
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT bcd\n\n MATCHES\t%account%.%code% WITH"),
    ("ACCOUNT a, b MATCHES %account%%code% WITH", "ACCOUNT c,d\n  MATCHES -%account%%code% WITH"),
    ("ACCOUNT a USING alpha MATCHES %code% WITH", "ACCOUNT b USING mailbox MATCHES %code% WITH"),
    ("ACCOUNT a USING alpha MATCHES %code% WITH", "ACCOUNT b USING letters MATCHES %coda%%code% WITH"),
    ("ACCOUNT a ALIASED b, c MATCHES %alias%%code% WITH", "ACCOUNT dd ALIASED ee,ff MATCHES %alias%%code% WITH"),
    ("ACCOUNT a ALIASED * MATCHES %code% WITH", "ACCOUNT bb ALIASED * MATCHES %code% WITH"),
    ("ACCOUNT a ALIASED b MATCHES %code% WITH", "ACCOUNT bb ALIASED * MATCHES %code% WITH"),
    ("ACCOUNT a AT b.c, d.e MATCHES %code% WITH", "ACCOUNT f AT g.hh , i.j MATCHES %code% WITH"),
    (
        "ACCOUNT a, b USING fqdn ALIASED c, d AT e MATCHES %account%%alias%%code% WITH",
        "ACCOUNT f, g USING fqdn ALIASED h, i AT j MATCHES %account%x%alias%%code% WITH",
    ),
    # A keyword can be a name.
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT AT MATCHES %code% WITH"),
    ("ACCOUNT AT MATCHES %code% WITH", "ACCOUNT AT AT AT MATCHES %code% WITH"),
    ("ACCOUNT A MATCHES %code% WITH", "ACCOUNT * MATCHES %code% WITH"),
    # A list of any length, also with words in it that can be keywords.
    ("ACCOUNT a, b MATCHES %account%%code% WITH", "ACCOUNT a,b ,c,\nd , e MATCHES %account%%code% WITH"),
    ("ACCOUNT a, b, c MATCHES %account%%code% WITH", "ACCOUNT a, b MATCHES %account%%code% WITH"),
    ("ACCOUNT a, b MATCHES %account%%code% WITH", "ACCOUNT a MATCHES %account%%code% WITH"),
    ("ACCOUNT a, b, AT, c, d MATCHES %account%%code% WITH", "ACCOUNT e, f, g, AT, c, d MATCHES %account%%code% WITH"),
    ("ACCOUNT a, b MATCHES %account%%code% WITH", "ACCOUNT a, B, c MATCHES %account%%code% WITH"),
    ("ACCOUNT a ALIASED b, c MATCHES %alias%%code% WITH", "ACCOUNT a ALIASED b, *, d MATCHES %alias%%code% WITH"),
    ("ACCOUNT a USING alpha MATCHES %code% WITH", "ACCOUNT a USING alpha, ident MATCHES %code% WITH"),
    ("ACCOUNT a AT b.c, d.e MATCHES %code% WITH", "ACCOUNT a AT b.c,d.e,f.g,h.i MATCHES %code%,x WITH"),
    # A syntax error, also where the words of a known shape stand in comments or end in a keyword.
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT a b %code% WITH"),
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT MATCHES %code% WITH"),
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT a, MATCHES %code% WITH"),
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT a MATCHES %code%WITH"),
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT a(MATCHES %code% WITH"),
    ("ACCOUNT a MATCHES %code% WITH", "ACCOUNT\n# a MATCHES\nb MATCHES %code% WITH"),
    ("ACCOUNT a, b MATCHES %code% WITH", "ACCOUNT a\n#,\n MATCHES %code% WITH"),
)

_ITEM_PAIRS = (
    ("x", "yz"),
    ("x, CHARS()", "yy ,ANY ( )"),
    ("CHAR(1, a), CHARS(2)", "CHAR(-2,b),  VOWELS\n(account)"),
    ("x RETIRED", "y  RETIRED"),
    ("x RETIRED", "RETIRED"),
    ("x, y", "RETIRED, RETIRED RETIRED"),
    ("CHAR(1,a)", "RETIRED(1,*)"),
    ("CHARS()", "CHARS(RETIRED)"),
    ("*", "x"),
    ("x", ","),
    ("x, y", "x y"),
    ("x, CHARS()", "x, CHARS(,)"),
    ("x, CHARS()", "x,\n# y, CHARS()\nCHARS()"),
    ("x, CHARS()", "x, #CHARS()"),
    ("x, y", "x, WITH"),
)

_SIGNS_AND_KEYWORDS = (*"ab,;()*#", "ACCOUNT", "USING", "ALIASED", "AT", "MATCHES", "WITH", "TO", "RETIRED")
_WORDS = st.sampled_from([*_SIGNS_AND_KEYWORDS, "alpha", "%code%", "%a%", "\n#", "é"])


def _with_offsets(statement: Account) -> tuple[Any, ...]:
    """Return all of a statement that its comparison leaves out."""
    names = (*statement.accounts, *statement.aliases, *statement.domains)
    offsets = statement.offset, statement.expression_offset, statement.items_offset
    return statement, [name.offset for name in names], offsets, [item.offset for item in statement.items]


class ClaimTests(SynchronousTestCase):
    """The reading of claims by Lark, and by the shapes of others."""

    def setUp(self) -> None:
        """Make a reader, and one that forgets all that it has read."""
        self.reader = _Reader()
        self.forgetful = _Reader()

    def read(self, reader: _Reader, text: str) -> object:
        """Return what a reader makes of a text's first statement: the statement and unknown words, or the error."""
        start = text.index("ACCOUNT")
        piece = next(pieces(text))
        self.assertEqual(start, piece.start)
        try:
            statement, unknown_words = reader.read(text, piece, 1000)
        except UnexpectedInput as error:
            return type(error), str(error)
        assert isinstance(statement, Account)
        return _with_offsets(statement), unknown_words

    def assert_agreement(self, text: str) -> None:
        """Assert that the reader with the shapes so far reads a text as Lark does."""
        self.forgetful._shapes, self.forgetful._item_shapes = ClaimShapes(), ItemShapes()
        self.forgetful._items.clear()
        self.assertEqual(self.read(self.forgetful, text), self.read(self.reader, text), text)

    def test_pairs(self) -> None:
        """A claim whose shape may be known from another one, or which only resembles it, is read as Lark reads it."""
        for known, claim in _PAIRS:
            self.reader._shapes = ClaimShapes()
            for text in (known, known, claim, claim):
                self.assert_agreement(f"\n {text} {_ITEMS};")

    def test_items(self) -> None:
        """Items whose shape may be known from others, or which only resemble them, are read as Lark reads them."""
        for known, items in _ITEM_PAIRS:
            self.reader._item_shapes = ItemShapes()
            self.reader._items.clear()
            for text in (known, known, items, items):
                self.assert_agreement(f"ACCOUNT a MATCHES %alpha%-%fqdn%.%code% WITH {text};")
                self.assert_agreement(f"ACCOUNT a MATCHES %alpha%-%fqdn%.%code% WITH {text}")

    def test_shared(self) -> None:
        """Lark parses the first items, and a sample of the first claim, and nothing else of these shapes."""
        parsed: list[tuple[str, str]] = []
        parse: Callable[..., Any] = self.reader._lark.parse

        def recorded(text: str, start: str) -> Any:
            parsed.append((start, text))
            return parse(text, start)

        self.patch(self.reader._lark, "parse", recorded)
        for name in "abcd":
            names = ",".join(name * number for number in range(1, 60))
            self.read(self.reader, f"ACCOUNT {names} MATCHES {name}%code% WITH CHARS(account), {name};")
        self.assertEqual(
            [
                ("account", "ACCOUNT a MATCHES %code% WITH CHARS(account), a;"),
                ("claim", "ACCOUNT a , aa MATCHES a%code% WITH"),
            ],
            parsed,
        )

    def test_comments(self) -> None:
        """A text may have a comment if it has a hash and a line break."""
        self.assertEqual([True, False, False], [may_have_comment(text) for text in ("a\n#b", "a #b", "a\nb")])

    def test_words(self) -> None:
        """Words and signs have their offsets in the text."""
        self.assertEqual([("CHARS", 1), ("(", 6), (")", 9), (";", 10)], words_of(" CHARS(  );"))

    def test_shape(self) -> None:
        """A shape has the words in capital letters and the signs, and one text for each other word, or list of them."""
        claim = ClaimWords("ACCOUNT a,Bc,\nd, E,f ALIASED * MATCHES %code% WITH", 10)
        shape = ("ACCOUNT", ",,", ",", "E", ",", "", "ALIASED", "*", "MATCHES", "", "WITH")
        self.assertEqual(shape, claim.shape)
        self.assertEqual("ACCOUNT a , Bc , E , f ALIASED * MATCHES %code% WITH", claim.sample)
        self.assertEqual([("a", 18), ("Bc", 20), ("d", 24)], [(name.text, name.offset) for name in claim.names([1])])
        self.assertEqual(("%code%", 49), claim.word(-2))

    def test_drawn(self) -> None:
        """Drawn statements, with a word of them exchanged for another one, are read as Lark reads them."""

        @given(accounts(), st.integers(0, 30), st.none() | _WORDS)
        def agree(statement: Account, number: int, word: str | None) -> None:
            words = unparse(statement).split(" ")
            if word is not None:
                words[1 + number % (len(words) - 1)] = word
            text = " ".join(words)
            for _ in range(2):
                self.assert_agreement(text)

        agree()
