"""Alignment of a code, possibly wrong, with the items that it should consist of: a minimal weighted edit distance."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.language.functions import CodeText
from trualias.language.rule import CodeItem
from trualias.language.tree import CodeLiteral

_SUBSTITUTION = 4
"""The cost of an item for which the code has another text of the same form."""
_MISMATCH = 5
"""The cost of an item for which the code has nothing or a text of another form, and of each character after the last
item."""

_Segments = tuple[tuple[int, bool], ...]
Alignment = tuple[int, _Segments]
"""The distance, 0 for a right code, and for each item the length of its segment and whether that is right."""


def align(code: str, items: Sequence[CodeItem], wants: Sequence[CodeText]) -> Alignment:
    """Align a code with its items, given what each of them contributes, at the least distance."""
    best: list[Alignment] = [*[(_MISMATCH, ())] * len(code), (0, ())]
    for item, wanted in zip(reversed(items), reversed(wants), strict=True):
        best = [_align_suffix(code, position, item, wanted, best) for position in range(len(code) + 1)]
    return best[0]


def _align_suffix(code: str, position: int, item: CodeItem, wanted: CodeText, following: list[Alignment]) -> Alignment:
    """The best alignment of ``code[position:]`` with an item and those after it.

    ``following`` are the best alignments with the items after it, for each position in the code.
    """
    if isinstance(wanted, str):
        length = len(wanted) if code.startswith(wanted, position) else 0
    else:
        length = 1 if code[position : position + 1] in wanted else 0
    segments = [(0, length, True)] if length else []
    left = len(code) - position
    if not isinstance(item, CodeLiteral) and item.function.is_count:
        digits = left - len(code[position:].lstrip("0123456789"))
        segments += [(_SUBSTITUTION, length, False) for length in range(min(2, digits), 0, -1)]
    elif left >= (form := len(wanted) if isinstance(wanted, str) else 1):
        segments.append((_SUBSTITUTION, form, False))
    segments += [(_MISMATCH, length, False) for length in (1, 0) if length <= left]
    return min(
        (
            (cost + following[position + length][0], ((length, right), *following[position + length][1]))
            for cost, length, right in segments
        ),
        key=lambda alignment: alignment[0],
    )
