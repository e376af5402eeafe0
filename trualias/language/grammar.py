"""The generated parser of the policy language.

Lark takes a noticeable time to make its tables from ``grammar.lark``, so they are kept in ``grammar.json``. After a
change of the grammar, or for a new version of Lark, make them again::

    python -c "from trualias.language.grammar import tables; print(tables())" >trualias/language/grammar.json
"""

from __future__ import annotations

import json
from pkgutil import get_data
from typing import Any

import lark
from lark import Lark, Token, Transformer
from lark.grammar import Rule
from lark.lexer import TerminalDef

_STARTS = ["setting", "account", "expect", "refuse", "deliver", "end", "claim"]


def generated(transformer: Transformer[Token, Any] | None = None) -> Lark:
    """Return a parser of each of ``_STARTS``, which builds with the transformer.

    Tables that were made from another grammar or by another version of Lark are not used; then new ones are made.
    """
    kept = json.loads(_text("grammar.json"), object_hook=_with_numbers)
    if kept["sources"] != _sources():
        return _made(transformer)
    parser: Lark = Lark._load_from_dict(kept["data"], kept["memo"], transformer=transformer)  # type: ignore[no-untyped-call]
    return parser


def tables() -> str:
    """Return the tables and their sources as JSON. The order of the states differs from call to call."""
    data, memo = _made().memo_serialize([TerminalDef, Rule])
    return json.dumps({"sources": _sources(), "data": data, "memo": memo}, separators=(",", ":"))


def _sources() -> list[str]:
    return [lark.__version__, _text("grammar.lark")]


def _made(transformer: Transformer[Token, Any] | None = None) -> Lark:
    return Lark(
        _text("grammar.lark"),
        parser="lalr",
        start=_STARTS,
        maybe_placeholders=True,
        transformer=transformer,
    )


def _text(name: str) -> str:
    data = get_data("trualias.language", name)
    assert data is not None, name
    return data.decode("utf-8")


def _with_numbers(loaded: dict[str, Any]) -> dict[str | int, Any]:
    """Turn keys that are numbers back into numbers; in JSON they are texts."""
    return {int(key) if key.isdigit() else key: value for key, value in loaded.items()}
