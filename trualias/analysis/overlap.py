"""A search for addresses that two statements accept for different accounts.

Each address that the search generates is verified by a lookup in the policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum

from attrs import frozen

from trualias.analysis.bound_targets import (
    bound_targets,
    common_domain,
    count_pairs_with_common_start,
    number_of_targets,
    pairs_with_common_start,
)
from trualias.analysis.composition import Target
from trualias.analysis.intersection import ProductAutomaton
from trualias.analysis.step_limit import LOOKUP_STEPS, StepLimitReached, Steps
from trualias.language.rule import Rule
from trualias.language.tree import NameKind
from trualias.matching.outcome import Ambiguous
from trualias.matching.policy import LONGEST, Policy

STEPS = 200_000
"""The default budget of steps; about 100,000 steps take a second."""

_ROUNDS = ((300, False), (3_000, False), (3_000, True), (20_000, False), (20_000, True))
"""Steps for each pair of statements, and whether the search is wide, round by round: one hard pair cannot use up the
whole budget."""

COMPARED = 1_000_000
"""Pairs of targets whose first and last texts are compared, which takes about a second."""

_COMPARED_A_STEP = 10

NAMES = 100_000
"""Targets that are examined; of more, as many of each statement as of the others."""

_STEPS_A_NAME = 2


@frozen
class Overlap:
    """An address that two statements accept for different accounts. ``one`` comes first in the file."""

    local_part: str
    one: Target
    other: Target

    @property
    def domain(self) -> str | None:
        """A domain in which both hold, folded; None if both are for all."""
        return common_domain(self.one.rule, self.other.rule)

    @property
    def address(self) -> str:
        """The local part, and the domain if it matters."""
        return self.local_part if self.domain is None else f"{self.local_part}@{self.domain}"


class Limit(Enum):
    """A limit for which a search leaves pairs unexamined; the value is its name in JSON."""

    STEPS = "steps"
    """The steps were used for earlier pairs: all of them, or half of them to prepare the search."""
    COMPARISONS = "comparisons"
    ADDRESSES = "addresses"
    """The most addresses that are asked for were found."""
    NAMES = "names"
    """There are more names, or pairs of an account and an alias, than are examined."""


@frozen
class Search:
    """The result of a search: at most one address for each pair of statements.

    ``undecided`` are the pairs of statements for which the search used up its steps. ``unexamined`` is the number of
    further pairs that were not examined, by limit; a statement counts once for each of its names, or for each pair of
    an account and an alias.
    """

    overlaps: tuple[Overlap, ...]
    undecided: tuple[tuple[Rule, Rule], ...]
    unexamined: Mapping[Limit, int]

    @property
    def complete(self) -> bool:
        """True if all pairs were examined."""
        return not self.unexamined


def find_overlaps(
    policy: Policy,
    steps: int = STEPS,
    most: int = 100,
    pause: Callable[[], None] = lambda: None,
    advance: Callable[[float], None] = lambda part: None,
) -> Search:
    """Search for addresses of two accounts, until about that many steps are taken or that ``most`` are found.

    ``advance`` is called with each part of the work that is done; all parts together are ``work_of`` the policy.
    """
    left = Steps(steps, advance)
    pairs, unexamined = _promising_pairs(policy, left, pause, advance)
    overlaps: dict[tuple[int, int], Overlap] = {}
    for number, (share, wide) in enumerate(_ROUNDS):
        undecided = []
        for pair in pairs:
            pause()
            if pair.offsets in overlaps:
                continue
            if len(overlaps) >= most:
                unexamined[Limit.ADDRESSES] += 1
                continue
            if left.left <= 0:
                if number:
                    undecided.append(pair)
                else:
                    unexamined[Limit.STEPS] += 1
                continue
            before = pair.product.steps
            try:
                if overlap := pair.search(policy, min(share, left.left), wide):
                    overlaps[pair.offsets] = overlap
                elif not wide:
                    undecided.append(pair)
            except StepLimitReached:
                undecided.append(pair)
            left.take(pair.product.steps - before)
        pairs = undecided
    left.finish()
    ordered = sorted(overlaps.values(), key=lambda overlap: (_offset(overlap.one), _offset(overlap.other)))
    undecided_rules = {pair.offsets: (pair.one.rule, pair.other.rule) for pair in pairs}
    return Search(tuple(ordered), tuple(undecided_rules.values()), dict(unexamined))


def work_of(policy: Policy, steps: int = STEPS) -> int:
    """Return the steps of a whole search, with those to prepare it."""
    return steps + COMPARED // _COMPARED_A_STEP + _STEPS_A_NAME * min(number_of_targets(policy), NAMES)


def _promising_pairs(
    policy: Policy, left: Steps, pause: Callable[[], None], advance: Callable[[float], None]
) -> tuple[list[_Pair], Counter[Limit]]:
    """Return the pairs whose expressions allow a common address, and the numbers of those that are unexamined."""
    reserve = left.left // 2
    pairs: list[_Pair] = []
    unexamined: Counter[Limit] = Counter()
    targets = []
    for target in bound_targets(policy, NAMES):
        pause()
        advance(_STEPS_A_NAME)
        targets.append(target)
    number = number_of_targets(policy)
    if number > len(targets):
        unexamined[Limit.NAMES] = _pairs_among(number) - _pairs_among(len(targets))
    targets.sort(key=lambda target: target.start)
    comparing = Steps(COMPARED // _COMPARED_A_STEP, advance)
    for compared, (one, other) in enumerate(pairs_with_common_start(targets)):
        if left.left < reserve or compared >= COMPARED:
            limit = Limit.STEPS if left.left < reserve else Limit.COMPARISONS
            unexamined[limit] = count_pairs_with_common_start(targets) - compared
            break
        if compared % 1000 == 0:
            pause()
            comparing.take(1000 // _COMPARED_A_STEP)
        if not one.may_overlap(other):
            continue
        product = ProductAutomaton(one.automaton, other.automaton)
        left.take(product.steps)
        if product.shortest <= LONGEST:
            first, second = sorted((one.target, other.target), key=_offset)
            pairs.append(_Pair(first, second, product))
    comparing.finish()
    return pairs, unexamined


def _pairs_among(number: int) -> int:
    return number * (number - 1) // 2


def _offset(target: Target) -> int:
    return target.rule.statement.offset


@frozen(eq=False, repr=False)
class _Pair:
    """Two targets that may share an address, in the order of the file."""

    one: Target
    other: Target
    product: ProductAutomaton

    @property
    def offsets(self) -> tuple[int, int]:
        """The offsets of the two statements, which identify the pair of statements."""
        return _offset(self.one), _offset(self.other)

    def search(self, policy: Policy, steps: int, wide: bool) -> Overlap | None:
        """Search for an address that both accept.

        Raises:
            StepLimitReached: the search needs more than the allowed number of steps.
        """
        wanted = {self.one.names[NameKind.ACCOUNT], self.other.names[NameKind.ACCOUNT]}
        domain = common_domain(self.one.rule, self.other.rule)
        for text in self.product.accepted_texts(LONGEST, steps, wide):
            outcome, taken = policy.resolve_counting(text, domain)
            self.product.steps += taken // LOOKUP_STEPS
            if isinstance(outcome, Ambiguous) and wanted <= set(map(policy.fold, outcome.accounts)):
                return Overlap(text, self.one, self.other)
        return None
