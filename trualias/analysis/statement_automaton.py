"""The automaton of a statement, which reads the statement's addresses for one account and one alias.

It reads one character at a time, and remembers the values of identifiers to check the items of the code: an item after
its identifier leaves hardly a choice; an item before it is compared with the identifier when that is complete.

Sets of characters are bit masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from string import ascii_uppercase
from typing import NamedTuple

from trualias.analysis.composition import Target
from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import bind, bind_items
from trualias.language.tree import ATEXT_AND_DOT, CodeLiteral, FieldClass, Identifier, Literal
from trualias.matching.codes import alphabet

CHARACTERS = sorted(ATEXT_AND_DOT)
BITS = {character: 1 << number for number, character in enumerate(CHARACTERS)}
"""The bit mask of each character."""


@cache
def bit_mask(characters: CodeText) -> int:
    """A set of characters as a bit mask."""
    return sum(BITS[character] for character in set(characters))


_ALL = bit_mask("".join(CHARACTERS))
_FOLDED = bit_mask("".join(CHARACTERS).translate({ord(letter): None for letter in ascii_uppercase}))
"""The characters of an address in which case does not matter."""

_Element = CodeText | FieldClass | BoundCall
"""A part of a statement's addresses: a text, one of some characters, an identifier, or an item that reads one."""


class State(NamedTuple):  # created faster than an attrs class; a search creates many
    """A state of a statement's automaton: the number of an element, and how many of its characters have been read.

    ``values`` are the texts of the identifiers so far. ``deferred`` are the items read before their identifiers, each
    with its text, which can be checked only when the identifier is complete.
    """

    element: int = 0
    read: int = 0
    values: tuple[str, ...] = ()
    deferred: tuple[tuple[BoundCall, str], ...] = ()


class _FiniteState(NamedTuple):
    """A state of the finite automaton that disregards values: whether a text may end here, and its transitions.

    A transition is a set of characters with the number of the state that it leads to.
    """

    is_accepting: bool
    transitions: tuple[tuple[int, int], ...]


class StatementAutomaton:
    """An automaton that reads the addresses of a statement for one account and one alias.

    ``finite_states`` is the finite automaton that accepts all of these addresses, and others that differ in the values
    of code and identifiers alone.
    """

    def __init__(self, target: Target, fold: Callable[[str], str]) -> None:
        self._elements = tuple(_elements(target))
        self._universe = _FOLDED if fold("A") == "a" else _ALL
        self.items = [element for element in self._elements if isinstance(element, BoundCall)]
        self.has_labels = FieldClass.FQDN in self._elements
        self.literals = "".join(item.text for item in target.matcher.items if isinstance(item, CodeLiteral))
        self._first_states = [0]  # for each element, and for the end, the number of its first finite state
        for element in self._elements:
            size = len(element) if isinstance(element, str) else 1 if isinstance(element, frozenset) else 3
            self._first_states.append(self._first_states[-1] + size)
        self.finite_states = self._build_finite_states()

    def state_number(self, state: State) -> int:
        """Return the number of the finite state that corresponds to a state."""
        element = self._elements[state.element] if state.element < len(self._elements) else ""
        offset = bool(state.read) if isinstance(element, FieldClass) else state.read
        return self._first_states[state.element] + offset

    def is_in_item(self, state: State) -> bool:
        """Return whether the state is in an item whose identifier follows, or in a number of several digits."""
        return state.element < len(self._elements) and isinstance(self._elements[state.element], BoundCall)

    def _build_finite_states(self) -> list[_FiniteState]:
        states = [_FiniteState(True, ())]
        found: list[_FiniteState]
        for number in reversed(range(len(self._elements))):
            element, first, following = (
                self._elements[number],
                self._first_states[number],
                self._first_states[number + 1],
            )
            after = states[0]
            match element:
                case str():
                    found = [
                        _FiniteState(False, ((self._usable(character), first + at),))
                        for at, character in enumerate(element, 1)
                    ]
                case frozenset():
                    found = [_FiniteState(False, ((self._usable(element), following),))]
                case FieldClass():
                    more = (self._usable(RULES[element].alphabet), first + 1)
                    found = [
                        _FiniteState(False, (more,)),
                        _FiniteState(after.is_accepting, (more, *after.transitions)),
                        _FiniteState(False, ()),
                    ]
                case BoundCall():
                    bits = self._usable(alphabet(element))
                    second = ((bits, first + 2),) if element.function.is_count else ()
                    found = [
                        _FiniteState(False, ((bits, first + 1),)),
                        _FiniteState(after.is_accepting, (*second, *after.transitions)),
                        after,
                    ]
            states = found + states
        return states

    def _usable(self, characters: CodeText) -> int:
        """The bit mask of those characters that a folded address may contain."""
        return bit_mask(characters) & self._universe

    def is_accepting(self, state: State, text: str) -> bool:
        """Return whether the statement is read completely, with a right code; ``text`` is the text read so far."""
        left = self._leave_element(state, text)
        return len(self._elements) in (state.element, left and left.element)

    def transitions(self, state: State, text: str) -> Iterator[tuple[int, State]]:
        """Yield the sets of possible next characters, each with the state that it leads to."""
        yield from self._reading_transitions(state, text)
        if left := self._leave_element(state, text):
            yield from self._reading_transitions(left, text)

    def _leave_element(self, state: State, text: str) -> State | None:
        """Return the state after an identifier or item of variable length; None if it cannot end with ``text``."""
        if not state.read:
            return None
        element = self._elements[state.element]
        read = text[-state.read :]
        if isinstance(element, FieldClass):
            if not RULES[element].fits(read):
                return None
            number = len(state.values)
            for item, given in state.deferred:
                if item.reads == number:
                    expected = item.evaluate(read)
                    if given not in ((expected,) if isinstance(expected, str) else expected):
                        return None
            return State(state.element + 1, 0, (*state.values, read), state.deferred)
        if isinstance(element, BoundCall):
            wanted = self._contribution(element, state)
            if wanted is None:
                return State(state.element + 1, 0, state.values, (*state.deferred, (element, read)))
            if not isinstance(wanted, str) or len(wanted) == len(read):
                return State(state.element + 1, 0, state.values, state.deferred)
        return None

    def _contribution(self, item: BoundCall, state: State) -> CodeText | None:
        """Return an item's contribution; None if its identifier is not read yet."""
        assert isinstance(item.reads, int)
        return item.evaluate(state.values[item.reads]) if item.reads < len(state.values) else None

    def _reading_transitions(self, state: State, text: str) -> Iterator[tuple[int, State]]:
        if state.element == len(self._elements):
            return
        element = self._elements[state.element]
        further = State(state.element, state.read + 1, state.values, state.deferred)
        following = State(state.element + 1, 0, state.values, state.deferred)
        match element:
            case str():
                yield self._usable(element[state.read]), following if state.read + 1 == len(element) else further
            case frozenset():
                yield self._usable(element), following
            case FieldClass():
                yield self._usable(RULES[element].alphabet), further
            case BoundCall():
                if bits := self._item_characters(element, state, text):
                    yield bits, further

    def _item_characters(self, item: BoundCall, state: State, text: str) -> int:
        wanted = self._contribution(item, state)
        if isinstance(wanted, str):
            return self._usable(wanted[state.read : state.read + 1])
        if state.read == 0:
            return self._usable(alphabet(item) if wanted is None else wanted)
        second_digit = wanted is None and item.function.is_count and state.read == 1 and text[-1] != "0"
        return self._usable(alphabet(item)) if second_digit else 0


def _elements(target: Target) -> Iterator[_Element]:
    for token in bind(target.matcher.expression, target.names):
        if isinstance(token, Literal):
            yield token.text
        elif isinstance(token, Identifier):
            yield token.field_class
        else:
            yield from bind_items(target.matcher.items, target.names)
