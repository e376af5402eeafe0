"""The codes of a statement over all words of a list.

Each item of a code reads one identifier, or a name. So the words of every identifier are put together by what they
contribute, and what is asked of all combinations of words is computed from these few groups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise, product
from math import prod
from random import Random

from attrs import frozen

from trualias.language.fields import RULES, fits
from trualias.language.functions import CodeText
from trualias.language.rule import CodeItem, Rule
from trualias.language.spans import Spans, StepBudgetExceeded
from trualias.language.tree import CodeField, CodeLiteral, FieldClass, Identifier, Literal, NameField, NameKind
from trualias.matching.codes import contribution
from trualias.matching.matcher import Matcher
from trualias.matching.policy import LONGEST


class NoWords(Exception):
    """The list has no word that an identifier can be; ``str()`` is the class of that."""


class Words:
    """The words that people choose from, and which of them an identifier can be.

    Few companies are called by a number. So where fewer than ten words are ``number``, it is one from 1 to 9999.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._fitting: dict[tuple[FieldClass, bool], tuple[str, ...]] = {}

    def of(self, field_class: FieldClass, case_sensitive: bool) -> tuple[str, ...]:
        """Give the words of a class, each once, in lower case where case does not matter; raises NoWords."""
        key = field_class, case_sensitive
        if key not in self._fitting:
            words = (word for word in self._words if fits(field_class, word))
            found = tuple(dict.fromkeys(word if case_sensitive else word.lower() for word in words))
            if field_class is FieldClass.NUMBER and len(found) < 10:
                found = tuple(map(str, range(1, 10_000)))
            self._fitting[key] = found
        if not self._fitting[key]:
            raise NoWords(field_class.value)
        return self._fitting[key]


@frozen(eq=False, slots=False)
class Group:
    """Some items of a code that read the same words, and for how many of these they contribute what.

    ``positions`` are the items' places in the code, from 0; ``words`` gives the number of words by contributions.
    """

    positions: tuple[int, ...]
    words: Counter[tuple[CodeText, ...]]

    @cached_property
    def accepted(self) -> Counter[tuple[str, ...]]:
        """For how many words the items accept which texts."""
        counts: Counter[tuple[str, ...]] = Counter()
        for contributions, number in self.words.items():
            for texts in product(*map(texts_of, contributions)):
                counts[texts] += number
        return counts

    @cached_property
    def leaked(self) -> Mapping[tuple[str, ...], float]:
        """How many words' owners write which texts, where every choice is as likely."""
        weights: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for contributions, number in self.words.items():
            choices = choices_of(contributions)
            for texts in product(*map(texts_of, contributions)):
                weights[texts] += number / choices
        return weights

    @property
    def work(self) -> int:
        """How many texts have to be looked at to know ``accepted`` and ``leaked``."""
        return sum(map(choices_of, self.words))

    def accepting(self, texts: Sequence[str]) -> int:
        """For how many words the items accept some texts, one for each."""
        return sum(
            number
            for contributions, number in self.words.items()
            if all(
                text == one if isinstance(one, str) else text in one
                for text, one in zip(texts, contributions, strict=True)
            )
        )

    def commonest(self, work: int, texts: int) -> Sequence[tuple[tuple[str, ...], float]]:
        """Some of the texts that most words accept, of so many words as ``work`` allows; the most accepted first."""
        part: Counter[tuple[CodeText, ...]] = Counter()
        # The words may be in alphabetical order, and those with a first letter in common are not like all.
        for contributions in Random(0).sample(list(self.words), len(self.words)):
            work -= choices_of(contributions)
            if part and work < 0:
                break
            part[contributions] = self.words[contributions]
        ordered = Group(self.positions, part).accepted.most_common(texts)
        return [self._climbed(ordered[0][0]), self._climbed(self._each_best()), *ordered]

    def _each_best(self) -> tuple[str, ...]:
        """For each item the text that most words accept."""
        counts: list[Counter[str]] = [Counter() for _ in self.positions]
        for contributions, number in self.words.items():
            for count, wanted in zip(counts, contributions, strict=True):
                count.update(dict.fromkeys(texts_of(wanted), number))
        return tuple([min(count, key=lambda text: (-count[text], text)) for count in counts])

    def _climbed(self, texts: tuple[str, ...]) -> tuple[tuple[str, ...], float]:
        """Change one text after the other as long as that makes more words accept them."""
        choices = [sorted({text for wanted in self.words for text in texts_of(wanted[at])}) for at in range(len(texts))]
        best = texts, self.accepting(texts)
        while True:
            near = ((*best[0][:at], text, *best[0][at + 1 :]) for at, several in enumerate(choices) for text in several)
            found = max(((one, self.accepting(one)) for one in near), key=lambda pair: pair[1], default=best)
            if found[1] <= best[1]:
                return best
            best = found


def choices_of(contributions: Sequence[CodeText]) -> int:
    """How many ways there are to write what some items contribute."""
    return prod(1 if isinstance(one, str) else len(one) for one in contributions)


def texts_of(wanted: CodeText) -> Sequence[str]:
    """The texts that an item may show for what it contributes, in a fixed order."""
    return (wanted,) if isinstance(wanted, str) else sorted(wanted)


class Codes:
    """The codes of a statement for one of its accounts and one alias, over all words that its identifiers may be.

    ``combinations`` is how many choices of words there are, ``texts`` the words of each identifier.
    """

    def __init__(self, rule: Rule, names: tuple[str, str], words: Words, fold: Callable[[str], str]) -> None:
        self.matcher = Matcher(rule, fold)
        self.account, self.alias = map(fold, names)
        self.items = self.matcher.items
        sensitive = fold("A") == "A"
        self.texts = [words.of(field_class, sensitive) for field_class in rule.identifiers]
        self.combinations = prod(map(len, self.texts))
        self._fold = fold

    def wanted(self, item: CodeItem, values: Sequence[str]) -> CodeText:
        """What an item contributes for the values of the identifiers; only what can stand in a folded address."""
        found = contribution(item, list(values), self.account, self.alias)
        if isinstance(found, str):
            return found
        return frozenset(character for character in found if self._fold(character) == character)

    @cached_property
    def groups(self) -> list[Group]:
        """The items by what they read: the names and nothing first, then each identifier."""
        reads = [
            None if isinstance(item, CodeLiteral) or isinstance(item.reads, NameKind) else item.reads
            for item in self.items
        ]
        given = tuple(at for at, read in enumerate(reads) if read is None)
        groups = [Group(given, Counter([tuple(self.wanted(self.items[at], ()) for at in given)]))]
        for number, texts in enumerate(self.texts):
            positions = tuple(at for at, read in enumerate(reads) if read == number)
            values = [""] * len(self.texts)
            words: Counter[tuple[CodeText, ...]] = Counter()
            for text in texts:
                values[number] = text
                words[tuple([self.wanted(self.items[at], values) for at in positions])] += 1
            groups.append(Group(positions, words))
        return groups

    def address(self, values: Sequence[str], code: str) -> str:
        """Write the local part for the values of the identifiers and a code."""
        following = iter(values)
        parts = []
        for token in self.matcher.expression:
            match token:
                case Literal(text):
                    parts.append(text)
                case NameField(kind):
                    parts.append(self.account if kind is NameKind.ACCOUNT else self.alias)
                case Identifier():
                    parts.append(next(following))
                case CodeField():
                    parts.append(code)
        return "".join(parts)

    def passes(self, values: Sequence[str], code: str) -> bool:
        """Tell whether the statement accepts an address, in whatever reading."""
        address = self.address(values, code)
        try:
            return len(address) <= LONGEST and self.matcher.count(Spans(address), self.account, self.alias) > 0
        except StepBudgetExceeded:
            return False

    def is_right(self, values: Sequence[str], code: str) -> bool:
        """Tell whether a code is right for the values of the identifiers, in the reading in which they are that."""
        ends = {0}
        for item in self.items:
            wanted = self.wanted(item, values)
            ends = {end + len(text) for end in ends for text in texts_of(wanted) if code.startswith(text, end)}
        return len(code) in ends

    def accepting(self, code: str) -> int:
        """For how many combinations of words a code is right."""
        return sum(
            prod(group.accepting([cut[at] for at in group.positions]) for group in self.groups)
            for cut in self._cuts(code, ())
        )

    def _cuts(self, code: str, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The ways to cut a code into texts of its items."""
        if len(before) == len(self.items):
            if not code:
                yield before
            return
        for width in sorted(self._widths[len(before)]):
            if width <= len(code):
                yield from self._cuts(code[width:], (*before, code[:width]))

    @cached_property
    def _widths(self) -> list[set[int]]:
        """How long the texts of each item can be."""
        widths: list[set[int]] = [set() for _ in self.items]
        for group in self.groups:
            for wanted in group.words:
                for position, one in zip(group.positions, wanted, strict=True):
                    widths[position].add(len(one) if isinstance(one, str) else 1)
        return widths

    def draw(self, random: Random) -> tuple[str, ...]:
        """Choose words."""
        return tuple([random.choice(texts) for texts in self.texts])

    def draw_code(self, values: Sequence[str], random: Random) -> str:
        """Choose a code that is right for the values of the identifiers."""
        return "".join([random.choice(texts_of(self.wanted(item, values))) for item in self.items])

    @cached_property
    def reads_one_way(self) -> bool:
        """Whether an address can be read in the way only in which it was written.

        It can where every identifier ends at a character that is not of its class, or that stands nowhere else.
        """
        expression = self.matcher.expression
        code = next(at for at, token in enumerate(expression) if isinstance(token, CodeField))
        left, right = list(expression[:code]), list(reversed(expression[code + 1 :]))
        elsewhere = set().union(self.account, self.alias, *(text for texts in self.texts for text in texts))
        for group in self.groups:
            elsewhere.update(*(text for wanted in group.words for one in wanted for text in one))
        for side, end in ((left, 0), (right, -1)):
            for token, beyond in pairwise(side):
                if isinstance(token, Identifier) and isinstance(beyond, Literal):
                    character = beyond.text[end]
                    if character in RULES[token.field_class].alphabet and character in elsewhere:
                        return False
        return True
