"""A search for rules that explain leaked codes.

The search goes through all rules of up to three items. Sets of trials are whole numbers with a bit for each trial.

The rules form a tree: a node is the beginning of a rule, its children have one item more. A node has the trials whose
codes begin as the rule says, by the length of that beginning. Nodes that do not explain all leaks are not visited. The
few dozen others are computed once for all runs.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trualias.analysis.code_distribution import Codes
from trualias.analysis.drawn_codes import DrawnCodes
from trualias.analysis.leaks import Run
from trualias.analysis.searched_items import candidates_of, candidates_of_names

MOST_ITEMS = 3
"""The most items of the rules that are searched."""

NEARLY = 0.9
"""A rule is nearly known when each rule that explains the leaked addresses is right for this share of the words."""

MOST_NODES = 1_000
"""The most nodes that are kept for the next run; each takes some 20 kB."""

COMBINATIONS = 3_000

_State = dict[int, int]
"""Sets of trials by the position that has been reached in their codes."""


class _Fit(NamedTuple):
    """The trials whose codes have an item at a position.

    ``widths`` are those whose codes have what the item contributes, by its width; ``open`` those for which the item
    contributes its default, which is still unknown; ``beyond`` are all others.
    """

    widths: Sequence[tuple[int, int]]
    open: int
    beyond: int


class _Step(NamedTuple):
    """An item that can follow the beginning of a rule, and the trials whose codes cannot go on with it."""

    item: int
    beyond: int


class _Node:
    """The beginning of a rule, to which ``left`` items can be added.

    ``unexplained`` are the trials whose codes do not begin so, ``wrong`` are these and the trials whose codes go on.
    """

    __slots__ = ("after_literal", "children", "left", "state", "steps", "unexplained", "wrong")

    def __init__(self, state: _State, left: int, after_literal: bool, codes: DrawnCodes) -> None:
        self.state = state
        self.left = left
        self.after_literal = after_literal
        self.unexplained = self.wrong = codes.every
        for position, trials in state.items():
            self.unexplained ^= trials
            self.wrong ^= trials & codes.ended.get(position, 0)
        self.steps: Sequence[_Step] | None = None
        self.children: dict[tuple[int, str], _Node] = {}


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
        self.example = run.numbers[0]
        self.code = codes.code(self.example)
        self.count = count
        self.leaked = run.first(count)
        self._run = run

    def exclude(self, wrong: int) -> None:
        """Leak addresses until a rule is excluded that does not explain some trials."""
        while not self.leaked & wrong:
            self.count += 1
            self.leaked = self._run.first(self.count)


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
        self._far = _Band(limit, trials.number, self.codes)
        self._near = _Band(0, limit, self.codes)
        self._fits: dict[tuple[int, bool], list[_Fit]] = {}

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
            walk.exclude(wrong)
        self._visit(band.root, walk)
        return walk.count

    def _visit(self, node: _Node, walk: _Walk) -> None:
        """Exclude the rules of the band that begin as a node does, which explains all leaks."""
        leaked = walk.leaked
        if not leaked & node.wrong:
            others = node.wrong.bit_count()
            if walk.band.fewest < others <= walk.band.most:
                # Those that explain most come first: they explain most leaks of the next run.
                insort(walk.band.found, (others, node.wrong))
                walk.exclude(node.wrong)
        if not node.left:
            return
        if node.steps is None:
            node.steps = self._steps(node, walk.band)
        for item, beyond in [step for step in node.steps if not leaked & step.beyond]:
            visited = None
            while not walk.leaked & beyond:
                default = self._default(node, item, walk.leaked)
                if default == visited or default is None:
                    break
                # Leaks while the default was unknown may have shown it: then that default is visited, too.
                self._visit(self._child(node, item, default, walk.band), walk)
                visited = default
        if not node.after_literal and not walk.leaked & node.unexplained:
            self._visit_literals(node, walk)

    def _visit_literals(self, node: _Node, walk: _Walk) -> None:
        """Visit the nodes after literals that the example has next; as the last item it has all of its rest."""
        code = walk.code
        at = next(position for position, trials in node.state.items() if trials >> walk.example & 1)
        for end in range(at + 1 if node.left > 1 else len(code), len(code) + 1):
            text = code[at:end]
            for position, trials in node.state.items():
                if walk.leaked & trials & ~self.codes.with_text(text, position):
                    return  # and a longer literal explains even fewer
            self._visit(self._child(node, _LITERAL, text, walk.band), walk)

    def _steps(self, node: _Node, band: _Band) -> list[_Step]:
        """Return the items that can follow a node in rules of a band."""
        is_last = node.left == 1
        places = [(trials, self._fits_at(position, is_last)) for position, trials in node.state.items()]
        unexplained = node.unexplained.bit_count()
        steps = []
        for item in range(len(self._items)):
            beyond = open_ = 0
            for trials, fits in places:
                fit = fits[item]
                beyond |= trials & fit.beyond
                open_ |= trials & fit.open
            others = unexplained + beyond.bit_count()
            if others <= band.most and (open_ or not is_last or others > band.fewest):
                steps.append(_Step(item, beyond))
        return steps

    def _default(self, node: _Node, item: int, leaked: int) -> str | None:
        """Return the default that an item must have to explain the leaks; None if there is no such default.

        It is empty if any default will do.
        """
        default = ""
        for position, trials in node.state.items():
            if missing := leaked & trials & self._fits_at(position, node.left == 1)[item].open:
                default = default or self.codes.code(missing.bit_length() - 1)[position]
                if missing & ~self.codes.with_text(default, position):
                    return None
        return default

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
        for position, trials in node.state.items():
            fit = self._fits_at(position, node.left == 1)[item]
            for width, fitting in fit.widths:
                after[position + width] |= trials & fitting
            if default:
                after[position + 1] |= trials & fit.open & self.codes.with_text(default, position)
        return {position: trials for position, trials in after.items() if trials}

    def _after_literal(self, node: _Node, text: str) -> _State:
        after = {
            position + len(text): trials & self.codes.with_text(text, position)
            for position, trials in node.state.items()
        }
        return {position: trials for position, trials in after.items() if trials}

    def _fits_at(self, position: int, is_last: bool) -> list[_Fit]:
        """Return the trials that each item fits at a position; only those that it ends, if it is the last one."""
        key = position, is_last
        found = self._fits.get(key)
        if found is None:
            found = self._fits[key] = self._ending(position) if is_last else self._fitting(position)
        return found

    def _fitting(self, position: int) -> list[_Fit]:
        codes = self.codes
        longer = codes.longer_than(position)
        column = codes.characters[position] if longer else {}
        matching = [*self._candidates.matching(column), *(item.matching(column) for item in self._of_names)]
        fits = []
        for item, same in zip(self._items, matching, strict=True):
            widths = {1: same} if same else {}
            for text, trials in item.longer.items():
                if here := trials & codes.with_text(text, position):
                    widths[len(text)] = widths.get(len(text), 0) | here
            fits.append(self._fit(widths, item.unknown & longer))
        return fits

    def _ending(self, position: int) -> list[_Fit]:
        ended = self.codes.ended
        return [
            self._fit(
                {width: trials & ended.get(position + width, 0) for width, trials in fit.widths},
                fit.open & ended.get(position + 1, 0),
            )
            for fit in self._fits_at(position, False)
        ]

    def _fit(self, widths: Mapping[int, int], open_: int) -> _Fit:
        beyond = self.codes.every ^ open_
        for trials in widths.values():
            beyond ^= trials
        return _Fit(tuple(widths.items()), open_, beyond)
