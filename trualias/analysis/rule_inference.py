"""Estimates how many leaked addresses an attacker needs to infer the rule of a statement's codes.

The attacker knows the expression of the addresses, and therefore the words that each code was made for. The search
goes through all rules of up to three items for those that explain every leaked address, and finds out how long rules
other than the true one do.

Rules are compared by their effect on the words of the list: rules that accept the same codes are the same rule. A rule
that accepts more than the true one is ignored, because codes written by the true rule are right by both.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from attrs import frozen

from trualias.analysis.code_distribution import Codes
from trualias.analysis.leaks import MOST_LEAKS
from trualias.analysis.rule_search import MOST_ITEMS, RuleSearch


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


_NEARLY = 0.9
"""The part of the work after which the rule is nearly known."""


def samples_needed(codes: Codes, seed: int, advance: Callable[[float], None] = lambda part: None) -> Samples | None:
    """Simulate leaks in several runs; return None for a code of more items than are searched.

    ``advance`` is called after each run with its part of the whole work, of which all parts together are 1.
    """
    if _count_items(codes) > MOST_ITEMS:
        advance(1.0)
        return None
    search = RuleSearch(codes, seed)
    nearly = _percentiles(search.nearly(lambda part: advance(part * _NEARLY)))
    only = _percentiles(search.only())
    advance(1 - _NEARLY)
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
