"""Codes of readings: what the items of a code contribute, and whether a code is right."""

from __future__ import annotations

from trualias.policy.checks import CodeItem
from trualias.policy.fields import RULES
from trualias.policy.functions import Contribution
from trualias.policy.tree import CodeLiteral, FieldClass, NameKind


def alphabet(item: CodeItem) -> frozenset[str]:
    """The characters that an item may contribute."""
    if isinstance(item, CodeLiteral):
        return frozenset(item.text)
    if item.function.counts:
        return RULES[FieldClass.NUMBER].alphabet
    return RULES[item.field_class].alphabet | frozenset(item.default)


def code_fits(code: str, items: tuple[CodeItem, ...], values: list[str], account: str, alias: str) -> bool:
    """Tell whether a code is what the items compute from the identifiers' ``values`` and the names."""
    at = 0
    for item in items:
        wanted = contribution(item, values, account, alias)
        if wanted.__class__ is str:
            if not code.startswith(wanted, at):
                return False
            at += len(wanted)
        else:
            if code[at : at + 1] not in wanted:
                return False
            at += 1
    return at == len(code)


def contribution(item: CodeItem, values: list[str], account: str, alias: str) -> Contribution:
    """What one item contributes, for a reading's values and names."""
    if isinstance(item, CodeLiteral):
        return item.text
    reads = item.reads
    if isinstance(reads, int):
        return item.function.value(item, values[reads])
    return item.function.value(item, account if reads is NameKind.ACCOUNT else alias)
