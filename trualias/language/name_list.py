"""The names of a statement, of which there can be a million."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from attrs import field, frozen


@frozen
class Name:
    """The name of an account or an alias, or an address, as spelled in the file.

    ``offset`` is that of its first character in the text, counted from 0. It takes no part in comparisons.
    """

    text: str
    offset: int = field(default=0, eq=False, repr=False)


class NameList(Sequence[Name]):
    """Some names in the order of the file; equal to any sequence of equal names.

    ``texts`` are their texts. A name's object is made whenever it is read: a million of them, and of their offsets,
    would take 80 MB, where the offsets packed together take 4.
    """

    __slots__ = ("_packed_offsets", "texts")

    def __init__(self, texts: Iterable[str], offsets: Iterable[int]) -> None:
        self.texts = tuple(texts)
        # An array itself takes twice the memory for the single name that most statements have.
        self._packed_offsets = array("I", offsets).tobytes()

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Name]:
        return map(Name, self.texts, self._offsets())

    @overload
    def __getitem__(self, index: int) -> Name: ...

    @overload
    def __getitem__(self, index: slice) -> NameList: ...

    def __getitem__(self, index: int | slice) -> Name | NameList:
        if isinstance(index, slice):
            return NameList(self.texts[index], self._offsets()[index])
        return Name(self.texts[index], self._offsets()[index])

    def _offsets(self) -> memoryview[int]:
        return memoryview(self._packed_offsets).cast("I")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NameList):
            return self.texts == other.texts
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


NO_NAMES = NameList((), ())


def name_list(names: Iterable[Name]) -> NameList:
    """Return some names as a list."""
    if isinstance(names, NameList):
        return names
    given = tuple(names)
    return NameList([name.text for name in given], [name.offset for name in given]) if given else NO_NAMES
