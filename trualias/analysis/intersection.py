"""The product automaton of two statements, which generates texts that both accept.

A text is built one character at a time. Where a statement requires a certain character, that one is taken; where both
leave a choice, a consonant, a vowel, a digit and a few signs stand for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from trualias.analysis.statement_automaton import BITS, CHARACTERS, State, StatementAutomaton, bit_mask
from trualias.analysis.step_limit import StepLimitReached
from trualias.language.functions import BoundCall, CodeText

_SAMPLES = "ba1._-"
"""The characters tried in place of all where there is a choice."""
_DIGITS = "1234567890"
_BEGINNING = 3
"""Steps that count for the beginning of a search, which takes as long."""
_UNREACHABLE = 1 << 30
"""A distance greater than the length of any text."""


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
        # An edge costs a tenth of a step of the search, and to make the other automaton half a step a state.
        self.steps += 1 + edges // 10 + width // 2
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
        self.steps += _BEGINNING
        automata = (self._one, self._other)
        self._samples = _sample_characters(
            tuple([item for automaton in automata for item in automaton.items]),
            any(automaton.has_labels for automaton in automata),
            "".join(automaton.literals for automaton in automata) if wide else None,
        )
        for length in range(self.shortest, longest + 1):
            yield from self._extend("", State(), State(), length)

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
            return iter([CHARACTERS[bits.bit_length() - 1]] if bits else [])
        if in_item and bits & ~bit_mask(_DIGITS) == 0:
            return iter([digit for digit in _DIGITS if BITS[digit] & bits])
        return iter([c for c in self._samples if BITS[c] & bits] or [CHARACTERS[bits.bit_length() - 1]])


@lru_cache(1024)
def _sample_characters(items: tuple[BoundCall, ...], has_labels: bool, literals: str | None) -> str:
    """The characters to try where there is a choice: one of each group that all items treat the same.

    ``literals`` are those of the codes, None in a search that is not wide. In a policy of many statements of few codes
    the same characters would be computed for each pair, a tenth of the time of the search.
    """
    if all(item.function.is_count for item in items):
        distinct: dict[tuple[CodeText, ...], str] = {}
        for character in _SAMPLES:
            distinct.setdefault(tuple([item.evaluate(character) for item in items]), character)
        return "".join(dict.fromkeys([*distinct.values(), *("." if has_labels else "")]))
    more = "" if literals is None else _DIGITS + literals
    return "".join(dict.fromkeys(_SAMPLES + "".join(item.default for item in items) + more))
