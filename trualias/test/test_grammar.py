"""Tests of ``trualias.language.grammar``."""

import json
from importlib.resources import files

import lark
from lark import UnexpectedToken
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.grammar import generated, tables

GOOD = (
    ("setting", "DEBUG ACCOUNT: postmaster"),
    ("setting", "PROCESSOR:"),
    ("account", "ACCOUNT foo, bar USING alnum ALIASED * MATCHES %account%-%code% WITH CHARS(), CHAR(1, 2, -), x;"),
    ("expect", "EXPECT foo-shop-4, foo-shop-5 NOTHING;"),
    ("end", "END"),
)
BAD = (
    ("setting", "DEBUG ACCOUNT"),
    ("account", "ACCOUNT foo, MATCHES %code% WITH CHARS();"),
    ("account", "ACCOUNT foo MATCHES %code% WITH CHARS(;"),
    ("expect", "EXPECT ;"),
    ("end", "END;"),
)


class GeneratedTests(SynchronousTestCase):
    """The generated parser, with the kept tables and without them."""

    def found(self) -> list[object]:
        """Parse every statement; return the trees, and the positions and expectations of errors."""
        parser = generated()
        found: list[object] = [parser.parse(text, start=kind) for kind, text in GOOD]
        for kind, text in BAD:
            error = self.assertRaises(UnexpectedToken, parser.parse, text, start=kind)
            found.append((error.token.start_pos, error.accepts))
        return found

    def test_kept(self) -> None:
        """The kept tables are those of the grammar; the module says how to make them again."""
        folder = files("trualias.language")
        kept = json.loads(folder.joinpath("grammar.json").read_text("utf-8"))
        self.assertEqual(folder.joinpath("grammar.lark").read_text("utf-8"), kept["sources"][1])
        self.assertEqual(kept.keys(), json.loads(tables()).keys())

    def test_another_lark(self) -> None:
        """With another version of Lark than that of the kept tables, new tables parse the same."""
        before = self.found()
        self.patch(lark, "__version__", "0")
        self.assertEqual(before, self.found())
