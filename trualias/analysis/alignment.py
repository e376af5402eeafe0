"""Lays a code that may be wrong out along the items that it should be made of."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.language.functions import CodeText
from trualias.language.rule import CodeItem
from trualias.language.tree import CodeLiteral

_UNEQUAL = 4
"""How much it counts where the address has another text for an item, but one of the right form."""
_ODD = 5
"""How much it counts where the address has anything else or nothing there, or goes on behind the last item."""

_Lengths = tuple[tuple[int, bool], ...]
Alignment = tuple[int, _Lengths]


def align(code: str, items: Sequence[CodeItem], wants: Sequence[CodeText]) -> Alignment:
    """Lay a code out along its items so that as few as possible are wrong.

    Gives the distance, 0 for a code that is right, and for each item how much of the code is its, and whether that is
    right.
    """
    best: list[Alignment] = [*[(_ODD, ())] * len(code), (0, ())]
    for item, wanted in zip(reversed(items), reversed(wants), strict=True):
        best = [_better(code, at, item, wanted, best) for at in range(len(code) + 1)]
    return best[0]


def _better(code: str, at: int, item: CodeItem, wanted: CodeText, after: list[Alignment]) -> Alignment:
    """The best layout from an item on, of what is left of the code at a position."""
    if isinstance(wanted, str):
        length = len(wanted) if code.startswith(wanted, at) else 0
    else:
        length = 1 if code[at : at + 1] in wanted else 0
    lengths = [(0, length, True)] if length else []
    if not isinstance(item, CodeLiteral) and item.function.is_count:
        digits = len(code) - at - len(code[at:].lstrip("0123456789"))
        lengths += [(_UNEQUAL, length, False) for length in range(min(2, digits), 0, -1)]
    elif len(code) - at >= (form := len(wanted) if isinstance(wanted, str) else 1):
        lengths.append((_UNEQUAL, form, False))
    lengths += [(_ODD, length, False) for length in (1, 0) if length <= len(code) - at]
    return min(
        ((cost + after[at + length][0], ((length, right), *after[at + length][1])) for cost, length, right in lengths),
        key=lambda alignment: alignment[0],
    )
