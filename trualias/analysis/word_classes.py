"""The words that people choose from, by the classes of identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

from trualias.analysis.code_forms import Forms
from trualias.analysis.trials import Trials
from trualias.analysis.word_sets import ItemSets, WordSets
from trualias.language.fields import fits
from trualias.language.functions import FUNCTIONS, BoundCall, CodeText
from trualias.language.tree import FieldClass


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
        self._item_sets = ItemSets()
        self._trials: dict[tuple[object, ...], Trials] = {}
        self._by_length: dict[tuple[FieldClass, bool], dict[int, int]] = {}
        self._characters: dict[tuple[FieldClass, bool], frozenset[str]] = {}
        self._text = "\n".join(words).lower()

    def contain(self, text: str) -> bool:
        """Return whether a text occurs in a word, in any case."""
        return text.lower() in self._text

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

    def contributions(self, call: BoundCall, case_sensitive: bool) -> Sequence[CodeText]:
        """Return what a call contributes for each word of its class, restricted to lower case unless case matters."""
        return self._item_sets.contributions(call, self.of(call.field_class, case_sensitive), case_sensitive)

    def trials(self, classes: tuple[FieldClass, ...], case_sensitive: bool, number: int, seed: int) -> Trials:
        """Return all words of a single class, or that number of drawn combinations of words of several classes."""
        key = classes, case_sensitive, number, seed
        if key not in self._trials:
            random = Random(seed)
            words = [self.of(field_class, case_sensitive) for field_class in classes]
            draws = range(number) if len(words) > 1 else ()
            values = [tuple([random.choice(texts) for texts in words]) for _ in draws]
            self._trials[key] = Trials(values or list(product(*words)), random)
        return self._trials[key]

    def sets(self, call: BoundCall, case_sensitive: bool) -> WordSets:
        """Return the words for which a call contributes each text; bit ``n`` is word ``n`` of the call's class."""
        return self._item_sets.of(call, self.of(call.field_class, case_sensitive), case_sensitive)

    def forms(self, call: BoundCall, case_sensitive: bool) -> Mapping[Forms, int]:
        """Return the words of a call's class by the forms of what it contributes for them."""
        return self._item_sets.forms(call, self.of(call.field_class, case_sensitive), case_sensitive)

    def characters(self, field_class: FieldClass, case_sensitive: bool) -> frozenset[str]:
        """Return all characters of the words of a class."""
        key = field_class, case_sensitive
        if key not in self._characters:
            self._characters[key] = frozenset().union(*self.of(field_class, case_sensitive))
        return self._characters[key]

    def by_length(self, field_class: FieldClass, case_sensitive: bool) -> Mapping[int, int]:
        """Return the set of the words of a class of each length."""
        key = field_class, case_sensitive
        if key not in self._by_length:
            sets = self.sets(BoundCall(FUNCTIONS["CHARS"], 0, field_class), case_sensitive)
            self._by_length[key] = {int(text): members for text, members in sets.items()}
        return self._by_length[key]
