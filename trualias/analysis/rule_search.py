"""A search for rules that explain leaked codes.

The search goes through all rules of up to three items. Sets of trials are whole numbers with a bit for each trial.

The rules form a tree: a node is the beginning of a rule, its children have one item more. A node has the trials whose
codes begin as the rule says, by the length of that beginning. Nodes that do not explain all leaks are not visited. The
few dozen others are computed once for all runs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trualias.analysis.code_distribution import Codes
from trualias.analysis.drawn_codes import DrawnCodes
from trualias.analysis.leaks import Run
from trualias.analysis.searched_items import candidates_of, candidates_of_names

MOST_ITEMS = 3
"""The most items of the rules that are searched."""

NEARLY = 0.9
"""A rule is nearly known when each rule that explains the leaked addresses is right for this share of the words."""

MOST_NODES = 30_000
"""The most nodes that are kept for the next run; each takes 1.5 kB for 3,500 words.

Most codes need a hundred. One of three identifiers needs 23,000 in 4 s; it takes 9 s if 1,000 are kept.
"""

COMBINATIONS = 3_000

_State = dict[int, int]
"""Sets of trials by the position that has been reached in their codes."""


class _Fits(NamedTuple):
    """The trials whose codes have each item at a position, by the item.

    ``widths`` are those whose codes have what the item contributes, by its width; ``open`` those for which the item
    contributes its default, which is still unknown; ``beyond`` are all others.
    """

    widths: Sequence[Mapping[int, int]]
    open: Sequence[int]
    beyond: Sequence[int]


class _Place(NamedTuple):
    """The trials of a node that have reached a position in their codes, and the items that fit there."""

    position: int
    trials: int
    fits: _Fits


class _Node:
    """The beginning of a rule, to which ``left`` items can be added.

    ``others`` is the number of trials whose codes do not begin so, ``wrong`` are these and those whose codes go on.
    """

    __slots__ = ("after_literal", "children", "left", "others", "places", "state", "wrong")

    def __init__(self, state: _State, left: int, after_literal: bool, codes: DrawnCodes) -> None:
        self.state = state
        self.left = left
        self.after_literal = after_literal
        unexplained = self.wrong = codes.every
        for position, trials in state.items():
            unexplained ^= trials
            self.wrong ^= trials & codes.ended.get(position, 0)
        self.others = unexplained.bit_count()
        self.children: dict[tuple[int, str], _Node] = {}
        self.places: Sequence[_Place] = ()


class _Band:
    """The rules that leave more than ``fewest`` of the trials unexplained, and at most ``most``.

    ``root`` is the tree of their beginnings, ``found`` are the trials that rules leave unexplained which were found,
    with their number, the smallest first.
    """

    def __init__(self, fewest: int, most: int, codes: DrawnCodes) -> None:
        self.fewest = fewest
        self.most = most
        self.found: list[tuple[int, int]] = []
        self.codes = codes
        self.clear()

    def clear(self) -> None:
        """Drop all nodes."""
        self.nodes = 0
        self.root = _Node({0: self.codes.every}, MOST_ITEMS, False, self.codes)


class _Walk:
    """A search for the number of leaks that no rule of a band explains; ``count`` is the least that it can be."""

    def __init__(self, run: Run, count: int, band: _Band, codes: DrawnCodes) -> None:
        self.band = band
        self.example = 1 << run.numbers[0]
        self.code = codes.code(run.numbers[0])
        self.count = count
        self.leaked = run.first[count]
        self._run = run

    def exclude(self, wrong: int) -> None:
        """Leak addresses until a rule is excluded that does not explain some trials."""
        self.count = bisect_left(self._run.first, True, self.count, key=lambda leaked: leaked & wrong != 0)
        self.leaked = self._run.first[self.count]


_LITERAL = -1


class RuleSearch:
    """A search for rules that explain some trials. A trial is a combination of words with a right code."""

    def __init__(self, codes: Codes, seed: int) -> None:
        trials = codes.trials(COMBINATIONS, seed)
        self.codes = DrawnCodes(codes, trials)
        self.runs = self.codes.runs
        self._candidates = candidates_of(codes, trials)
        self._of_names = candidates_of_names(codes, trials)
        self._items = [*self._candidates.items, *self._of_names]
        limit = int((1 - NEARLY) * trials.number)
        self._far = _Band(limit, trials.number - 1, self.codes)
        self._near = _Band(0, limit, self.codes)
        self._fits: dict[tuple[int, bool], _Fits] = {}

    def needed(self, run: Run) -> tuple[int | None, int | None]:
        """Return the leaks after which the rule is nearly known, and after which it is the only one left.

        None is for more than leak in a run.
        """
        nearly = self._excluding(run, 1, self._far)
        only = self._excluding(run, nearly, self._near)
        most = len(run.numbers)
        return None if nearly > most else nearly, None if only > most else only

    def _excluding(self, run: Run, count: int, band: _Band) -> int:
        """Return the number of leaks, at least ``count``, that no rule of a band explains."""
        if band.nodes >= MOST_NODES:
            band.clear()
        walk = _Walk(run, count, band, self.codes)
        for _, wrong in band.found:
            if not walk.leaked & wrong:
                walk.exclude(wrong)
        self._visit(band.root, walk)
        return walk.count

    def _visit(self, node: _Node, walk: _Walk) -> None:
        """Exclude the rules of the band that begin as a node does, which explains all leaks."""
        if node.others > walk.band.most:
            return
        if not walk.leaked & node.wrong:
            others = node.wrong.bit_count()
            if walk.band.fewest < others <= walk.band.most:
                # Those that explain most come first: they explain most leaks of the next run.
                insort(walk.band.found, (others, node.wrong))
                walk.exclude(node.wrong)
        if not node.left:
            return
        at = next(position for position, trials in node.state.items() if trials & walk.example)
        if at == len(walk.code):
            return
        if not node.places:
            is_last = node.left == 1
            node.places = [_Place(start, trials, self._fits_at(start, is_last)) for start, trials in node.state.items()]
        for item in self._possible_items(node, walk.leaked):
            default = self._default(node, item, walk.leaked)
            if default is not None:
                count = walk.count
                self._visit(self._child(node, item, default, walk.band), walk)
                if not default and walk.count != count:
                    # The leaks that excluded the rules with an unknown default may show it.
                    default = self._default(node, item, walk.leaked)
                    if default:
                        self._visit(self._child(node, item, default, walk.band), walk)
        if not node.after_literal:
            self._visit_literals(node, walk, at)

    def _possible_items(self, node: _Node, leaked: int) -> Iterable[int]:
        """Return the items that may explain all leaks, with some default; quickly, for most do not."""
        items: Iterable[int] = range(len(self._items))
        for _, trials, fits in node.places:
            if here := leaked & trials:
                beyond = fits.beyond
                items = [item for item in items if not here & beyond[item]]
        return items

    def _visit_literals(self, node: _Node, walk: _Walk, at: int) -> None:
        """Visit the nodes after literals that the example has next; as the last item it has all of its rest."""
        code = walk.code
        for end in range(at + 1 if node.left > 1 else len(code), len(code) + 1):
            text = code[at:end]
            explained = 0
            for position, trials in node.state.items():
                explained |= trials & self.codes.with_text(text, position)
            if walk.leaked & ~explained:
                return  # a longer literal explains even fewer
            self._visit(self._child(node, _LITERAL, text, walk.band), walk)

    def _default(self, node: _Node, item: int, leaked: int) -> str | None:
        """Return the default that an item must have to explain the leaks, empty if they show none.

        None is for an item that does not explain them with any.
        """
        default = ""
        for position, trials, fits in node.places:
            if here := leaked & trials:
                leaked ^= here
                if here & fits.beyond[item]:
                    return None
                if missing := here & fits.open[item]:
                    default = default or self.codes.code(missing.bit_length() - 1)[position]
                    if missing & ~self.codes.characters[position].get(default, 0):
                        return None
        return None if leaked else default

    def _child(self, node: _Node, item: int, text: str, band: _Band) -> _Node:
        """Return the node after an item with its default, empty while that is unknown, or after a literal."""
        found = node.children.get((item, text))
        if found is None:
            found = self._new_child(node, item, text)
            band.nodes += 1
            if band.nodes <= MOST_NODES:
                node.children[item, text] = found
        return found

    def _new_child(self, node: _Node, item: int, text: str) -> _Node:
        is_literal = item == _LITERAL
        state = self._after_literal(node, text) if is_literal else self._after_item(node, item, text)
        return _Node(state, node.left - 1, is_literal, self.codes)

    def _after_item(self, node: _Node, item: int, default: str) -> _State:
        after: defaultdict[int, int] = defaultdict(int)
        for position, trials, fits in node.places:
            for width, fitting in fits.widths[item].items():
                after[position + width] |= trials & fitting
            if default:
                after[position + 1] |= trials & fits.open[item] & self.codes.with_text(default, position)
        return {position: trials for position, trials in after.items() if trials}

    def _after_literal(self, node: _Node, text: str) -> _State:
        after = {
            position + len(text): trials & self.codes.with_text(text, position)
            for position, trials in node.state.items()
        }
        return {position: trials for position, trials in after.items() if trials}

    def _fits_at(self, position: int, is_last: bool) -> _Fits:
        """Return the trials that each item fits at a position; only those that it ends, if it is the last one."""
        key = position, is_last
        found = self._fits.get(key)
        if found is None:
            found = self._fits[key] = self._ending(position) if is_last else self._fitting(position)
        return found

    def _fitting(self, position: int) -> _Fits:
        codes = self.codes
        longer = codes.longer_than(position)
        column = codes.characters[position] if longer else {}
        matching = [*self._candidates.matching(column), *(item.matching(column) for item in self._of_names)]
        fitting = []
        for item, same in zip(self._items, matching, strict=True):
            widths = {1: same} if same else {}
            for text, trials in item.longer.items():
                if here := trials & codes.with_text(text, position):
                    widths[len(text)] = widths.get(len(text), 0) | here
            fitting.append(widths)
        return self._fits_of(fitting, [item.unknown & longer for item in self._items])

    def _ending(self, position: int) -> _Fits:
        ended = self.codes.ended
        fits = self._fits_at(position, False)
        fitting = [
            {width: trials & ended.get(position + width, 0) for width, trials in widths.items()}
            for widths in fits.widths
        ]
        with_default = ended.get(position + 1, 0)
        return self._fits_of(fitting, [open_ & with_default for open_ in fits.open])

    def _fits_of(self, fitting: Sequence[Mapping[int, int]], opened: Sequence[int]) -> _Fits:
        beyond = []
        for widths, others in zip(fitting, opened, strict=True):
            for trials in widths.values():
                others |= trials
            beyond.append(self.codes.every ^ others)
        return _Fits(fitting, opened, beyond)
