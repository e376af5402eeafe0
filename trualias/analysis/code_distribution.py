"""The distribution of a statement's codes over all words of a list.

Each item of a code reads one identifier, or a name. Therefore the words of each identifier are grouped by what they
contribute, and figures about all combinations of words are computed from these few groups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product
from math import prod
from random import Random
from typing import cast

from attrs import frozen

from trualias.analysis.code_forms import Forms, forms_of
from trualias.analysis.composition import Target, token_texts
from trualias.analysis.trials import Trials
from trualias.analysis.word_classes import Words
from trualias.analysis.word_sets import WordSets
from trualias.language.fields import RULES
from trualias.language.functions import BoundCall, CodeText
from trualias.language.rule import BoundItem, bind, bind_items
from trualias.language.tree import CodeField, Identifier, Literal, NameKind
from trualias.matching.lookup_record import LookupRecord, StepBudgetExceeded
from trualias.matching.policy import LONGEST


@frozen(eq=False, repr=False, slots=False)
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
        self._is_case_sensitive = fold("A") == "A"
        self.words = [words.of(field_class, self._is_case_sensitive) for field_class in target.rule.identifiers]
        self.combinations = prod(map(len, self.words))
        self._fold = fold
        self._word_list = words

    def contribution(self, item: BoundItem, values: Sequence[str]) -> CodeText:
        """Return what an item contributes for the values of the identifiers, restricted to folded characters."""
        if isinstance(item, BoundCall):
            assert isinstance(item.reads, int)
            item = item.evaluate(values[item.reads])
        if isinstance(item, str):
            return item
        return frozenset(character for character in item if self._fold(character) == character)

    def contributions(self, at: int) -> Sequence[CodeText]:
        """Return what the item at a position contributes for each word of the identifier that it reads."""
        item = self.items[at]
        assert isinstance(item, BoundCall)
        return self._word_list.contributions(item, self._is_case_sensitive)

    def trials(self, number: int, seed: int) -> Trials:
        """Return up to that number of combinations of words; all words of a single identifier."""
        return self._word_list.trials(self.target.rule.identifiers, self._is_case_sensitive, number, seed)

    def forms(self, at: int) -> Mapping[Forms, int]:
        """Return the words by the forms of what the item at a position contributes; one word for a constant item."""
        item = self.items[at]
        if isinstance(item, BoundCall):
            return self._word_list.forms(item, self._is_case_sensitive)
        return {forms_of(self.contribution(item, ())): 1}

    @cached_property
    def positions(self) -> list[tuple[int, ...]]:
        """The positions of the items by what they read: of the constant ones, then of those of each identifier."""
        reads = [item.reads if isinstance(item, BoundCall) else None for item in self.items]
        kinds = (None, *range(len(self.words)))
        return [tuple(at for at, read in enumerate(reads) if read == kind) for kind in kinds]

    @cached_property
    def has_choice(self) -> bool:
        """True if several codes are right for the same words."""
        return any(
            item.function.is_choice if isinstance(item, BoundCall) else not isinstance(item, str) for item in self.items
        )

    def columns(self) -> list[Sequence[str]]:
        """Return each item's text for each word of the only identifier, where no item is a choice."""
        (words,) = self.words
        columns = []
        for at, item in enumerate(self.items):
            column = self.contributions(at) if isinstance(item, BoundCall) else [item] * len(words)
            columns.append(cast(Sequence[str], column))
        return columns

    @cached_property
    def groups(self) -> list[Group]:
        """The items grouped by what they read: first the constant ones, then those of each identifier."""
        constant, *of_identifiers = self.positions
        groups = [Group(constant, Counter([tuple(self.contribution(self.items[at], ()) for at in constant)]))]
        for positions, texts in zip(of_identifiers, self.words, strict=True):
            columns = [self.contributions(at) for at in positions]
            groups.append(Group(positions, Counter(zip(*columns, strict=True) if columns else [()] * len(texts))))
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

    @cached_property
    def item_sets(self) -> list[WordSets]:
        """For each item the words of its identifier for which it contributes each text; all bits for a constant one."""
        return [
            self._word_list.sets(item, self._is_case_sensitive)
            if isinstance(item, BoundCall)
            else dict.fromkeys(texts_of(self.contribution(item, ())), -1)
            for item in self.items
        ]

    def count_accepting(self, code: str) -> int:
        """Count the combinations of words for which a code is right."""
        return sum(prod(map(int.bit_count, sets)) for sets in self._accepting(code))

    def count_fitting(self, code: str) -> int:
        """Count the combinations of words for which a code is right, and the address no longer than may be."""
        if self.always_fit:
            return self.count_accepting(code)
        room = LONGEST - self.fixed_length - len(code)
        return sum(self._count_within(room, sets) for sets in self._accepting(code))

    def _accepting(self, code: str) -> Iterator[list[int]]:
        """Yield for each way to split a code into items the words of each identifier for which they are right."""
        pending = [(0, 0, [(1 << len(words)) - 1 for words in self.words])]
        while pending:
            number, at, sets = pending.pop()
            if number == len(self.items):
                if at == len(code):
                    yield sets
                continue
            item, texts = self.items[number], self.item_sets[number]
            for width in self.item_widths[number]:
                members = texts.get(code[at : at + width], 0) if at + width <= len(code) else 0
                if isinstance(item, BoundCall):
                    assert isinstance(item.reads, int)
                    here = sets.copy()
                    here[item.reads] &= members
                    if here[item.reads]:
                        pending.append((number + 1, at + width, here))
                elif members:
                    pending.append((number + 1, at + width, sets))

    def _count_within(self, room: int, sets: Sequence[int]) -> int:
        """Count the combinations of words from some sets, one for each identifier, that ``room`` characters hold."""
        ways = Counter({0: 1})
        for members, by_length in zip(sets, self._by_length, strict=True):
            longer: Counter[int] = Counter()
            for length, of_length in by_length.items():
                if count := (members & of_length).bit_count():
                    for before, number in ways.items():
                        if before + length <= room:
                            longer[before + length] += number * count
            ways = longer
        return sum(number for length, number in ways.items() if length <= room)

    @cached_property
    def item_widths(self) -> list[set[int]]:
        """The possible lengths of each item's text."""
        return [set(map(len, texts)) for texts in self.item_sets]

    @cached_property
    def _by_length(self) -> list[Mapping[int, int]]:
        """For each identifier the set of its words of each length."""
        classes = self.target.rule.identifiers
        return [self._word_list.by_length(field_class, self._is_case_sensitive) for field_class in classes]

    @cached_property
    def fixed_length(self) -> int:
        """The characters of an address that belong neither to words nor to the code."""
        return sum(len(token.text) for token in self.expression if isinstance(token, Literal))

    @cached_property
    def always_fit(self) -> bool:
        """True if no combination of words makes an address longer than a local part may be."""
        return self.fixed_length + sum(max(one, default=0) for one in self._lengths()) <= LONGEST

    @cached_property
    def never_fit(self) -> bool:
        """True if every combination of words makes an address longer than a local part may be."""
        return self.fixed_length + sum(min(one, default=0) for one in self._lengths()) > LONGEST

    def _lengths(self) -> Iterator[Collection[int]]:
        """Yield the possible lengths of each identifier and of each item."""
        yield from self._by_length
        yield from self.item_widths

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
        classes = self.target.rule.identifiers
        of_words = (self._word_list.characters(field_class, self._is_case_sensitive) for field_class in classes)
        elsewhere = set().union(
            *self.target.names.values(), *of_words, *(text for sets in self.item_sets for text in sets)
        )
        for side, end in ((left, 0), (right, -1)):
            for token, beyond in pairwise(side):
                if isinstance(token, Identifier) and isinstance(beyond, Literal):
                    character = beyond.text[end]
                    if character in RULES[token.field_class].alphabet and character in elsewhere:
                        return False
        return True
