"""Codes of readings: the contributions of items, and whether a code is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.memo import MOST
from trualias.language.rule import CodeItem
from trualias.language.tree import CodeLiteral, FieldClass, NameKind


def alphabet(item: CodeItem) -> frozenset[str]:
    """Return the characters that an item may contribute."""
    if isinstance(item, CodeLiteral):
        return frozenset(item.text)
    if item.function.is_count:
        return RULES[FieldClass.NUMBER].alphabet
    return RULES[item.field_class].alphabet | frozenset(item.default)


CompiledItem = tuple[Callable[[BoundCall, str], CodeText], BoundCall, int] | str
"""An item made ready for comparisons: a literal, or a function, the call of it, and the number of the value it reads.

A reading's values are the account, the alias, and those of its identifiers from left to right.
"""


def compile_items(items: tuple[CodeItem, ...]) -> tuple[CompiledItem, ...]:
    """Make items ready for comparison with many codes."""
    return tuple([item.text if isinstance(item, CodeLiteral) else _compile_call(item) for item in items])


_NUMBERS = {NameKind.ACCOUNT: 0, NameKind.ALIAS: 1}


@lru_cache(MOST)  # statements share equal calls
def _compile_call(call: BoundCall) -> tuple[Callable[[BoundCall, str], CodeText], BoundCall, int]:
    return call.function.value, call, call.reads + 2 if isinstance(call.reads, int) else _NUMBERS[call.reads]


def is_right(code: str, items: tuple[CompiledItem, ...], values: Sequence[str]) -> bool:
    """Return whether a code is what the items contribute for a reading's values."""
    at = 0
    for item in items:
        if isinstance(item, str):
            wanted: CodeText = item
        else:
            value, call, reads = item
            wanted = value(call, values[reads])
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
    """Return what an item contributes, for the values of a reading's identifiers and its names."""
    return item.text if isinstance(item, CodeLiteral) else item.evaluate(text_read(item, values, account, alias))


def text_read(item: BoundCall, values: Sequence[str], account: str, alias: str) -> str:
    """Return what a call reads: the value of one of a reading's identifiers, or a name."""
    if isinstance(item.reads, int):
        return values[item.reads]
    return account if item.reads is NameKind.ACCOUNT else alias
