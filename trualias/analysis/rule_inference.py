"""Estimates how many leaked addresses an attacker needs to infer the rule of a statement's codes.

The attacker knows the expression of the addresses, and therefore the words that each code was made for. The search
goes through all rules of up to three items for those that explain every leaked address, and finds out how long rules
other than the true one do.

Rules are compared by their effect on the words of the list: rules that accept the same codes are the same rule. A rule
that accepts more than the true one is ignored, because codes written by the true rule are right by both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from random import Random

from attrs import frozen

from trualias.analysis.code_distribution import Codes
from trualias.language.functions import FUNCTIONS, BoundCall, Reference
from trualias.language.tree import FieldClass, NameKind

MOST_ITEMS = 3
"""The most items of the rules that are searched."""

MOST_LEAKS = 100
"""The most addresses that leak in one run."""

FURTHEST_INDEX = 12
"""The furthest index from either end of a word that is searched, unless the true rule has a further one; few people
count further."""

RUNS = 51
"""The number of runs with different leaked addresses; odd, because of the median."""

NEARLY = 0.9
"""A rule is nearly known when each rule that explains the leaked addresses is right for this share of the words."""

_COMBINATIONS = 3_000
_UNKNOWN_DEFAULT = "\0"


@frozen
class Leaks:
    """A number of leaked addresses: the median of the runs and its 10th and 90th percentiles.

    None stands for more than ``MOST_LEAKS``.
    """

    middle: int | None
    low: int | None
    high: int | None


@frozen
class Samples:
    """The leaked addresses after which a rule is ``nearly`` known, and after which it is the ``only`` one left."""

    nearly: Leaks
    only: Leaks


@frozen(eq=False)
class _Item:
    """An item of the searched rules, and the trials whose codes it explains.

    Sets of trials are whole numbers with a bit for each trial. ``fits[position][width]`` are the trials whose code has
    at a position what the item contributes, of that width; ``open[position]`` those for which the item contributes its
    default, which is still unknown.
    """

    fits: Sequence[Mapping[int, int]]
    open: Sequence[int]


_Element = tuple[_Item | None, str]
"""An item with its default, empty while that is unknown; or None with a literal."""

_Hypothesis = tuple[_Element, ...]
"""A rule that may explain the codes."""

_State = dict[int, int]
"""Sets of trials by the position that has been reached in their codes."""


class _Search:
    """A search for hypotheses that explain some trials. A trial is a combination of words with a right code."""

    def __init__(self, codes: Codes, random: Random) -> None:
        self._codes = codes
        draws = [codes.draw_words(random) for _ in range(_COMBINATIONS)] if len(codes.words) > 1 else []
        self._values = draws or ([(text,) for text in codes.words[0]] if codes.words else [()])
        self._shown = [codes.draw_code(values, random) for values in self._values]
        self._ended: defaultdict[int, int] = defaultdict(int)
        self._characters: list[defaultdict[str, int]] = [defaultdict(int) for _ in range(max(map(len, self._shown)))]
        for number, code in enumerate(self._shown):
            self._ended[len(code)] |= 1 << number
            for position, character in enumerate(code):
                self._characters[position][character] |= 1 << number
        different: dict[str, _Item] = {}
        for item in map(self._item, _calls(codes)):
            different.setdefault(repr((item.fits, item.open)), item)
        self._items = list(different.values())

    def _item(self, call: BoundCall) -> _Item:
        by_text: defaultdict[str, int] = defaultdict(int)
        by_choice: defaultdict[str, int] = defaultdict(int)
        for number, text in enumerate(self._read(call.reads)):
            wanted = call.evaluate(text)
            if isinstance(wanted, str):
                by_text[wanted] |= 1 << number
            else:
                for character in wanted:
                    by_choice[character] |= 1 << number
        unknown = by_text.pop(_UNKNOWN_DEFAULT, 0)
        fits: list[dict[int, int]] = []
        for position, characters in enumerate(self._characters):
            here: defaultdict[int, int] = defaultdict(int)
            for text, trials in by_text.items():
                here[len(text)] |= trials & self._with_text(text, position)
            for character, trials in by_choice.items():
                here[1] |= trials & characters[character]
            fits.append({width: trials for width, trials in here.items() if trials})
        return _Item(fits, [unknown and unknown & self._longer_than(position) for position in range(len(fits))])

    def _read(self, reads: Reference) -> Iterable[str]:
        """The text that is read in each trial."""
        if isinstance(reads, NameKind):
            name = self._codes.target.names[reads]
            return (name for _ in self._values)
        return (values[reads] for values in self._values)

    def _longer_than(self, position: int) -> int:
        """The trials whose codes have a character at a position."""
        return sum(trials for length, trials in self._ended.items() if length > position)

    def leak(self, random: Random) -> tuple[int | None, int | None]:
        """Leak addresses until the rule is nearly known, and until it is the only one left; return both numbers."""
        order = random.sample(range(len(self._values)), min(MOST_LEAKS, len(self._values)))
        limits = (int((1 - NEARLY) * len(self._values)), 0)
        known: list[int | None] = [None, None]
        alternatives: list[_Hypothesis | None] = [None, None]
        leaked = 0
        for count, number in enumerate(order, 1):
            leaked |= 1 << number
            for which, limit in enumerate(limits):
                alternative = alternatives[which]
                if known[which] is None and not (alternative and self._explained(alternative, 1 << number)):
                    alternatives[which] = self._alternative(leaked, number, limit)
                    if alternatives[which] is None:
                        known[which] = count
            if known[1] is not None:
                break
        return known[0], known[1]

    def _alternative(self, leaked: int, example: int, limit: int) -> _Hypothesis | None:
        """Find a rule that explains the leaked trials, such as the example, but not more than ``limit`` of all."""
        every = (1 << len(self._values)) - 1
        for hypothesis in self._hypotheses({0: leaked}, self._shown[example], example, MOST_ITEMS, False):
            if (every ^ self._explained(hypothesis, every)).bit_count() > limit:
                return hypothesis
        return None

    def _hypotheses(
        self, state: _State, code: str, example: int, left: int, after_literal: bool
    ) -> Iterator[_Hypothesis]:
        """Yield what may follow in rules that explain all trials of a state.

        ``code`` is the rest of the example's code, ``left`` the number of elements that may follow.
        """
        if not code:
            if all(not trials & ~self._ended[position] for position, trials in state.items()):
                yield ()
            return
        if not left:
            return
        elements: list[_Element] = [(item, self._default(item, state)) for item in self._items]
        if not after_literal:
            elements += [(None, code[:end]) for end in range(1, len(code) + 1)]
        for element in elements:
            after = self._advance_all(element, state)
            if after is not None:
                position = next(position for position, trials in after.items() if trials >> example & 1)
                rest = self._shown[example][position:]
                for others in self._hypotheses(after, rest, example, left - 1, element[0] is None):
                    yield (element, *others)

    def _default(self, item: _Item, state: _State) -> str:
        """The default that an item must have to explain a state, empty if any default will do."""
        for position, trials in state.items():
            if position < len(item.open) and (missing := trials & item.open[position]):
                return self._shown[missing.bit_length() - 1][position]
        return ""

    def _advance_all(self, element: _Element, state: _State) -> _State | None:
        """Advance all trials by an element; return None if it does not explain all of them."""
        after = self._advance(element, state)
        same = sum(trials.bit_count() for trials in after.values()) == sum(map(int.bit_count, state.values()))
        return after if same else None

    def _advance(self, element: _Element, state: _State) -> _State:
        """Advance the trials that an element explains, and drop the others."""
        item, text = element
        after: defaultdict[int, int] = defaultdict(int)
        for position, trials in state.items():
            if item is None:
                after[position + len(text)] |= trials & self._with_text(text, position)
            elif position < len(item.open):
                for width, fitting in item.fits[position].items():
                    after[position + width] |= trials & fitting
                if text:
                    after[position + 1] |= trials & item.open[position] & self._characters[position][text]
        return {position: trials for position, trials in after.items() if trials}

    def _with_text(self, text: str, position: int) -> int:
        """The trials whose codes have a text at a position."""
        if position + len(text) > len(self._characters):
            return 0
        found = -1
        for at, character in enumerate(text, position):
            found &= self._characters[at][character]
        return found

    def _explained(self, hypothesis: _Hypothesis, trials: int) -> int:
        """The trials that a hypothesis explains; an unknown default explains none."""
        state = {0: trials}
        for element in hypothesis:
            state = self._advance(element, state)
        return sum(trials & self._ended[position] for position, trials in state.items())


def _calls(codes: Codes) -> Iterator[BoundCall]:
    """Yield the items of the searched rules, except those that are constant and therefore searched as literals.

    Of the items that read a name, only choices are not constant.
    """
    rule = codes.target.rule
    reads: list[tuple[Reference, FieldClass, Sequence[str]]] = [
        (number, field_class, codes.words[number]) for number, field_class in enumerate(rule.identifiers)
    ]
    furthest = max([FURTHEST_INDEX, *(abs(item.index) for item in rule.items if isinstance(item, BoundCall))])
    using = rule.statement.using
    reads.append((NameKind.ACCOUNT, using, ()))
    if codes.target.alias:
        reads.append((NameKind.ALIAS, using, ()))
    for reference, field_class, texts in reads:
        dotted = field_class is FieldClass.FQDN
        for function in FUNCTIONS.values():
            if function.is_choice:
                yield BoundCall(function, reference, field_class)
            elif not texts or (function.needs_labels and not dotted):
                continue
            elif not function.takes_index:
                yield BoundCall(function, reference, field_class)
            else:
                longest = max(len(label) for text in texts for label in text.split("."))
                labels = _indexes(max(text.count(".") + 1 for text in texts)) if dotted else [None]
                for label in labels:
                    for index in _indexes(min(longest, furthest)):
                        yield BoundCall(function, reference, field_class, label, index or 0, _UNKNOWN_DEFAULT)


def _indexes(furthest: int) -> list[int | None]:
    """The indexes from 1, and from -1 at the end, up to the furthest."""
    return [index for number in range(1, furthest + 1) for index in (number, -number)]


def samples_needed(codes: Codes, seed: int, advance: Callable[[float], None] = lambda part: None) -> Samples | None:
    """Simulate leaks in several runs; return None for a code of more items than are searched.

    ``advance`` is called after each run with its part of the whole work, of which all parts together are 1.
    """
    if _count_items(codes) > MOST_ITEMS:
        advance(1.0)
        return None
    random = Random(seed)
    search = _Search(codes, random)
    runs = []
    for _ in range(RUNS):
        runs.append(search.leak(random))
        advance(1 / RUNS)
    nearly, only = (_percentiles([run[which] for run in runs]) for which in (0, 1))
    return Samples(nearly, only)


def _percentiles(counts: list[int | None]) -> Leaks:
    more = MOST_LEAKS + 1
    ordered = sorted(more if count is None else count for count in counts)
    tenth = len(ordered) // 10
    chosen = ordered[tenth], ordered[len(ordered) // 2], ordered[-1 - tenth]
    low, middle, high = (None if count == more else count for count in chosen)
    return Leaks(middle, low, high)


def _count_items(codes: Codes) -> int:
    """Count the items of a code, adjacent constant ones as one literal."""
    return sum(
        1 if is_constant else len(list(items))
        for is_constant, items in groupby(codes.items, key=lambda item: isinstance(item, str))
    )
