"""The success rates of an attacker guessing addresses of a statement.

The attacker knows the expression of the addresses, and which characters of a code are letters and which are digits.
Attacker and owner draw words from the same list, each word with the same probability.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import prod
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from attrs import frozen

from trualias.analysis.code_distribution import Codes
from trualias.analysis.code_forms import FORM_SIZES
from trualias.analysis.composition import Target
from trualias.analysis.constant_code import commonest
from trualias.analysis.rule_inference import Samples, samples_needed
from trualias.analysis.word_classes import Words
from trualias.analysis.word_sets import intersections
from trualias.language.rule import folding

ENUMERATED = 300_000
"""The most combinations of contributions that are enumerated; of more, a sample is."""

DRAWN = 20_000
"""Addresses in a random sample where not all can be counted."""


@frozen
class Proportion:
    """A share of guesses, from 0 to 1, with bounds.

    A counted share is equal to its bounds. The bounds of an estimated share are Wilson's interval at 95 % confidence.
    """

    share: float
    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        """True if the share was counted."""
        return self.low == self.high

    @classmethod
    def counted(cls, share: float) -> Proportion:
        """Make an exact share."""
        return cls(share, share, share)

    @classmethod
    def estimated(cls, hits: int, tries: int, known: float = 0.0) -> Proportion:
        """Make the sum of a ``known`` share and a share that is estimated from a sample."""
        z = 1.96
        share = hits / tries
        middle = share + z * z / (2 * tries)
        spread = z * (share * (1 - share) / tries + z * z / (4 * tries * tries)) ** 0.5
        scale = 1 + z * z / tries
        low, high = (middle - spread) / scale if hits else 0.0, (middle + spread) / scale
        return cls(known + share, known + low, min(1.0, known + high))


def blind(codes: Codes, seed: int, draws: int = DRAWN) -> tuple[str, Proportion]:
    """Return the most frequent form of a code, and how often a random code of this form is accepted."""
    accepted: list[_Weighed] = []
    written: list[_Weighed] = []
    for positions, every in zip(codes.positions, [1, *((1 << len(words)) - 1 for words in codes.words)], strict=True):
        accepting: Counter[tuple[str, ...]] = Counter()
        weights: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for forms, words in intersections(map(codes.forms, positions), every):
            number = words.bit_count()
            choices = prod([sum(count for _, count in of_item) for of_item in forms])
            for choice in product(*forms):
                form = tuple([of_item for of_item, _ in choice])
                codes_of_form = prod([count for _, count in choice])
                accepting[form] += number * codes_of_form
                weights[form] += number * codes_of_form / choices
        accepted.append(list(accepting.items()))
        written.append(list(weights.items()))
    totals: defaultdict[str, float] = defaultdict(float)
    for form_of_code, weight in _combined(codes, written):
        totals[form_of_code] += weight
    commonest_form = min(totals, key=lambda one: (-round(totals[one], 6), one))
    right = sum(weight for one, weight in _combined(codes, accepted) if one == commonest_form)
    share = right / codes.combinations / prod(FORM_SIZES.get(kind, 1) for kind in commonest_form)
    if codes.has_one_reading:
        return commonest_form, Proportion.counted(share)
    random = Random(seed)
    characters = {"a": ascii_lowercase, "A": ascii_uppercase, "0": digits}
    guesses = (
        (codes.draw_words(random), "".join([random.choice(characters.get(kind, kind)) for kind in commonest_form]))
        for _ in range(draws)
    )
    return commonest_form, Proportion.estimated(_count_by_other_readings(codes, guesses), draws, share)


def _count_by_other_readings(codes: Codes, guesses: Iterable[tuple[tuple[str, ...], str]]) -> int:
    """Count the guesses that are wrong for their words but accepted in another reading."""
    return sum(codes.accepts(values, code) and not codes.is_right(values, code) for values, code in guesses)


_Weighed = Sequence[tuple[tuple[str, ...], float]]


def _combined(codes: Codes, weighed: Sequence[_Weighed]) -> Iterator[tuple[str, float]]:
    """Yield the codes that the groups' texts make in every combination, with the product of their weights."""
    parts = [""] * len(codes.items)
    for combination in product(*weighed):
        weight = 1.0
        for of_group, (texts, factor) in zip(codes.positions, combination, strict=True):
            weight *= factor
            for position, text in zip(of_group, texts, strict=True):
                parts[position] = text
        yield "".join(parts), weight


@frozen
class Constant:
    """The constant code that is right for the largest share of the words.

    ``is_best`` is whether no other code is right for more words; otherwise the search reached its limit.
    """

    code: str
    accepted: Proportion
    is_best: bool


def _accepted(codes: Codes) -> Counter[str]:
    """Count the combinations of words for which each code is right."""
    if _is_decided_by_a_word(codes):
        # `replay` takes 1.1 ms so for 3,500 words, and 8.4 ms by the groups.
        return Counter(map("".join, zip(*codes.columns(), strict=True)))
    accepted: Counter[str] = Counter()
    for code, number in _combined(codes, [list(group.accepted.items()) for group in codes.groups]):
        accepted[code] += int(number)
    return accepted


def constant(codes: Codes, seed: int, draws: int = DRAWN) -> Constant:
    """Return the constant code that is accepted most often."""
    best = commonest(codes)
    assert best is not None
    share = best.accepted / codes.combinations
    if codes.has_one_reading:
        return Constant(best.code, Proportion.counted(share), best.is_best)
    random = Random(seed)
    others = _count_by_other_readings(codes, ((codes.draw_words(random), best.code) for _ in range(draws)))
    return Constant(best.code, Proportion.estimated(others, draws, share), best.is_best)


def _is_decided_by_a_word(codes: Codes) -> bool:
    """Return whether one identifier's word has only one right code."""
    return len(codes.words) == 1 and not codes.has_choice


def _countable(codes: Codes) -> bool:
    """Return whether all codes can be enumerated."""
    if not codes.has_choice and max(codes.combinations, 1 + sum(map(len, codes.words))) <= ENUMERATED:
        return True  # also if all words contribute something else
    if sum(group.work for group in codes.groups) > ENUMERATED:
        return False
    return prod(len(group.accepted) for group in codes.groups) <= ENUMERATED


def replay(codes: Codes, seed: int, draws: int = DRAWN) -> Proportion:
    """Return how often the code of a leaked address is accepted with other words."""
    others = codes.combinations - 1
    if not others:
        return Proportion.counted(1.0)
    guesses = _replays(codes, Random(seed), draws)
    if not _countable(codes):
        return Proportion.estimated(sum(codes.accepts(*guess) for guess in guesses), draws)
    accepted = _accepted(codes)
    written: Iterable[tuple[str, float]] = accepted.items()
    if not _is_decided_by_a_word(codes):
        written = _combined(codes, [list(group.written.items()) for group in codes.groups])
    share = sum(weight * (accepted[code] - 1) for code, weight in written) / codes.combinations / others
    if codes.has_one_reading:
        return Proportion.counted(share)
    return Proportion.estimated(_count_by_other_readings(codes, guesses), draws, share)


def _replays(codes: Codes, random: Random, draws: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Draw words, each time with the code of other words."""
    for _ in range(draws):
        leaked = other = codes.draw_words(random)
        while other == leaked:
            other = codes.draw_words(random)
        yield other, codes.draw_code(leaked, random)


@frozen
class Strength:
    """The resistance of a target's addresses to guessing.

    ``form`` is the most frequent form of a code, with ``a`` for a letter and ``0`` for a digit. ``combinations`` is the
    number of ways to choose words. ``samples`` is None for a code of too many items.
    """

    combinations: int
    form: str
    blind: Proportion
    constant: Constant
    replay: Proportion
    samples: Samples | None


_FIGURES = 0.1
"""The part of the work that blind, constant and replay take each, about; the search for rules is the rest."""


def strength(
    target: Target,
    words: Words,
    case_sensitive: bool,
    seed: int,
    advance: Callable[[float], None] = lambda part: None,
) -> Strength:
    """Measure the addresses of a target.

    ``advance`` is called with each part of the work that is done; all parts together are 1.

    Raises:
        NoWords: the list has no word for one of the identifiers.
    """
    codes = Codes(target, words, folding(case_sensitive))
    form, guessed = blind(codes, seed)
    advance(_FIGURES)
    best = constant(codes, seed)
    advance(_FIGURES)
    replayed = replay(codes, seed)
    advance(_FIGURES)
    samples = samples_needed(codes, seed, lambda part: advance(part * (1 - 3 * _FIGURES)))
    return Strength(codes.combinations, form, guessed, best, replayed, samples)
