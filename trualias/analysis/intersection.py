"""Two statements read side by side, to make up a text that both accept.

The text grows character by character. Where one statement wants a certain character that one is taken; where both leave
a choice a consonant, a vowel, a digit and a few signs stand for all. An item of a code whose identifier is complete
leaves hardly a choice; one that comes before its identifier is held against it when that is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from trualias.analysis.composition import Target
from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.tree import (
    ATEXT_AND_DOT,
    CodeField,
    CodeLiteral,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
)
from trualias.matching.codes import alphabet

_CHARACTERS = sorted(ATEXT_AND_DOT)
_BITS = {character: 1 << number for number, character in enumerate(_CHARACTERS)}
_SAMPLES = "ba1._-"
"""What stands for all characters where there is a choice."""
_DIGITS = "1234567890"
_FAR = 1 << 30


@cache
def _bits(characters: CodeText) -> int:
    """A set of characters as one number."""
    return sum(_BITS[character] for character in set(characters))


_Cell = CodeText | FieldClass | BoundCall
"""What a statement reads next: a text, one of some characters, an identifier, or an item that reads an identifier."""


_Place = tuple[bool, tuple[tuple[int, int], ...]]
"""Whether the text may end here, and sets of characters with the places that they lead to."""


class State(NamedTuple):  # which is made faster than an attrs class, and a search makes many
    """How far a statement has read: ``inside`` characters of a cell.

    ``values`` are its identifiers so far; ``owed`` the items that came before their identifiers, with what was read.
    """

    cell: int = 0
    inside: int = 0
    values: tuple[str, ...] = ()
    deferred: tuple[tuple[BoundCall, str], ...] = ()


class Side:
    """A statement for one account and one alias, as something that reads a text from left to right."""

    def __init__(self, target: Target, fold: Callable[[str], str]) -> None:
        names = {NameKind.ACCOUNT: fold(target.account), NameKind.ALIAS: fold(target.alias)}
        self.account = names[NameKind.ACCOUNT]
        self._cells = tuple(_cells(target, names))
        self._universe = _bits("".join(character for character in _CHARACTERS if fold(character) == character))
        self.items = [cell for cell in self._cells if isinstance(cell, BoundCall)]
        self.has_labels = FieldClass.FQDN in self._cells
        self.literals = "".join(item.text for item in target.matcher.items if isinstance(item, CodeLiteral))
        self._bases = [0]
        for cell in self._cells:
            size = len(cell) if isinstance(cell, str) else 1 if isinstance(cell, frozenset) else 3
            self._bases.append(self._bases[-1] + size)
        self.places = self._places()

    def place(self, state: State) -> int:
        """The number of a state among ``places``."""
        cell = self._cells[state.cell] if state.cell < len(self._cells) else ""
        return self._bases[state.cell] + (bool(state.inside) if isinstance(cell, FieldClass) else state.inside)

    def is_item(self, state: State) -> bool:
        """Tell whether an item is being read that came before its identifier, or that has several digits."""
        return state.cell < len(self._cells) and isinstance(self._cells[state.cell], BoundCall)

    def _places(self) -> list[_Place]:
        """What can be read at each place, if values are left aside."""
        places: list[_Place] = [(True, ())]
        found: list[_Place]
        for number in reversed(range(len(self._cells))):
            cell, base, following = self._cells[number], self._bases[number], self._bases[number + 1]
            after = places[0]
            match cell:
                case str():
                    steps = [(self._taken(cell[at]), base + at + 1) for at in range(len(cell))]
                    found = [(False, (step,)) for step in steps]
                case frozenset():
                    found = [(False, ((self._taken(cell), following),))]
                case FieldClass():
                    more = (self._taken(RULES[cell].alphabet), base + 1)
                    found = [(False, (more,)), (after[0], (more, *after[1])), (False, ())]
                case BoundCall():
                    bits = self._taken(alphabet(cell))
                    second = ((bits, base + 2),) if cell.function.is_count else ()
                    found = [(False, ((bits, base + 1),)), (after[0], (*second, *after[1])), after]
            places = found + places
        return places

    def _taken(self, characters: CodeText) -> int:
        return _bits(characters) & self._universe

    def ends(self, state: State, text: str) -> bool:
        """Tell whether the whole statement is read, and every code was right."""
        left = self._left(state, text)
        return len(self._cells) in (state.cell, left and left.cell)

    def options(self, state: State, text: str) -> Iterator[tuple[int, State]]:
        """Give the sets of characters that may come next, each with the state that it leads to."""
        yield from self._reads(state, text)
        if left := self._left(state, text):
            yield from self._reads(left, text)

    def _left(self, state: State, text: str) -> State | None:
        """The state behind an identifier, or an item before its identifier, that can end where ``text`` does."""
        if not state.inside:
            return None
        cell = self._cells[state.cell]
        read = text[-state.inside :]
        if isinstance(cell, FieldClass):
            if not RULES[cell].fits(read):
                return None
            number = len(state.values)
            for item, given in state.deferred:
                if item.reads == number:
                    due = item.evaluate(read)
                    if given not in ((due,) if isinstance(due, str) else due):
                        return None
            return State(state.cell + 1, 0, (*state.values, read), state.deferred)
        if isinstance(cell, BoundCall):
            wanted = self._wanted(cell, state)
            if wanted is None:
                return State(state.cell + 1, 0, state.values, (*state.deferred, (cell, read)))
            if not isinstance(wanted, str) or len(wanted) == len(read):
                return State(state.cell + 1, 0, state.values, state.deferred)
        return None

    def _wanted(self, item: BoundCall, state: State) -> CodeText | None:
        """What an item contributes, None where its identifier is still to come."""
        assert isinstance(item.reads, int)
        return item.evaluate(state.values[item.reads]) if item.reads < len(state.values) else None

    def _reads(self, state: State, text: str) -> Iterator[tuple[int, State]]:
        if state.cell == len(self._cells):
            return
        cell = self._cells[state.cell]
        further = State(state.cell, state.inside + 1, state.values, state.deferred)
        following = State(state.cell + 1, 0, state.values, state.deferred)
        match cell:
            case str():
                yield self._taken(cell[state.inside]), following if state.inside + 1 == len(cell) else further
            case frozenset():
                yield self._taken(cell), following
            case FieldClass():
                yield self._taken(RULES[cell].alphabet), further
            case BoundCall():
                if bits := self._taken_by(cell, state, text):
                    yield bits, further

    def _taken_by(self, item: BoundCall, state: State, text: str) -> int:
        wanted = self._wanted(item, state)
        if isinstance(wanted, str):
            return self._taken(wanted[state.inside : state.inside + 1])
        if state.inside == 0:
            return self._taken(alphabet(item) if wanted is None else wanted)
        second = wanted is None and item.function.is_count and state.inside == 1 and text[-1] != "0"
        return self._taken(alphabet(item)) if second else 0


def _cells(target: Target, names: dict[NameKind, str]) -> Iterator[_Cell]:
    for token in target.matcher.expression:
        match token:
            case Literal(text):
                yield text
            case NameField(kind):
                yield names[kind]
            case Identifier(field_class):
                yield field_class
            case CodeField():
                for item in target.matcher.items:
                    if isinstance(item, CodeLiteral):
                        yield item.text
                    elif isinstance(item.reads, int):
                        yield item
                    else:
                        yield item.evaluate(names[item.reads])


class StepLimitReached(Exception):
    """More steps would be needed than are allowed."""


class Pair:
    """Two statements side by side.

    ``least`` is the length of the shortest text that both could accept by their looks, and more than any text has where
    there is none; ``steps`` what all this has taken so far.
    """

    def __init__(self, one: Side, other: Side) -> None:
        self._one = one
        self._other = other
        self._choices = ""
        self._width = len(other.places)
        self.steps = 0
        self._rest = self._distances()
        self.least = self._rest.get(0, _FAR)
        self._limit = 0

    def _distances(self) -> dict[int, int]:
        """How many characters are at least missing to the end, from each two places that can be come to together."""
        width = self._width
        edges = 0
        sources: dict[int, list[int]] = {0: []}
        ends = []
        queue = [0]
        for here in queue:
            one_ends, one_steps = self._one.places[here // width]
            other_ends, other_steps = self._other.places[here % width]
            ends += [here] if one_ends and other_ends else []
            for one_bits, one_next in one_steps:
                for other_bits, other_next in other_steps:
                    edges += 1
                    there = one_next * width + other_next
                    if one_bits & other_bits:
                        if there not in sources:
                            queue.append(there)
                        sources.setdefault(there, []).append(here)
        self.steps += 1 + edges // 10  # so much less is one of them
        distances = dict.fromkeys(ends, 0)
        for there in ends:  # which grows meanwhile: the nearest come first
            for here in sources[there]:
                if here not in distances:
                    distances[here] = distances[there] + 1
                    ends.append(here)
        return distances

    def texts(self, longest: int, allowed: int, wide: bool = False) -> Iterator[str]:
        """Give texts that both statements accept, the shortest first.

        A ``wide`` search also tries all digits and the characters of literals where there is a choice: one statement's
        code may be another's word.

        Raises:
            Spent: it takes more steps than are allowed; ``steps`` tells them all.
        """
        self._limit = self.steps + allowed
        self._choices = self._samples(wide)
        for length in range(self.least, longest + 1):
            yield from self._grown("", State(), State(), length)

    def _samples(self, wide: bool) -> str:
        """The characters to try where there is a choice: of those that no item tells apart, one will do."""
        sides = (self._one, self._other)
        items = [item for side in sides for item in side.items]
        if all(item.function.is_count for item in items):
            unlike: dict[tuple[CodeText, ...], str] = {}
            for character in _SAMPLES:
                unlike.setdefault(tuple([item.evaluate(character) for item in items]), character)
            dot = "." if any(side.has_labels for side in sides) else ""
            return "".join(dict.fromkeys([*unlike.values(), *dot]))
        more = _DIGITS + "".join(side.literals for side in sides) if wide else ""
        return "".join(dict.fromkeys(_SAMPLES + "".join(item.default for item in items) + more))

    def _grown(self, text: str, one: State, other: State, room: int) -> Iterator[str]:
        if self.steps >= self._limit:
            raise StepLimitReached
        self.steps += 1
        if not room:
            if self._one.ends(one, text) and self._other.ends(other, text):
                yield text
            return
        others = list(self._other.options(other, text))
        for one_bits, one_next in self._one.options(one, text):
            for other_bits, other_next in others:
                place = self._one.place(one_next) * self._width + self._other.place(other_next)
                if self._rest.get(place, _FAR) < room:
                    exact = self._one.is_item(one_next) or self._other.is_item(other_next)
                    for character in self._picked(one_bits & other_bits, exact):
                        yield from self._grown(text + character, one_next, other_next, room - 1)

    def _picked(self, both: int, exact: bool) -> Iterator[str]:
        """The characters of a set that are tried; all digits where one of them may be an ``exact`` number."""
        if both & both - 1 == 0:
            return iter([_CHARACTERS[both.bit_length() - 1]] if both else [])
        if exact and both & ~_bits(_DIGITS) == 0:
            return iter([digit for digit in _DIGITS if _BITS[digit] & both])
        return iter([c for c in self._choices if _BITS[c] & both] or [_CHARACTERS[both.bit_length() - 1]])
