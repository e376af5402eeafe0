"""The constant code that is right for the most words: an exact search over the texts of the items, by branch and bound.

The items that read one identifier are right together for the intersection of their word sets. The number of
combinations of words for which a code is right is at most the product of these numbers over the identifiers, times the
number of ways to split a code of one length into items. A prefix whose product cannot exceed the best code's number is
not continued; of the words of the shipped list, a few hundred prefixes remain.
"""

from __future__ import annotations

from collections import Counter
from math import prod

from attrs import frozen

from trualias.analysis.code_distribution import Codes
from trualias.analysis.composition import targets_of
from trualias.analysis.step_limit import StepLimitReached
from trualias.analysis.word_classes import NoWords, Words
from trualias.language.functions import BoundCall
from trualias.language.rule import Rule, bind, folding
from trualias.language.tree import Literal, NameKind

MOST_PREFIXES = 300_000
"""The most prefixes of codes that are examined; it takes about half a second."""

_NOT_READ = -1


@frozen
class CommonestCode:
    """A code, and the number of combinations of words whose address with it is accepted.

    ``is_best`` is whether all other codes are right for at most as many; otherwise the search reached its limit.
    """

    code: str
    accepted: int
    is_best: bool


def commonest(codes: Codes, more_than: float = -1, most_prefixes: int = MOST_PREFIXES) -> CommonestCode | None:
    """Return the code that is accepted for the most combinations of words, the first in the alphabet among equals.

    Readings with other identifiers do not count, nor addresses that are too long. The result is None if no code is
    accepted for ``more_than`` that number of combinations.
    """
    return _Search(codes, more_than, most_prefixes).run()


@frozen(eq=False, repr=False)
class _Option:
    """A text of an item, the words of the identifier for which it is right, and their number."""

    text: str
    words: int
    count: int


class _Search:
    """A search for the commonest code."""

    def __init__(self, codes: Codes, more_than: float, most_prefixes: int) -> None:
        self._codes = codes
        self._floor = more_than
        self._options = [
            sorted(
                (_Option(text, words, words.bit_count()) for text, words in sets.items()),
                key=lambda option: (-option.count, option.text),
            )
            for sets in codes.item_sets
        ]
        self._reads = [item.reads if isinstance(item, BoundCall) else _NOT_READ for item in codes.items]
        self._splits = _most_splits([{len(option.text) for option in options} for options in self._options])
        self._is_product = self._splits == 1 and (codes.always_fit or codes.never_fit)
        self._best = ""
        self._accepted = -1
        self._left = most_prefixes

    def run(self) -> CommonestCode | None:
        """Search, and return the best code."""
        codes = self._codes
        self._extend(0, "", [(1 << len(words)) - 1 for words in codes.words], [len(words) for words in codes.words])
        if self._accepted < 0:
            return None
        accepted = 0 if codes.never_fit else self._accepted
        return None if accepted <= self._floor else CommonestCode(self._best, accepted, self._left > 0)

    def _extend(self, number: int, prefix: str, sets: list[int], counts: list[int]) -> None:
        """Examine the codes that begin with a prefix, the text of the items before ``number``.

        ``sets`` are the words of each identifier for which the prefix is right, ``counts`` their numbers.
        """
        if number == len(self._options):
            self._compare(prefix, counts)
            return
        reads = self._reads[number]
        if reads == _NOT_READ:
            for option in self._options[number]:
                if self._may_be_better(prod(counts) * self._splits, prefix + option.text):
                    self._extend(number + 1, prefix + option.text, sets, counts)
            return
        assert isinstance(reads, int)
        others = self._splits * prod(counts[:reads]) * prod(counts[reads + 1 :])
        found = []
        for option in self._options[number]:
            if option.count * others < max(self._accepted, self._floor) or self._left <= 0:
                break  # the options that follow are right for fewer words
            self._left -= 1
            words = sets[reads] & option.words
            if words:
                found.append((words.bit_count(), option.text, words))
        found.sort(key=lambda one: (-one[0], one[1]))
        for count, text, words in found:
            if self._may_be_better(count * others, prefix + text):
                self._extend(
                    number + 1,
                    prefix + text,
                    [*sets[:reads], words, *sets[reads + 1 :]],
                    [*counts[:reads], count, *counts[reads + 1 :]],
                )

    def _may_be_better(self, bound: int, prefix: str) -> bool:
        """Return whether a code with a prefix may be better than the best so far, if ``bound`` limits its number."""
        if bound <= self._floor:
            return False
        return bound > self._accepted or (bound == self._accepted and prefix <= self._best[: len(prefix)])

    def _compare(self, code: str, counts: list[int]) -> None:
        accepted = prod(counts) if self._is_product else self._codes.count_fitting(code)
        if accepted > self._floor and (accepted, self._best) > (self._accepted, code):
            self._best, self._accepted = code, accepted


def _most_splits(widths: list[set[int]]) -> int:
    """Return the most ways to split a code of one length into texts of the given widths, one for each item."""
    ways = Counter({0: 1})
    for of_item in widths:
        longer: Counter[int] = Counter()
        for width in of_item:
            for length, number in ways.items():
                longer[length + width] += number
        ways = longer
    return max(ways.values(), default=0)


@frozen
class ConstantShare:
    """A code, and the share of the words for which it is right."""

    code: str
    share: float


class ConstantShares:
    """The best constant codes of many statements, computed once for all statements with the same code.

    Codes that are right for at most ``more_than`` of the words, a share from 0 to 1, are left out. Of more than
    ``most`` different codes, the first are examined.
    """

    def __init__(self, words: Words, case_sensitive: bool, more_than: float = -1, most: int = 1_000_000) -> None:
        self._most = most
        self._words = words
        self._fold = folding(case_sensitive)
        self._more_than = more_than
        self._known: dict[tuple[object, ...], ConstantShare | None] = {}

    def of(self, rule: Rule) -> ConstantShare | None:
        """Return the constant code that is right for most words, for the first account and alias of a statement.

        Other readings do not count. The result is None if the list has no word for one of the identifiers.

        Raises:
            StepLimitReached: the code is none of the first ``most`` different ones.
        """
        key = self._key(rule)
        if key not in self._known:
            if len(self._known) >= self._most:
                raise StepLimitReached
            self._known[key] = self._share(rule)
        return self._known[key]

    def _share(self, rule: Rule) -> ConstantShare | None:
        try:
            codes = Codes(next(targets_of(rule, self._fold)), self._words, self._fold)
        except NoWords:
            return None
        found = commonest(codes, self._more_than * codes.combinations)
        return None if found is None else ConstantShare(found.code, found.accepted / codes.combinations)

    @staticmethod
    def _key(rule: Rule) -> tuple[object, ...]:
        """A key that is equal for statements whose codes have the same share.

        It is made of the statement alone: to make 30,000 statements' codes only to compare them takes two seconds.
        """
        names = {NameKind.ACCOUNT: rule.accounts[0], NameKind.ALIAS: (*rule.aliases, "")[0]}
        read = {item.reads for item in rule.items if isinstance(item, BoundCall) and isinstance(item.reads, NameKind)}
        texts = (token.text if isinstance(token, Literal) else "" for token in bind(rule.expression, names))
        return rule.identifiers, rule.items, sum(map(len, texts)), *(names[kind] for kind in NameKind if kind in read)
