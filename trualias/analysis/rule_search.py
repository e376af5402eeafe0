"""A search for rules that explain leaked codes.

The search goes through all rules of up to three items, for all runs of leaks at once: a set of trials is a whole number
with a lane for each run, as ``leaks`` says.

The rules form a tree: a node is the beginning of a rule, its children have one item more. A node has the trials whose
codes begin as the rule says, by the length of that beginning. It is visited if it explains all leaks of a run so far.
The items that explain most are visited first: the leaks that exclude their rules exclude most others, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from trualias.analysis.code_distribution import Codes
from trualias.analysis.drawn_codes import Column, DrawnCodes
from trualias.analysis.item_fits import Fits, ItemFits

MOST_ITEMS = 3
"""The most items of the rules that are searched."""

NEARLY = 0.9
"""A rule is nearly known when each rule that explains the leaked addresses is right for this share of the words."""

COMBINATIONS = 3_000
"""The combinations of words that are tried where a statement has several identifiers."""

_State = Mapping[int, int]
"""Sets of trials by the position that has been reached in their codes."""


class _Place(NamedTuple):
    """The trials of a node that have reached a position in their codes, what comes there, and the items that fit."""

    position: int
    trials: int
    column: Column
    fits: Fits


class RuleSearch:
    """A search for rules that explain some trials. A trial is a combination of words with a right code."""

    def __init__(self, codes: Codes, seed: int) -> None:
        trials = codes.trials(COMBINATIONS, seed)
        self.codes = DrawnCodes(codes, trials)
        self.runs = trials.runs
        self._number = len(trials.values)
        self._fits = ItemFits(codes, trials, self.codes)
        self._fewest = self._most = 0
        self._leaked = self.runs.first

    def nearly(self, advance: Callable[[float], None] = lambda part: None) -> list[int | None]:
        """Return for each run the leaks after which the rule is nearly known, None for more than there are.

        ``advance`` is called with each part of the work that is done; all parts together are 1.
        """
        self._exclude_rules(self._limit, self._number - 1, advance)
        return self.runs.count_leaks(self._leaked)

    def only(self) -> list[int | None]:
        """Return for each run the leaks after which the rule is the only one left, None for more than there are.

        This goes on after ``nearly``.
        """
        self._exclude_rules(0, self._limit, lambda part: None)
        return self.runs.count_leaks(self._leaked)

    @property
    def _limit(self) -> int:
        return int((1 - NEARLY) * self._number)

    def _exclude_rules(self, fewest: int, most: int, advance: Callable[[float], None]) -> None:
        """Leak addresses in each run until no rule explains them that leaves more than ``fewest`` trials unexplained.

        Rules that leave more than ``most`` unexplained are known to be excluded.
        """
        self._fewest, self._most, self._advance = fewest, most, advance
        self._visit({0: self.runs.every}, MOST_ITEMS, False)

    def _exclude(self, explained: int) -> None:
        """Leak addresses in each run until one of them is not among those that a rule explains."""
        if self._fewest < self._unexplained(explained) <= self._most:
            self._leaked |= self.runs.through_unexplained(explained)

    def _unexplained(self, explained: int) -> int:
        """Count the trials that are not explained."""
        return self._number - self.runs.count_trials(explained)

    def _visit(self, state: _State, left: int, after_literal: bool) -> None:
        """Exclude the rules that begin as a node does, to which ``left`` items can be added."""
        reached = ended = 0
        for position, trials in state.items():
            reached |= trials
            ended |= trials & self.codes.ended.get(position, 0)
        if self._unexplained(reached) > self._most:
            return
        self._exclude(ended)
        if not left:
            return
        places = [
            _Place(position, trials, self.codes.column(position), self._fits.at(position, left == 1))
            for position, trials in state.items()
        ]
        self._visit_items(places, left)
        if not after_literal:
            self._visit_literals(state, left)

    def _visit_items(self, places: Sequence[_Place], left: int) -> None:
        """Visit the nodes after the items that explain all leaks of a run; first after those that explain most runs."""
        leaks = 0
        items: Sequence[int] = range(self._fits.number)
        while items:
            before = len(items)
            if self._leaked != leaks:
                leaks = self._leaked
                items = self._possible_items(places, items)
            if items:
                *items, item = items
                for default in self._possible_defaults(places, item):
                    self._visit_item(places, item, default, left)
            if left == MOST_ITEMS:
                self._advance((before - len(items)) / self._fits.number)

    def _possible_items(self, places: Sequence[_Place], items: Sequence[int]) -> list[int]:
        """Return the items that may explain all leaks of a run, with some default; those that explain most last."""
        leaked = self._leaked
        unexplained = [0] * len(items)
        others = leaked
        for _, trials, _, fits in places:
            here = leaked & trials
            others ^= here
            followed = self.runs.followed(here)
            beyond, torn = fits.beyond, fits.torn
            unexplained = [
                leaks | here & beyond[item] | followed & torn[item]
                for leaks, item in zip(unexplained, items, strict=True)
            ]
        possible = self.runs.not_in_all([leaks | others for leaks in unexplained] if others else unexplained)
        possible.sort(key=lambda place: (unexplained[place].bit_count(), place), reverse=True)
        return [items[place] for place in possible]

    def _possible_defaults(self, places: Sequence[_Place], item: int) -> Iterator[str]:
        """Yield the defaults with which an item may explain all leaks of a run, first an empty one that is unknown.

        The others are those that leaks show, also the leaks that exclude the rules with an unknown default.
        """
        is_in_all = self.runs.is_in_all
        unexplained, opened = self._unexplained_by(places, item)
        everywhere = unexplained
        for _, here in opened:
            everywhere |= here
        if not is_in_all(everywhere):
            leaked = self._leaked
            yield ""
            if self._leaked != leaked:
                unexplained, opened = self._unexplained_by(places, item)
        if not opened or is_in_all(unexplained):
            return
        seen = self.runs.outside(unexplained)
        for character in self._shown([(column, seen & here) for column, here in opened]):
            with_default = unexplained
            for column, here in opened:
                with_default |= here ^ here & column.characters.get(character, 0)
            if not is_in_all(with_default):
                yield character

    def _unexplained_by(self, places: Sequence[_Place], item: int) -> tuple[int, Sequence[tuple[Column, int]]]:
        """Return the leaks that an item explains with no default, and those that need the right one, by the column."""
        unexplained = 0
        opened = []
        others = self._leaked
        for _, trials, column, fits in places:
            here = others & trials
            others ^= here
            unexplained |= here & fits.beyond[item]
            if open_here := here & fits.open[item]:
                unexplained |= self.runs.followed(here) & fits.torn[item]
                opened.append((column, open_here))
        return unexplained | others, opened

    @staticmethod
    def _shown(columns: Iterable[tuple[Column, int]]) -> list[str]:
        """Return the characters of some leaks in columns."""
        shown: set[str] = set()
        for column, leaks in columns:
            if leaks:
                shown.update([character for character, having in column.characters.items() if leaks & having])
        return sorted(shown)

    def _visit_item(self, places: Sequence[_Place], item: int, default: str, left: int) -> None:
        """Visit the node after an item with its default, empty for an unknown one."""
        if left == 1:
            explained = 0
            for _, trials, column, fits in places:
                explained |= trials & fits.known[item]
                if default:
                    explained |= trials & fits.open[item] & column.characters.get(default, 0)
            self._exclude(explained)
            return
        after: defaultdict[int, int] = defaultdict(int)
        for position, trials, column, fits in places:
            for width, fitting in fits.widths[item].items():
                after[position + width] |= trials & fitting
            if default:
                after[position + 1] |= trials & fits.open[item] & column.characters.get(default, 0)
        self._visit({position: trials for position, trials in after.items() if trials}, left - 1, False)

    def _visit_literals(self, state: _State, left: int) -> None:
        """Visit the nodes after literals that all leaks of a run have next."""
        for character in self._next_characters(state):
            after = {
                position + 1: here
                for position, trials in state.items()
                if (here := trials & self.codes.column(position).characters.get(character, 0))
            }
            self._visit(after, left - 1, True)
            self._visit_literals(after, left)

    def _next_characters(self, state: _State) -> Iterator[str]:
        """Yield the characters that all leaks of a run have next."""
        columns = []
        unexplained = self._leaked
        for position, trials in state.items():
            column = self.codes.column(position)
            if here := unexplained & trials & column.every:
                unexplained ^= here ^ self.runs.followed(here) & column.changing
                columns.append((column, here))
        if self.runs.is_in_all(unexplained):
            return
        seen = self.runs.outside(unexplained) & self.runs.first
        for character in self._shown([(column, here & seen) for column, here in columns]):
            unexplained = self._leaked
            for column, here in columns:
                unexplained ^= here & column.characters.get(character, 0)
            if not self.runs.is_in_all(unexplained):
                yield character
