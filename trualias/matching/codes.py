"""Codes of readings: what the items of a code contribute, and whether a code is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import CodeItem
from trualias.language.tree import CodeLiteral, FieldClass, NameKind


def alphabet(item: CodeItem) -> frozenset[str]:
    """The characters that an item may contribute."""
    if isinstance(item, CodeLiteral):
        return frozenset(item.text)
    if item.function.is_count:
        return RULES[FieldClass.NUMBER].alphabet
    return RULES[item.field_class].alphabet | frozenset(item.default)


CompiledItem = tuple[Callable[[BoundCall, str], CodeText], BoundCall, int] | str
"""An item, ready to be worked out: a literal, or a function with its computation and which value it reads.

A reading's values are the account, the alias, and those of its identifiers from left to right.
"""


def compile_items(items: tuple[CodeItem, ...]) -> tuple[CompiledItem, ...]:
    """Make items ready, once, for the many codes that will be compared with them."""
    names = {NameKind.ACCOUNT: 0, NameKind.ALIAS: 1}
    return tuple(
        [
            item.text
            if isinstance(item, CodeLiteral)
            else (item.function.value, item, item.reads + 2 if isinstance(item.reads, int) else names[item.reads])
            for item in items
        ]
    )


def code_fits(code: str, terms: tuple[CompiledItem, ...], values: list[str]) -> bool:
    """Tell whether a code is what the terms compute from a reading's values."""
    at = 0
    for term in terms:
        if isinstance(term, str):
            wanted: CodeText = term
        else:
            value, computation, reads = term
            wanted = value(computation, values[reads])
        if isinstance(wanted, str):
            if not code.startswith(wanted, at):
                return False
            at += len(wanted)
        else:
            if code[at : at + 1] not in wanted:
                return False
            at += 1
    return at == len(code)


def contribution(item: CodeItem, values: Sequence[str], account: str, alias: str) -> CodeText:
    """What one item contributes, for a reading's values and names."""
    return item.text if isinstance(item, CodeLiteral) else item.evaluate(text_read(item, values, account, alias))


def text_read(item: BoundCall, values: Sequence[str], account: str, alias: str) -> str:
    """What a computation reads: one of a reading's values, or a name."""
    if isinstance(item.reads, int):
        return values[item.reads]
    return account if item.reads is NameKind.ACCOUNT else alias
