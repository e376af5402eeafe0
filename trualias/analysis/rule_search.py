"""A search for the rules that explain some codes.

The search goes through all rules of up to three items. Sets of trials are whole numbers with a bit for each trial.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from random import Random

from attrs import frozen

from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.trials import Trials
from trualias.analysis.word_sets import UNKNOWN_DEFAULT, WordSets, word_sets
from trualias.language.functions import FUNCTIONS, BoundCall, CodeText, Reference
from trualias.language.tree import FieldClass, NameKind

MOST_ITEMS = 3
"""The most items of the rules that are searched."""

FURTHEST_INDEX = 12
"""The furthest index from either end of a word that is searched, unless the true rule has a further one; few people
count further."""

_COMBINATIONS = 3_000


@frozen(eq=False, repr=False)
class _Item:
    """An item of the searched rules, and the trials whose codes it explains.

    Sets of trials are whole numbers with a bit for each trial. ``fits[position][width]`` are the trials whose code has
    at a position what the item contributes, of that width; ``open[position]`` those for which the item contributes its
    default, which is still unknown; ``beyond[position]`` are all others.
    """

    fits: Sequence[Mapping[int, int]]
    open: Sequence[int]
    beyond: Sequence[int]


_Element = tuple[_Item | None, str]
"""An item with its default, empty while that is unknown; or None with a literal."""

_Hypothesis = tuple[_Element, ...]
"""A rule that may explain the codes."""

_State = dict[int, int]
"""Sets of trials by the position that has been reached in their codes."""


@frozen
class _Explained:
    """The trials that a rule explains, and the number of the others."""

    others: int
    trials: int


class RuleSearch:
    """A search for rules that explain some trials. A trial is a combination of words with a right code.

    The rules that were found are kept, since most searches end with one of them.
    """

    def __init__(self, codes: Codes, seed: int, random: Random) -> None:
        self._codes = codes
        self._trials = codes.trials(_COMBINATIONS, seed)
        self._values = self._trials.values
        self._every = (1 << len(self._values)) - 1
        if len(codes.words) > 1:
            random.setstate(self._trials.random_state)
        self._shown = _draw_codes(codes, self._trials, random)
        self._ended: defaultdict[int, int] = defaultdict(int)
        for length, trials in self._sets(map(str, map(len, self._shown))).items():
            self._ended[int(length)] = trials
        self._characters = [
            defaultdict(int, self._sets(code[position : position + 1] for code in self._shown))
            for position in range(max(map(len, self._shown)))
        ]
        different: dict[Hashable, _Item] = {}
        for item in map(self._item, _calls(codes)):
            different.setdefault((tuple(tuple(sorted(fit.items())) for fit in item.fits), tuple(item.open)), item)
        self._items = list(different.values())
        self._found: list[_Explained] = []

    @property
    def number(self) -> int:
        """The number of trials."""
        return len(self._values)

    def _sets(self, texts: Iterable[str]) -> Mapping[str, int]:
        return word_sets(texts, len(self._values))

    def _item(self, call: BoundCall) -> _Item:
        sets = dict(self._item_sets(call))
        unknown = sets.pop(UNKNOWN_DEFAULT, 0)
        fits: list[dict[int, int]] = []
        for position in range(len(self._characters)):
            here: defaultdict[int, int] = defaultdict(int)
            for text, trials in sets.items():
                here[len(text)] |= trials & self._with_text(text, position)
            fits.append({width: trials for width, trials in here.items() if trials})
        unknowns = [unknown and unknown & self._longer_than(position) for position in range(len(fits))]
        beyond = []
        for fit, others in zip(fits, unknowns, strict=True):
            for trials in fit.values():
                others |= trials
            beyond.append(self._every ^ others)
        return _Item(fits, unknowns, beyond)

    def _item_sets(self, call: BoundCall) -> WordSets:
        """The trials for which a call contributes a text, by the text."""
        if isinstance(call.reads, NameKind):
            return dict.fromkeys(texts_of(call.evaluate(self._codes.target.names[call.reads])), self._every)
        return self._trials.sets(call)

    def _longer_than(self, position: int) -> int:
        """The trials whose codes have a character at a position."""
        return sum(trials for length, trials in self._ended.items() if length > position)

    def alternative(self, leaked: int, example: int, limit: int) -> int | None:
        """Find a rule that explains the leaked trials, such as the example, but not more than ``limit`` of all.

        Return the trials that it explains, or None if there is no such rule.
        """
        for known in self._found:
            if known.others > limit and not leaked & ~known.trials:
                return known.trials
        for hypothesis in self._hypotheses({0: leaked}, self._shown[example], example, MOST_ITEMS, False):
            trials = self._explained(hypothesis, self._every)
            if others := (self._every ^ trials).bit_count():
                # Those that explain most come first: they explain most of the leaks that follow.
                insort(self._found, _Explained(others, trials), key=lambda explained: explained.others)
                if others > limit:
                    return trials
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
        elements: list[_Element] = [(item, self._default(item, state)) for item in self._possible_items(state)]
        if not after_literal:
            elements += [(None, code[:end]) for end in range(1, len(code) + 1)]
        for element in elements:
            after = self._advance_all(element, state)
            if after is not None:
                position = next(position for position, trials in after.items() if trials >> example & 1)
                rest = self._shown[example][position:]
                for others in self._hypotheses(after, rest, example, left - 1, element[0] is None):
                    yield (element, *others)

    def _possible_items(self, state: _State) -> Sequence[_Item]:
        """Return the items that may explain all trials of a state, with some default; quickly, for most do not."""
        items: Sequence[_Item] = self._items
        for position, trials in state.items():
            if position >= len(self._characters):
                return ()
            items = [item for item in items if not trials & item.beyond[position]]
        return items

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


def _draw_codes(codes: Codes, trials: Trials, random: Random) -> list[str]:
    """Draw a right code for each trial."""
    texts: dict[CodeText, Sequence[str]] = {}
    columns: list[Iterable[CodeText]] = []
    for item in codes.items:
        column = trials.contributions(item) if isinstance(item, BoundCall) else [codes.contribution(item, ())]
        texts |= {wanted: texts_of(codes.contribution(wanted, ())) for wanted in set(column)}
        columns.append(column if isinstance(item, BoundCall) else repeat(*column))
    rows = islice(zip(*columns, strict=False), len(trials.values))
    return ["".join([random.choice(texts[wanted]) for wanted in row]) for row in rows]


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
                        yield BoundCall(function, reference, field_class, label, index or 0, UNKNOWN_DEFAULT)


def _indexes(furthest: int) -> list[int | None]:
    """The indexes from 1, and from -1 at the end, up to the furthest."""
    return [index for number in range(1, furthest + 1) for index in (number, -number)]
