"""The distribution of a statement's codes over all words of a list.

Each item of a code reads one identifier, or a name. Therefore the words of each identifier are grouped by what they
contribute, and figures about all combinations of words are computed from these few groups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product
from math import prod
from random import Random

from attrs import frozen

from trualias.analysis.composition import Target, token_texts
from trualias.language.fields import RULES, fits
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import BoundItem, bind, bind_items
from trualias.language.tree import CodeField, FieldClass, Identifier, Literal, NameKind
from trualias.matching.lookup_record import LookupRecord, StepBudgetExceeded
from trualias.matching.policy import LONGEST


class NoWords(Exception):
    """A list has no word of an identifier's class; ``str()`` is the class."""


class Words:
    """A list of words that people choose from, and the words of each class among them.

    Few companies are called by a number. If the list has fewer than ten words of the class ``number``, the numbers from
    1 to 9999 take their place.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._by_class: dict[tuple[FieldClass, bool], tuple[str, ...]] = {}

    def of(self, field_class: FieldClass, case_sensitive: bool) -> tuple[str, ...]:
        """Return the distinct words of a class, in lower case unless case matters.

        Raises:
            NoWords: there are none.
        """
        key = field_class, case_sensitive
        if key not in self._by_class:
            words = (word for word in self._words if fits(field_class, word))
            found = tuple(dict.fromkeys(word if case_sensitive else word.lower() for word in words))
            if field_class is FieldClass.NUMBER and len(found) < 10:
                found = tuple(map(str, range(1, 10_000)))
            self._by_class[key] = found
        if not self._by_class[key]:
            raise NoWords(field_class.value)
        return self._by_class[key]


@frozen(eq=False, slots=False)
class Group:
    """The items of a code that read the same identifier, and how often its words contribute the same.

    ``positions`` are the items' positions in the code, counted from 0; ``words`` is the number of words by the
    contributions of all these items.
    """

    positions: tuple[int, ...]
    words: Counter[tuple[CodeText, ...]]

    @cached_property
    def accepted(self) -> Counter[tuple[str, ...]]:
        """The number of words by the texts, one for each item, that are right for them."""
        counts: Counter[tuple[str, ...]] = Counter()
        for contributions, number in self.words.items():
            for texts in product(*map(texts_of, contributions)):
                counts[texts] += number
        return counts

    @cached_property
    def written(self) -> Mapping[tuple[str, ...], float]:
        """The expected number of words by the texts that are written for them, if all choices are equally likely."""
        weights: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for contributions, number in self.words.items():
            choices = choices_of(contributions)
            for texts in product(*map(texts_of, contributions)):
                weights[texts] += number / choices
        return weights

    @property
    def work(self) -> int:
        """The number of texts to enumerate for ``accepted`` and ``written``."""
        return sum(map(choices_of, self.words))

    def count_accepting(self, texts: Sequence[str]) -> int:
        """Count the words for which some texts, one for each item, are right."""
        return sum(
            number
            for contributions, number in self.words.items()
            if all(
                text == one if isinstance(one, str) else text in one
                for text, one in zip(texts, contributions, strict=True)
            )
        )

    def most_accepted(self, work: int, most: int) -> Sequence[tuple[tuple[str, ...], float]]:
        """Return texts that are right for many words, with the number of words, estimated from a sample of words.

        ``work`` limits the texts that are enumerated, ``most`` those that are returned for the sample.
        """
        sample: Counter[tuple[CodeText, ...]] = Counter()
        # Words in alphabetical order would make the first ones unlike the rest.
        for contributions in Random(0).sample(list(self.words), len(self.words)):
            work -= choices_of(contributions)
            if sample and work < 0:
                break
            sample[contributions] = self.words[contributions]
        ordered = Group(self.positions, sample).accepted.most_common(most)
        return [self._hill_climb(ordered[0][0]), self._hill_climb(self._best_of_each_item()), *ordered]

    def _best_of_each_item(self) -> tuple[str, ...]:
        """For each item the text that is right for most words."""
        counts: list[Counter[str]] = [Counter() for _ in self.positions]
        for contributions, number in self.words.items():
            for count, wanted in zip(counts, contributions, strict=True):
                count.update(dict.fromkeys(texts_of(wanted), number))
        return tuple([min(count, key=lambda text: (-count[text], text)) for count in counts])

    def _hill_climb(self, texts: tuple[str, ...]) -> tuple[tuple[str, ...], float]:
        """Replace one text at a time while that makes the texts right for more words."""
        choices = [sorted({text for wanted in self.words for text in texts_of(wanted[at])}) for at in range(len(texts))]
        best = texts, self.count_accepting(texts)
        while True:
            neighbours = (
                (*best[0][:at], text, *best[0][at + 1 :]) for at, several in enumerate(choices) for text in several
            )
            found = max(((one, self.count_accepting(one)) for one in neighbours), key=lambda p: p[1], default=best)
            if found[1] <= best[1]:
                return best
            best = found


def choices_of(contributions: Sequence[CodeText]) -> int:
    """Count the texts that some items may have, given what they contribute."""
    return prod(1 if isinstance(one, str) else len(one) for one in contributions)


def texts_of(wanted: CodeText) -> Sequence[str]:
    """Return the texts that an item may have, given what it contributes, in a fixed order."""
    return (wanted,) if isinstance(wanted, str) else sorted(wanted)


class Codes:
    """The codes of a target over all words that its identifiers may be.

    ``words`` are the words of each identifier, ``combinations`` is the number of ways to choose one for each.
    """

    def __init__(self, target: Target, words: Words, fold: Callable[[str], str]) -> None:
        self.target = target
        self.expression = bind(target.matcher.expression, target.names)
        self.items = bind_items(target.matcher.items, target.names)
        is_case_sensitive = fold("A") == "A"
        self.words = [words.of(field_class, is_case_sensitive) for field_class in target.rule.identifiers]
        self.combinations = prod(map(len, self.words))
        self._fold = fold

    def contribution(self, item: BoundItem, values: Sequence[str]) -> CodeText:
        """Return what an item contributes for the values of the identifiers, restricted to folded characters."""
        if isinstance(item, BoundCall):
            assert isinstance(item.reads, int)
            item = item.evaluate(values[item.reads])
        if isinstance(item, str):
            return item
        return frozenset(character for character in item if self._fold(character) == character)

    @cached_property
    def groups(self) -> list[Group]:
        """The items grouped by what they read: first the constant ones, then those of each identifier."""
        reads = [item.reads if isinstance(item, BoundCall) else None for item in self.items]
        constant = tuple(at for at, read in enumerate(reads) if read is None)
        groups = [Group(constant, Counter([tuple(self.contribution(self.items[at], ()) for at in constant)]))]
        for number, texts in enumerate(self.words):
            positions = tuple(at for at, read in enumerate(reads) if read == number)
            values = [""] * len(self.words)
            words: Counter[tuple[CodeText, ...]] = Counter()
            for text in texts:
                values[number] = text
                words[tuple([self.contribution(self.items[at], values) for at in positions])] += 1
            groups.append(Group(positions, words))
        return groups

    def address(self, values: Sequence[str], code: str) -> str:
        """Return the local part for the values of the identifiers and a code."""
        return "".join(token_texts(self.expression, values, code))

    def accepts(self, values: Sequence[str], code: str) -> bool:
        """Return whether the statement accepts the address of some values and a code, in any reading."""
        address = self.address(values, code)
        account, alias = self.target.names[NameKind.ACCOUNT], self.target.names[NameKind.ALIAS]
        try:
            return len(address) <= LONGEST and self.target.matcher.count(LookupRecord(address), account, alias) > 0
        except StepBudgetExceeded:
            return False

    def is_right(self, values: Sequence[str], code: str) -> bool:
        """Return whether a code is right for the values of the identifiers, in the reading that has these values."""
        ends = {0}
        for item in self.items:
            wanted = self.contribution(item, values)
            ends = {end + len(text) for end in ends for text in texts_of(wanted) if code.startswith(text, end)}
        return len(code) in ends

    def count_accepting(self, code: str) -> int:
        """Count the combinations of words for which a code is right."""
        return sum(
            prod(group.count_accepting([split[at] for at in group.positions]) for group in self.groups)
            for split in self._splits(code, ())
        )

    def _splits(self, code: str, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Yield the ways to split a code into texts of its items; ``before`` are those of the first items."""
        if len(before) == len(self.items):
            if not code:
                yield before
            return
        for width in sorted(self._widths[len(before)]):
            if width <= len(code):
                yield from self._splits(code[width:], (*before, code[:width]))

    @cached_property
    def _widths(self) -> list[set[int]]:
        """The possible lengths of each item's text."""
        widths: list[set[int]] = [set() for _ in self.items]
        for group in self.groups:
            for wanted in group.words:
                for position, one in zip(group.positions, wanted, strict=True):
                    widths[position].add(len(one) if isinstance(one, str) else 1)
        return widths

    def draw_words(self, random: Random) -> tuple[str, ...]:
        """Draw a word for each identifier."""
        return tuple([random.choice(texts) for texts in self.words])

    def draw_code(self, values: Sequence[str], random: Random) -> str:
        """Draw one of the codes that are right for the values of the identifiers."""
        return "".join([random.choice(texts_of(self.contribution(item, values))) for item in self.items])

    @cached_property
    def has_one_reading(self) -> bool:
        """True if every address has only one reading.

        That is so if each identifier ends at a character that is not of its class, or that occurs nowhere else.
        """
        code = self.expression.index(CodeField())
        left, right = self.expression[:code], self.expression[:code:-1]
        elsewhere = set().union(*self.target.names.values(), *(text for texts in self.words for text in texts))
        for group in self.groups:
            elsewhere.update(*(text for wanted in group.words for one in wanted for text in one))
        for side, end in ((left, 0), (right, -1)):
            for token, beyond in pairwise(side):
                if isinstance(token, Identifier) and isinstance(beyond, Literal):
                    character = beyond.text[end]
                    if character in RULES[token.field_class].alphabet and character in elsewhere:
                        return False
        return True
