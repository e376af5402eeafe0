"""The product automaton of two statements, which generates texts that both accept.

A text is built one character at a time. Where a statement requires a certain character, that one is taken; where both
leave a choice, a consonant, a vowel, a digit and a few signs stand for all. An item of a code whose identifier is
complete leaves hardly a choice; an item before its identifier is compared with the identifier when that is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from trualias.analysis.composition import Target
from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import bind, bind_items
from trualias.language.tree import ATEXT_AND_DOT, CodeLiteral, FieldClass, Identifier, Literal
from trualias.matching.codes import alphabet

_CHARACTERS = sorted(ATEXT_AND_DOT)
_BITS = {character: 1 << number for number, character in enumerate(_CHARACTERS)}
_SAMPLES = "ba1._-"
"""The characters tried in place of all where there is a choice."""
_DIGITS = "1234567890"
_UNREACHABLE = 1 << 30
"""A distance greater than the length of any text."""


@cache
def _bits(characters: CodeText) -> int:
    """A set of characters as a bit mask."""
    return sum(_BITS[character] for character in set(characters))


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
        self._universe = _bits("".join(character for character in _CHARACTERS if fold(character) == character))
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
        """Whether the state is within an item whose identifier follows, or a number of several digits."""
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
        return _bits(characters) & self._universe

    def is_accepting(self, state: State, text: str) -> bool:
        """Whether the statement is read completely, with a right code; ``text`` is everything read so far."""
        left = self._leave_element(state, text)
        return len(self._elements) in (state.element, left and left.element)

    def transitions(self, state: State, text: str) -> Iterator[tuple[int, State]]:
        """Yield the sets of possible next characters, each with the state that it leads to."""
        yield from self._reading_transitions(state, text)
        if left := self._leave_element(state, text):
            yield from self._reading_transitions(left, text)

    def _leave_element(self, state: State, text: str) -> State | None:
        """The state after an identifier or an item of variable length, None if that cannot end where ``text`` does."""
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
        """What an item contributes, None if its identifier is not read yet."""
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


class StepLimitReached(Exception):
    """A search was stopped at its limit of steps."""


class ProductAutomaton:
    """The product of two statements' automata, which accepts the texts that both accept.

    ``shortest`` is the length of the shortest text that both finite automata accept, greater than that of any address
    if there is none. ``steps`` counts the steps taken so far, also to build the product.
    """

    def __init__(self, one: StatementAutomaton, other: StatementAutomaton) -> None:
        self._one = one
        self._other = other
        self._samples = ""
        self._width = len(other.finite_states)
        self.steps = 0
        self._distances = self._distances_to_acceptance()
        self.shortest = self._distances.get(0, _UNREACHABLE)
        self._limit = 0

    def _distances_to_acceptance(self) -> dict[int, int]:
        """The fewest characters from each reachable pair of finite states to an accepting pair."""
        width = self._width
        edges = 0
        predecessors: dict[int, list[int]] = {0: []}
        accepting = []
        queue = [0]
        for pair in queue:
            one, other = self._one.finite_states[pair // width], self._other.finite_states[pair % width]
            accepting += [pair] if one.is_accepting and other.is_accepting else []
            for one_bits, one_next in one.transitions:
                for other_bits, other_next in other.transitions:
                    edges += 1
                    successor = one_next * width + other_next
                    if one_bits & other_bits:
                        if successor not in predecessors:
                            queue.append(successor)
                        predecessors.setdefault(successor, []).append(pair)
        self.steps += 1 + edges // 10  # an edge costs a tenth of a step of the search
        distances = dict.fromkeys(accepting, 0)
        queue = accepting  # breadth first, from acceptance backwards
        for pair in queue:
            for predecessor in predecessors[pair]:
                if predecessor not in distances:
                    distances[predecessor] = distances[pair] + 1
                    queue.append(predecessor)
        return distances

    def accepted_texts(self, longest: int, allowed: int, wide: bool = False) -> Iterator[str]:
        """Yield texts that both statements accept, the shortest first.

        A ``wide`` search also tries all digits and the characters of literals where there is a choice: the code of one
        statement may be a word of the other.

        Raises:
            StepLimitReached: the search needs more than the allowed number of steps.
        """
        self._limit = self.steps + allowed
        self._samples = self._sample_characters(wide)
        for length in range(self.shortest, longest + 1):
            yield from self._extend("", State(), State(), length)

    def _sample_characters(self, wide: bool) -> str:
        """The characters to try where there is a choice: one of each group that all items treat the same."""
        automata = (self._one, self._other)
        items = [item for automaton in automata for item in automaton.items]
        if all(item.function.is_count for item in items):
            distinct: dict[tuple[CodeText, ...], str] = {}
            for character in _SAMPLES:
                distinct.setdefault(tuple([item.evaluate(character) for item in items]), character)
            dot = "." if any(automaton.has_labels for automaton in automata) else ""
            return "".join(dict.fromkeys([*distinct.values(), *dot]))
        more = _DIGITS + "".join(automaton.literals for automaton in automata) if wide else ""
        return "".join(dict.fromkeys(_SAMPLES + "".join(item.default for item in items) + more))

    def _extend(self, text: str, one: State, other: State, left: int) -> Iterator[str]:
        """Yield the accepted texts that begin with ``text`` and have ``left`` more characters."""
        if self.steps >= self._limit:
            raise StepLimitReached
        self.steps += 1
        if not left:
            if self._one.is_accepting(one, text) and self._other.is_accepting(other, text):
                yield text
            return
        other_transitions = list(self._other.transitions(other, text))
        for one_bits, one_next in self._one.transitions(one, text):
            for other_bits, other_next in other_transitions:
                pair = self._one.state_number(one_next) * self._width + self._other.state_number(other_next)
                if self._distances.get(pair, _UNREACHABLE) < left:
                    in_item = self._one.is_in_item(one_next) or self._other.is_in_item(other_next)
                    for character in self._characters_to_try(one_bits & other_bits, in_item):
                        yield from self._extend(text + character, one_next, other_next, left - 1)

    def _characters_to_try(self, bits: int, in_item: bool) -> Iterator[str]:
        """Select characters of a set; all digits where they may belong to a number ``in_item``."""
        if bits & bits - 1 == 0:
            return iter([_CHARACTERS[bits.bit_length() - 1]] if bits else [])
        if in_item and bits & ~_bits(_DIGITS) == 0:
            return iter([digit for digit in _DIGITS if _BITS[digit] & bits])
        return iter([c for c in self._samples if _BITS[c] & bits] or [_CHARACTERS[bits.bit_length() - 1]])
