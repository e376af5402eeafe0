"""How many leaked addresses give a rule away.

The attacker knows the shape of the addresses, and so which words the code was made for. He searches all codes of up to
three items for those that explain every address that he has. What is counted here is how long other codes than the
true one do, too.

Rules are told apart by what they do to the words of the list: those that accept the same codes are one and the same,
and one that accepts more than another is passed over, for whoever writes addresses by the stricter is right by both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from attrs import frozen

from trualias.analysis.code_distribution import Codes
from trualias.language.functions import FUNCTIONS, BoundCall, Reference
from trualias.language.tree import CodeLiteral, FieldClass, NameKind

ITEMS = 3
"""Codes of so many items are searched."""

LEAKS = 100
"""So many addresses leak at most."""

INDEX = 12
"""Characters are searched so far from either end, or as far as the rule itself looks; few people count further."""

RUNS = 51
"""So often addresses leak, each time others; an odd number."""

NEARLY = 0.9
"""A rule is nearly known when whatever explains the leaked addresses is right for this share of the words."""

_COMBINATIONS = 3_000
_NO_DEFAULT = "\0"


@frozen
class Leaks:
    """After how many leaked addresses: in the middle of the runs; one run in ten has ``low``, one has ``high`` or more.

    None stands for more than were tried.
    """

    middle: int | None
    low: int | None
    high: int | None


@frozen
class Samples:
    """After how many leaked addresses a rule is ``nearly`` known, and after how many it is the ``only`` one left."""

    nearly: Leaks
    only: Leaks


@frozen(eq=False)
class _Item:
    """An item that a rule may have, and what the trials' codes say to it.

    Trials are in sets, whole numbers with a bit for each. ``fits[place][width]`` are those whose code has at a place
    just what the item contributes, of that width; ``open[place]`` those for which it contributes its default, which is
    not known.
    """

    fits: Sequence[Mapping[int, int]]
    open: Sequence[int]


_Element = tuple[_Item | None, str]
"""An item with its default, empty while that is not known; or no item, but a literal."""

_Rule = tuple[_Element, ...]

_State = dict[int, int]
"""Trials by the place of their codes that has been reached."""


class _Search:
    """The rules that explain some trials, out of all that there are. A trial is words, and a code that is right."""

    def __init__(self, codes: Codes, random: Random) -> None:
        self._codes = codes
        draws = [codes.draw(random) for _ in range(_COMBINATIONS)] if len(codes.texts) > 1 else []
        self._values = draws or ([(text,) for text in codes.texts[0]] if codes.texts else [()])
        self._shown = [codes.draw_code(values, random) for values in self._values]
        self._ended: defaultdict[int, int] = defaultdict(int)
        self._characters: list[defaultdict[str, int]] = [defaultdict(int) for _ in range(max(map(len, self._shown)))]
        for number, code in enumerate(self._shown):
            self._ended[len(code)] |= 1 << number
            for place, character in enumerate(code):
                self._characters[place][character] |= 1 << number
        different: dict[str, _Item] = {}
        for item in map(self._item, _computations(codes)):
            different.setdefault(repr((item.fits, item.open)), item)
        self._items = list(different.values())

    def _item(self, computation: BoundCall) -> _Item:
        by_text: defaultdict[str, int] = defaultdict(int)
        by_choice: defaultdict[str, int] = defaultdict(int)
        for number, text in enumerate(self._read(computation.reads)):
            wanted = computation.evaluate(text)
            if isinstance(wanted, str):
                by_text[wanted] |= 1 << number
            else:
                for character in wanted:
                    by_choice[character] |= 1 << number
        unknown = by_text.pop(_NO_DEFAULT, 0)
        fits: list[dict[int, int]] = []
        for place, characters in enumerate(self._characters):
            here: defaultdict[int, int] = defaultdict(int)
            for text, trials in by_text.items():
                here[len(text)] |= trials & self._with_text(text, place)
            for character, trials in by_choice.items():
                here[1] |= trials & characters[character]
            fits.append({width: trials for width, trials in here.items() if trials})
        return _Item(fits, [unknown and unknown & self._reaching(place) for place in range(len(fits))])

    def _read(self, reads: Reference) -> Iterable[str]:
        """The text that is read in each trial."""
        if isinstance(reads, NameKind):
            name = self._codes.account if reads is NameKind.ACCOUNT else self._codes.alias
            return (name for _ in self._values)
        return (values[reads] for values in self._values)

    def _reaching(self, place: int) -> int:
        """The trials whose codes have a character at a place."""
        return sum(trials for length, trials in self._ended.items() if length > place)

    def leaks(self, random: Random) -> tuple[int | None, int | None]:
        """Let addresses leak until the rule is nearly known, and until it is the only one left; the numbers of both."""
        order = random.sample(range(len(self._values)), min(LEAKS, len(self._values)))
        limits = (int((1 - NEARLY) * len(self._values)), 0)
        known: list[int | None] = [None, None]
        rivals: list[_Rule | None] = [None, None]
        leaked = 0
        for count, number in enumerate(order, 1):
            leaked |= 1 << number
            for which, limit in enumerate(limits):
                rival = rivals[which]
                if known[which] is None and not (rival and self._explained(rival, 1 << number)):
                    rivals[which] = self._rival(leaked, number, limit)
                    if rivals[which] is None:
                        known[which] = count
            if known[1] is not None:
                break
        return known[0], known[1]

    def _rival(self, leaked: int, example: int, limit: int) -> _Rule | None:
        """Find a rule that explains the leaked trials, the example being one, and fails on more than ``limit``."""
        every = (1 << len(self._values)) - 1
        for rule in self._explaining({0: leaked}, self._shown[example], example, ITEMS, False):
            if (every ^ self._explained(rule, every)).bit_count() > limit:
                return rule
        return None

    def _explaining(self, state: _State, code: str, example: int, left: int, after_literal: bool) -> Iterator[_Rule]:
        """Give the ends of rules that explain all trials of a state; ``code`` is what is left of the example's."""
        if not code:
            if all(not trials & ~self._ended[place] for place, trials in state.items()):
                yield ()
            return
        if not left:
            return
        elements: list[_Element] = [(item, self._default(item, state)) for item in self._items]
        if not after_literal:
            elements += [(None, code[:end]) for end in range(1, len(code) + 1)]
        for element in elements:
            after = self._advance(element, state)
            if after is not None:
                place = next(place for place, trials in after.items() if trials >> example & 1)
                rest = self._shown[example][place:]
                for others in self._explaining(after, rest, example, left - 1, element[0] is None):
                    yield (element, *others)

    def _default(self, item: _Item, state: _State) -> str:
        """What the default of an item has to be to explain a state; empty where that needs none."""
        for place, trials in state.items():
            if place < len(item.open) and (missing := trials & item.open[place]):
                return self._shown[missing.bit_length() - 1][place]
        return ""

    def _advance(self, element: _Element, state: _State) -> _State | None:
        """Let an item, or a literal, explain the next part of every trial; None where it does not."""
        after = self._step(element, state)
        same = sum(trials.bit_count() for trials in after.values()) == sum(map(int.bit_count, state.values()))
        return after if same else None

    def _step(self, element: _Element, state: _State) -> _State:
        """Take the trials on that an item, or a literal, explains."""
        item, text = element
        after: defaultdict[int, int] = defaultdict(int)
        for place, trials in state.items():
            if item is None:
                after[place + len(text)] |= trials & self._with_text(text, place)
            elif place < len(item.open):
                for width, fitting in item.fits[place].items():
                    after[place + width] |= trials & fitting
                if text:
                    after[place + 1] |= trials & item.open[place] & self._characters[place][text]
        return {place: trials for place, trials in after.items() if trials}

    def _with_text(self, text: str, place: int) -> int:
        if place + len(text) > len(self._characters):
            return 0
        found = -1
        for at, character in enumerate(text, place):
            found &= self._characters[at][character]
        return found

    def _explained(self, rule: _Rule, trials: int) -> int:
        """Give those of the trials that a rule explains; one whose default is not known gets it wrong."""
        state = {0: trials}
        for element in rule:
            state = self._step(element, state)
        return sum(trials & self._ended[place] for place, trials in state.items())


def _computations(codes: Codes) -> Iterator[BoundCall]:
    """All items that a rule of this shape may have, but for those that are literals by another name.

    Of a name, which is always the same, these are all that do not choose.
    """
    reads: list[tuple[Reference, FieldClass, Sequence[str]]] = [
        (number, field_class, codes.texts[number]) for number, field_class in enumerate(codes.matcher.rule.identifiers)
    ]
    offsets = [abs(item.index) for item in codes.items if isinstance(item, BoundCall)]
    furthest = max([INDEX, *offsets])
    using = codes.matcher.rule.statement.using
    reads.append((NameKind.ACCOUNT, using, ()))
    if codes.alias:
        reads.append((NameKind.ALIAS, using, ()))
    for reference, field_class, texts in reads:
        dotted = field_class is FieldClass.FQDN
        for function in FUNCTIONS.values():
            if function.is_choice:
                yield BoundCall(function, reference, field_class)
            elif not texts or (function.name == "LABELS" and not dotted):
                continue
            elif function.is_count:
                yield BoundCall(function, reference, field_class)
            else:
                longest = max(len(label) for text in texts for label in text.split("."))
                labels = _offsets(max(text.count(".") + 1 for text in texts)) if dotted else [None]
                for label in labels:
                    for index in _offsets(min(longest, furthest)):
                        yield BoundCall(function, reference, field_class, label, index or 0, _NO_DEFAULT)


def _offsets(longest: int) -> list[int | None]:
    return [offset for at in range(1, longest + 1) for offset in (at, -at)]


def samples(codes: Codes, seed: int) -> Samples | None:
    """Let addresses leak, several times; None for a code of too many items to be among those that are searched."""
    if _count(codes) > ITEMS:
        return None
    random = Random(seed)
    search = _Search(codes, random)
    runs = [search.leaks(random) for _ in range(RUNS)]
    nearly, only = (_leaks([run[which] for run in runs]) for which in (0, 1))
    return Samples(nearly, only)


def _leaks(counts: list[int | None]) -> Leaks:
    more = LEAKS + 1
    ordered = sorted(more if count is None else count for count in counts)
    tenth = len(ordered) // 10
    chosen = ordered[tenth], ordered[len(ordered) // 2], ordered[-1 - tenth]
    low, middle, high = (None if count == more else count for count in chosen)
    return Leaks(middle, low, high)


def _count(codes: Codes) -> int:
    """How many items a code has when what is always the same is one literal."""
    kinds = [
        isinstance(item, CodeLiteral) or (isinstance(item.reads, NameKind) and not item.function.is_choice)
        for item in codes.items
    ]
    return sum(not constant or (at > 0 and not kinds[at - 1]) or at == 0 for at, constant in enumerate(kinds))
