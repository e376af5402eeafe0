"""The sets of the words for which an item of a code contributes the same text.

A set is an integer with a bit for each word of a list, so that one operation on integers counts the words for which
several items are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from trualias.language.functions import BoundCall, CodeText
from trualias.language.memo import BoundedMemo
from trualias.language.tree import FieldClass

_UNKNOWN_DEFAULT = "\0"

WordSets = Mapping[str, int]
"""The words for which an item contributes a text, or allows it, by the text."""


def word_sets(contributions: Iterable[CodeText], size: int) -> dict[str, int]:
    """Return the sets of ``size`` words by text, given what an item contributes for each word."""
    rows: dict[str, bytearray] = {}
    width = size // 8 + 1
    for number, wanted in enumerate(contributions):
        byte, bit = number >> 3, 1 << (number & 7)
        for text in (wanted,) if isinstance(wanted, str) else wanted:
            row = rows.get(text)
            if row is None:
                row = rows[text] = bytearray(width)
            row[byte] |= bit
    return {text: int.from_bytes(row, "little") for text, row in rows.items()}


@frozen
class _Key:
    """What decides the contributions of a call but its default, which statements choose freely."""

    function: str
    field_class: FieldClass
    label: int | None
    index: int
    case_sensitive: bool


class ItemSets:
    """The word sets of calls, computed once for all statements whose calls differ in nothing but the default."""

    def __init__(self) -> None:
        self._known: BoundedMemo[_Key, dict[str, int]] = BoundedMemo()

    def of(self, call: BoundCall, words: tuple[str, ...], case_sensitive: bool) -> WordSets:
        """Return the word sets of a call over the words of its class, restricted to lower case unless case matters."""
        key = _Key(call.function.name, call.field_class, call.label, call.index, case_sensitive)
        found = self._known.get(key)
        if found is None:
            unbound = evolve(call, default=_UNKNOWN_DEFAULT if call.function.takes_index else "")
            found = word_sets(map(unbound.evaluate, words), len(words))
            if not case_sensitive:
                found = {text: members for text, members in found.items() if text == text.lower()}
            self._known[key] = found
        unknown = found.get(_UNKNOWN_DEFAULT)
        if unknown is None:
            return found
        sets = {text: members for text, members in found.items() if text != _UNKNOWN_DEFAULT}
        sets[call.default] = sets.get(call.default, 0) | unknown
        return sets
