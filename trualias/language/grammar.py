"""The generated parser of the policy language.

Lark makes its tables from ``grammar.lark`` in a time that a command would feel, so that they are kept, in
``grammar.json``. After a change of the grammar, or for a new version of Lark, this makes them anew::

    python -c "from trualias.language.grammar import tables; print(tables())" >trualias/language/grammar.json
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import lark
from lark import Lark, Token, Transformer
from lark.grammar import Rule
from lark.lexer import TerminalDef


def generated(transformer: Transformer[Token, Any] | None = None) -> Lark:
    """Give a parser of a "setting", an "account", an "expect" or a "claim", which builds with the transformer.

    Tables that were made of another grammar or by another version of Lark, which may have had them otherwise, are of no
    use: then it makes its own.
    """
    kept = json.loads(_text("grammar.json"), object_hook=_with_numbers)
    if kept["sources"] != _sources():
        return _made(transformer)
    parser: Lark = Lark._load_from_dict(kept["data"], kept["memo"], transformer=transformer)  # type: ignore[no-untyped-call]
    return parser


def tables() -> str:
    """Give what is to be kept, as JSON: the tables, and what they are made of. The order of states is Lark's whim."""
    data, memo = _made().memo_serialize([TerminalDef, Rule])
    return json.dumps({"sources": _sources(), "data": data, "memo": memo}, separators=(",", ":"))


def _sources() -> list[str]:
    return [lark.__version__, _text("grammar.lark")]


def _made(transformer: Transformer[Token, Any] | None = None) -> Lark:
    return Lark(
        _text("grammar.lark"),
        parser="lalr",
        start=["setting", "account", "expect", "claim"],
        maybe_placeholders=True,
        transformer=transformer,
    )


def _text(name: str) -> str:
    return files("trualias.language").joinpath(name).read_text("utf-8")


def _with_numbers(read: dict[str, Any]) -> dict[str | int, Any]:
    """Make the keys numbers again that JSON has as texts."""
    return {int(key) if key.isdigit() else key: value for key, value in read.items()}
