"""How far an attacker gets who guesses the addresses of a statement.

The attacker knows the shape of the addresses: all of the expression, and which characters of a code are letters and
which digits. He chooses words from the same list as the owners of the addresses do, each as likely as any other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from attrs import frozen

from trualias.analysis.code_distribution import Codes, NoWords, Words, choices_of, texts_of
from trualias.analysis.rule_inference import Samples, samples
from trualias.language.rule import CodeItem, Rule, folding
from trualias.language.tree import CodeLiteral, NameKind

ENUMERATED = 300_000
"""So many combinations of what words contribute are gone through; of more, a part."""

DRAWN = 20_000
"""So many addresses are drawn where not all can be counted."""

_COMPARED = 50


@frozen
class Proportion:
    """A share of guesses, from 0 to 1, and the bounds that it lies between.

    The bounds are equal to the share where it was counted. Where it was drawn they are those of Wilson's interval,
    which holds 95 of 100 times.
    """

    share: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether this was counted."""
        return self.low == self.high

    @classmethod
    def counted(cls, share: float) -> Proportion:
        """A share that is known."""
        return cls(share, share, share)

    @classmethod
    def drawn(cls, hits: int, tries: int, known: float = 0.0) -> Proportion:
        """A share of which one part is ``known`` and the other was seen in a sample."""
        z = 1.96
        share = hits / tries
        middle = share + z * z / (2 * tries)
        spread = z * (share * (1 - share) / tries + z * z / (4 * tries * tries)) ** 0.5
        scale = 1 + z * z / tries
        low, high = (middle - spread) / scale if hits else 0.0, (middle + spread) / scale
        return cls(known + share, known + low, min(1.0, known + high))


_SIZES = {"a": 26, "A": 26, "0": 10}


def _kind(text: str) -> str:
    """Write ``a`` for each lower-case letter, ``A`` for each capital and ``0`` for each digit; signs stay."""
    return "".join("0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else c for c in text)


def blind(codes: Codes, seed: int, draws: int = DRAWN) -> tuple[str, Proportion]:
    """How often a code gets through that is drawn at random, but has the form that most have; and that form."""
    accepted: list[_Weighed] = []
    written: list[_Weighed] = []
    for group in codes.groups:
        accepting: Counter[tuple[str, ...]] = Counter()
        weights: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for contributions, number in group.words.items():
            kinds = [Counter(map(_kind, texts_of(one))) for one in contributions]
            for choice in product(*(one.items() for one in kinds)):
                form = tuple([kind for kind, _ in choice])
                codes_of_form = prod(count for _, count in choice)
                accepting[form] += number * codes_of_form
                weights[form] += number * codes_of_form / choices_of(contributions)
        accepted.append(list(accepting.items()))
        written.append(list(weights.items()))
    totals: defaultdict[str, float] = defaultdict(float)
    for form_of_code, weight in _combined(codes, written):
        totals[form_of_code] += weight
    commonest_form = min(totals, key=lambda one: (-round(totals[one], 6), one))
    right = sum(weight for one, weight in _combined(codes, accepted) if one == commonest_form)
    share = right / codes.combinations / prod(_SIZES.get(kind, 1) for kind in commonest_form)
    if codes.reads_one_way:
        return commonest_form, Proportion.counted(share)
    random = Random(seed)
    characters = {"a": ascii_lowercase, "A": ascii_uppercase, "0": digits}
    guesses = (
        (codes.draw(random), "".join([random.choice(characters.get(kind, kind)) for kind in commonest_form]))
        for _ in range(draws)
    )
    return commonest_form, Proportion.drawn(_otherwise(codes, guesses), draws, share)


def _otherwise(codes: Codes, guesses: Iterable[tuple[tuple[str, ...], str]]) -> int:
    """Count the guesses that are wrong for their words, and get through all the same, by another reading."""
    return sum(codes.passes(values, code) and not codes.is_right(values, code) for values, code in guesses)


_Weighed = Sequence[tuple[tuple[str, ...], float]]


def _combined(codes: Codes, weighed: Sequence[_Weighed]) -> Iterator[tuple[str, float]]:
    """Join the texts of all groups to codes, in every combination, with the product of their weights."""
    positions = [group.positions for group in codes.groups]
    parts = [""] * len(codes.items)
    for combination in product(*weighed):
        weight = 1.0
        for places, (texts, factor) in zip(positions, combination, strict=True):
            weight *= factor
            for place, text in zip(places, texts, strict=True):
                parts[place] = text
        yield "".join(parts), weight


@frozen
class Constant:
    """The one code that is right for the largest share of the words.

    ``best`` tells that all codes were compared: in the reading in which they were written, no other is right for more.
    """

    code: str
    passes: Proportion
    best: bool


def commonest(codes: Codes) -> str:
    """Find the code that is right for the most words, or for nearly the most where not all codes can be compared."""
    if _countable(codes):
        accepted = _accepted(codes, [list(group.accepted.items()) for group in codes.groups])
    else:
        some = _accepted(codes, _some(codes)).most_common(_COMPARED)
        accepted = Counter({code: codes.accepting(code) for code, _ in some})
    return min(accepted, key=lambda code: (-accepted[code], code))


def _accepted(codes: Codes, weighed: Sequence[_Weighed]) -> Counter[str]:
    """For how many combinations of words the codes are right that some texts of all groups make."""
    accepted: Counter[str] = Counter()
    for code, number in _combined(codes, weighed):
        accepted[code] += int(number)
    return accepted


def constant(codes: Codes, seed: int, draws: int = DRAWN) -> Constant:
    """Find the constant code that gets through most often."""
    best = commonest(codes)
    share = codes.accepting(best) / codes.combinations
    if codes.reads_one_way:
        return Constant(best, Proportion.counted(share), _countable(codes))
    random = Random(seed)
    others = _otherwise(codes, ((codes.draw(random), best) for _ in range(draws)))
    return Constant(best, Proportion.drawn(others, draws, share), _countable(codes))


def _countable(codes: Codes) -> bool:
    """Whether all codes can be gone through."""
    if sum(group.work for group in codes.groups) > ENUMERATED:
        return False
    return prod(len(group.accepted) for group in codes.groups) <= ENUMERATED


def _some(codes: Codes) -> list[_Weighed]:
    """For each group the texts that most words accept."""
    several = sum(len(group.words) > 1 for group in codes.groups) or 1
    return [group.commonest(ENUMERATED // several, int(ENUMERATED ** (1 / several))) for group in codes.groups]


def replay(codes: Codes, seed: int, draws: int = DRAWN) -> Proportion:
    """How often the code of a leaked address gets through with other words, all of them chosen anew."""
    others = codes.combinations - 1
    if not others:
        return Proportion.counted(1.0)
    guesses = _replays(codes, Random(seed), draws)
    if not _countable(codes):
        return Proportion.drawn(sum(codes.passes(*guess) for guess in guesses), draws)
    accepted = _accepted(codes, [list(group.accepted.items()) for group in codes.groups])
    leaked = _combined(codes, [list(group.leaked.items()) for group in codes.groups])
    share = sum(weight * (accepted[code] - 1) for code, weight in leaked) / codes.combinations / others
    if codes.reads_one_way:
        return Proportion.counted(share)
    return Proportion.drawn(_otherwise(codes, guesses), draws, share)


def _replays(codes: Codes, random: Random, draws: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Draw words, each time with a code that is right for other words."""
    for _ in range(draws):
        leaked = other = codes.draw(random)
        while other == leaked:
            other = codes.draw(random)
        yield other, codes.draw_code(leaked, random)


@frozen
class Strength:
    """How guessable the addresses of a statement are, for one of its accounts and one alias.

    ``form`` is what most of its codes look like, ``a`` for a letter, ``0`` for a digit. ``samples`` is None for a code
    of too many items. ``combinations`` is how many choices of words there are.
    """

    rule: Rule
    account: str
    alias: str
    combinations: int
    form: str
    blind: Proportion
    constant: Constant
    replay: Proportion
    samples: Samples | None


def strength(rule: Rule, names: tuple[str, str], words: Words, case_sensitive: bool, seed: int) -> Strength:
    """Measure a statement, for an account and an alias (empty where it has none).

    Raises:
        NoWords: the list has no word that one of the identifiers can be.
    """
    codes = Codes(rule, names, words, folding(case_sensitive))
    form, guessed = blind(codes, seed)
    best = constant(codes, seed)
    return Strength(rule, *names, codes.combinations, form, guessed, best, replay(codes, seed), samples(codes, seed))


@frozen
class ConstantShare:
    """A code, and for what share of the words it is right."""

    code: str
    share: float


class ConstantShares:
    """The best constant codes of many statements; those with the same code are counted once."""

    def __init__(self, words: Words, case_sensitive: bool) -> None:
        self._words = words
        self._fold = folding(case_sensitive)
        self._known: dict[tuple[object, ...], ConstantShare] = {}

    def of(self, rule: Rule) -> ConstantShare | None:
        """Find the constant code that is right for most words, in the reading in which they were written.

        None where the list has no word that one of the identifiers can be.
        """
        names = rule.accounts[0], next(iter(rule.aliases), "")
        try:
            codes = Codes(rule, names, self._words, self._fold)
        except NoWords:
            return None
        key = rule.identifiers, *(self._meaning(codes, item) for item in codes.items)
        if key not in self._known:
            code = commonest(codes)
            self._known[key] = ConstantShare(code, codes.accepting(code) / codes.combinations)
        return self._known[key]

    @staticmethod
    def _meaning(codes: Codes, item: CodeItem) -> object:
        """What an item does, wherever it stands."""
        if isinstance(item, CodeLiteral) or isinstance(item.reads, NameKind):
            return codes.wanted(item, ())
        return item.function, item.reads, item.label, item.index, item.default
