"""Statements that two parsers read: the same trees, offsets and errors as those that Lark makes by the grammar."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from lark import UnexpectedToken
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.name_list import NameList
from trualias.language.splitter import pieces
from trualias.language.statement_parser import parse_statement
from trualias.language.tree import Setting, unparse
from trualias.language.words import UnexpectedWord
from trualias.test import trialprofile
from trualias.test.naive_parser import NaiveParser
from trualias.test.strategies import accounts, deliveries, expectations, refusals, settings_lines

trialprofile.load()

BASE = 1000

_TERMS = {
    "COMMA": "','",
    "SEMICOLON": "';'",
    "LPAR": "'('",
    "RPAR": "')'",
    "EVERY": "'*'",
    "NAME": "a name",
    "CLASS": "a class",
    "EXPRESSION": "an expression",
    "FUNCTION": "a function",
    "LITERAL": "a literal",
    "ARGUMENT": "an argument",
    "DOMAIN": "a domain",
    "ADDRESS": "an address",
    "ANSWER": "an account, NOTHING, DEBUG",
}
"""The names of the grammar's words in messages; a keyword is named by itself."""

_CLAIMS = (
    "ACCOUNT a MATCHES %code% WITH",
    "ACCOUNT bcd\n\n MATCHES\t%account%.%code% WITH",
    "ACCOUNT a, b MATCHES %account%%code% WITH",
    "ACCOUNT c,d\n  MATCHES -%account%%code% WITH",
    "ACCOUNT a USING alpha MATCHES %code% WITH",
    "ACCOUNT b USING letters MATCHES %coda%%code% WITH",
    "ACCOUNT dd ALIASED ee,ff MATCHES %alias%%code% WITH",
    "ACCOUNT a ALIASED * MATCHES %code% WITH",
    "ACCOUNT a ALIASED *, b MATCHES %code% WITH",
    "ACCOUNT a ALIASED *b MATCHES %code% WITH",
    "ACCOUNT f AT g.hh , i.j MATCHES %code% WITH",
    "ACCOUNT a, b USING fqdn ALIASED c, d AT e MATCHES %account%%alias%%code% WITH",
    "ACCOUNT a AT b ALIASED c MATCHES %code% WITH",
    "ACCOUNT a AT TO MATCHES %code% WITH",
    # A keyword can be a name.
    "ACCOUNT AT MATCHES %code% WITH",
    "ACCOUNT AT AT AT MATCHES %code% WITH",
    "ACCOUNT A, AT, B ALIASED b, *, d MATCHES %alias%%code% WITH",
    "ACCOUNT * MATCHES %code% WITH",
    "ACCOUNT ACCOUNT USING USING AT ALIASED MATCHES %code% WITH",
    "ACCOUNT a USING alpha, ident MATCHES %code% WITH",
    "ACCOUNT a AT b.c,d.e,f.g,h.i MATCHES %code%,x WITH",
    # Errors, also where the words that are missing stand in comments, or end in a keyword.
    "ACCOUNT a b %code% WITH",
    "ACCOUNT MATCHES %code% WITH",
    "ACCOUNT a, MATCHES %code% WITH",
    "ACCOUNT a,, b MATCHES %code% WITH",
    "ACCOUNT a, b(c, d MATCHES %code% WITH",
    "ACCOUNT a MATCHES %code%WITH",
    "ACCOUNT a MATCHES WITH",
    "ACCOUNT a USING MATCHES %code% WITH",
    "ACCOUNT a ALIASED MATCHES %code% WITH",
    "ACCOUNT a(MATCHES %code% WITH",
    "ACCOUNT\n# a MATCHES\nb MATCHES %code% WITH",
    "ACCOUNT a\n#,\n MATCHES %code% WITH",
    "ACCOUNT a, #b\n, c\n,\n# d\n\n #\ne,\n\nf MATCHES %code% WITH",
    "ACCOUNT #a, # b MATCHES %code% WITH",
)

_ITEMS = (
    "x",
    "*",
    "yy ,ANY ( )",
    "CHAR(-2,b),  VOWELS\n(account)",
    "CHARS\n# (\n(1)",
    "x  RETIRED",
    "RETIRED",
    "RETIRED, RETIRED RETIRED",
    "RETIRED(1,*)",
    "CHARS(RETIRED)",
    "x RETIRED(1)",
    ",",
    "x y",
    "x, CHARS(,)",
    "x, CHARS(1 2)",
    "CHARS(1,",
    "CHARS(",
    "(x)",
    "x)",
    "x,\n# y, CHARS()\nCHARS()",
    "x, #CHARS()",
    "#x",
    "\n#x\ny",
    "#\n#x\ny",
    "x, WITH",
)

_OTHERS = (
    "EXPECT a b;",
    "EXPECT a, (b), c(d)@e NOTHING;",
    "EXPECT(a) DEBUG;",
    "EXPECT a,\n# b\n #\nc\n,d, #e (;",
    "EXPECT a, b;",
    "EXPECT a b c;",
    "EXPECT ;",
    "REFUSE a;",
    "REFUSE a(,b),(;",
    "REFUSE a b;",
    "REFUSE ,;",
    "DELIVER a TO b;",
    "DELIVER AT AT AT TO TO;",
    "DELIVER a AT b, c TO d@e,(f;",
    "DELIVER a TO(b;",
    "DELIVER a(b TO c;",
    "DELIVER a, b TO c;",
    "DELIVER a AT TO b;",
    "DELIVER a AT b c;",
    "DELIVER a AT b MATCHES c;",
    "DELIVER USING TO c;",
    "PORT:",
    "PORT: \t ",
    "DEBUG \t ACCOUNT \t: a b \u00a0",
    "ALLOW:: #;\x85",
    "END",
)

_WORDS = [*"ab,;()*#", "ACCOUNT", "USING", "ALIASED", "AT", "MATCHES", "WITH", "TO", "RETIRED", "EXPECT"]
_WORDS += ["alpha", "%code%", "%a%", "é", "#a", ":"]
_GAPS = ["", " ", "\n", "\n#\n", "\n #a,;(\n\n", "\r\n\t", "\u00a0\f", "\n# b"]


def _with_offsets(node: Any) -> object:
    """Return all of a node, also what its comparison leaves out."""
    if isinstance(node, tuple | NameList):
        return [_with_offsets(part) for part in node]
    if attrs.has(type(node)):
        parts = [_with_offsets(getattr(node, field.name)) for field in attrs.fields(type(node))]
        return type(node).__name__, parts
    return node


class AgreementTests(SynchronousTestCase):
    """The parser, and Lark with the grammar in ``grammar.lark``."""

    def setUp(self) -> None:
        """Make the parser by the grammar."""
        self.naive = NaiveParser()

    def assert_agreement(self, text: str) -> bool:
        """Assert that both parsers read the first statement of a text alike; return whether it has no error.

        Where a list could go on, Lark may leave the comma out of what is expected, since all lists of names are one
        production: the word that does not fit may stand after another of them.
        """
        piece = next(pieces(text))
        whole = text[piece.start : piece.end] + piece.missing
        try:
            statement, unknown_words = self.naive.parse(piece.kind, whole, BASE)
        except UnexpectedToken as error:
            found = self.assertRaises(UnexpectedWord, parse_statement, piece.kind, whole, BASE)
            self.assertEqual(error.token.start_pos, found.offset, text)
            names = [name.removeprefix("_") for name in error.accepts]
            terms = {_TERMS.get(name, name) for name in names}
            self.assertEqual(terms | {"','"} & found.expected, found.expected, text)
            return False
        parsed = parse_statement(piece.kind, whole, BASE)
        self.assertEqual(_with_offsets((statement, unknown_words)), _with_offsets(parsed), text)
        return True

    def test_table(self) -> None:
        """Statements of all kinds, those with keywords as names or with comments among them, and errors."""
        texts = [f"\n {claim} CHARS(account), x;" for claim in _CLAIMS]
        for items in _ITEMS:
            texts += [f"ACCOUNT a MATCHES %alpha%-%fqdn%.%code% WITH {items}{end}" for end in (";", " ;", "")]
        agreed = [self.assert_agreement(text) for text in (*texts, *_OTHERS)]
        self.assertEqual({True: 79, False: 57}, {kind: agreed.count(kind) for kind in (True, False)})

    def test_long_gaps(self) -> None:
        """White space and comments may be long."""
        for gap in (" " * 4095, " " * 4096, "\n" * 9000, "\n#\n" * 5000, " " * 5000 + "#", f"\n{' ' * 5000}#x\n"):
            for text in ("ACCOUNT a , b MATCHES %code% WITH CHARS ( ) , x ;", "DELIVER a TO b , c ;"):
                self.assert_agreement(gap.join(text.split(" ")))

    def test_drawn(self) -> None:
        """Drawn statements, with a word of them exchanged for another one, are read alike."""
        statements = accounts() | settings_lines() | refusals() | deliveries() | expectations()

        @given(statements, st.integers(0, 30), st.none() | st.sampled_from(_WORDS), st.sampled_from(_GAPS[1:]))
        def agree(statement: object, number: int, word: str | None, gap: str) -> None:
            words = unparse(statement).split(" ")  # type: ignore[arg-type]
            if word is not None and len(words) > 1:
                words[1 + number % (len(words) - 1)] = word
            texts = [" ".join(words)] if isinstance(statement, Setting) else [" ".join(words), gap.join(words)]
            for text in texts:
                if next(pieces(text)).kind:
                    self.assert_agreement(text)

        agree()

    def test_drawn_words(self) -> None:
        """Any words after a keyword are read alike."""
        keywords = st.sampled_from(["ACCOUNT", "ACCOUNT a MATCHES %code% WITH", "EXPECT", "REFUSE", "DELIVER"])
        words = st.lists(st.tuples(st.sampled_from(_GAPS), st.sampled_from(_WORDS)), max_size=12)

        @given(keywords, words)
        def agree(keyword: str, words: list[tuple[str, str]]) -> None:
            self.assert_agreement(keyword + "".join([f" {gap}{word}" for gap, word in words]))

        agree()


class PauseTests(SynchronousTestCase):
    """The calls of ``pause`` while a list is read."""

    def test_lists(self) -> None:
        """The pause is called at each 256 words, also if they have comments or parentheses between them."""
        for start, end in (("REFUSE", ";"), ("DELIVER a TO", ";"), ("EXPECT", " a;")):
            for word in ("a", "(a)", "\n#\na", "a)\n#\n"):
                pauses: list[int] = []
                text = f"{start} {','.join([word] * 1024)}{end}"
                parse_statement(start.split()[0].lower(), text, 0, partial(pauses.append, 0))
                self.assertGreaterEqual(len(pauses), 4, (start, word))
