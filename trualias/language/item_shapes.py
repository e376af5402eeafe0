"""The items of account statements, read by the shapes of others.

As with claims, the role of a word depends only on which of the words are signs or RETIRED.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from trualias.language.claims import SIGNS, Shape, Word
from trualias.language.memo import BoundedMemo
from trualias.language.tree import Call, Item
from trualias.language.tree_builder import shared_call, shared_literal

Items = tuple[tuple[Item, ...], bool]
"""The items of a statement, and whether it is retired."""

RETIRED = "RETIRED"


@frozen
class _Roles:
    """The roles of the words in a shape.

    ``items`` has for each item the number of its word, counted from 0, and those of the arguments, None for a literal.
    """

    items: tuple[tuple[int, tuple[int, ...] | None], ...]
    retired: bool


def _shape_of(words: Sequence[Word]) -> Shape:
    return tuple([word if word in SIGNS or word == RETIRED else "" for word, _ in words])


class ItemShapes:
    """The shapes of items that Lark has parsed, up to the semicolon at their end."""

    def __init__(self) -> None:
        self._roles: BoundedMemo[Shape, _Roles] = BoundedMemo()

    def add(self, words: Sequence[Word], items: Items) -> None:
        """Enter the shape of some words, which are these items; the offsets of both count from the same start."""
        numbers = {offset: number for number, (_, offset) in enumerate(words)}
        parsed, retired = items
        roles = []
        for item in parsed:
            arguments = [numbers[one.offset] for one in item.arguments] if isinstance(item, Call) else None
            roles.append((numbers[item.offset], None if arguments is None else tuple(arguments)))
        self._roles[_shape_of(words)] = _Roles(tuple(roles), retired)

    def read(self, words: Sequence[Word]) -> Items | None:
        """Return the items that some words are; None if their shape is not known."""
        roles = self._roles.get(_shape_of(words))
        if roles is None:
            return None
        items: list[Item] = []
        for number, arguments in roles.items:
            if arguments is None:
                items.append(shared_literal(*words[number]))
            else:
                items.append(shared_call(*words[number], *[words[argument] for argument in arguments]))
        return tuple(items), roles.retired
